"""The folder of what is computed or fetched once and used by many runs: embeddings, encoders, images.

One variable moves all of it to another disk.
"""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Returns what UNDERTOW_CACHE says, else the folder undertow in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("UNDERTOW_CACHE") or home / "undertow")
