"""What several sources ask about their pictures: the size, the channels, and whether they may be mirrored.

Declared once, so that a form, a message and the README say the same of each of them.
"""

from typing import Annotated

from pydantic import Field

Side = Annotated[
    int,
    Field(ge=0, le=1024, description="pixels a side, scaled and cropped; 0: as they are, all of one size"),
]
Gray = Annotated[bool, Field(description="one channel instead of three")]
Flip = Annotated[bool, Field(description="a mirrored image keeps its class; not so for letters and digits")]
