"""Keeps what is freed: every batch asks for the blocks that the one before it gave back.

glibc hands large blocks to the system as soon as they are free, and the next batch has them mapped anew, page
by page. On a virtual machine that took up to a third of a forward pass.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # what glibc's mallopt calls them
_NEVER = 2**31 - 1  # bytes free at the end of the heap before it shrinks; the largest that mallopt takes
_LARGEST = 1 << 30  # blocks of more bytes are mapped one by one, as before


def keep_freed() -> bool:
    """Tells the process's allocator to keep what is freed, for good; False where it is not glibc's."""
    try:
        option = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(option(_MMAP_THRESHOLD, _LARGEST) and option(_TRIM_THRESHOLD, _NEVER))
