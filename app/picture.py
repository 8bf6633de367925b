"""One sample's image at full size, as bytes inside the page: it needs no address and no second request."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from app import markup
from store.run import Run


def picture(run: Run, sample_id: int, *, says: str) -> str:
    """Returns the thumbnail of a sample as HTML, enlarged without smoothing to the width there is.

    A frame of the same size where the run has no thumbnails; says: what a screen reader reads.
    """
    images = run.thumbnails()
    if images is None or not 0 <= sample_id < len(images):
        return (
            f'<div class="ut-blank" role="img" '
            f'aria-label="{markup.text(says)}, image not kept">no image</div>'
        )
    image = np.asarray(images[sample_id])
    written = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(written, "PNG")
    content = base64.b64encode(written.getvalue()).decode()
    return f'<img class="ut-pixels" alt="{markup.text(says)}" src="data:image/png;base64,{content}">'
