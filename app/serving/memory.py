"""What is freed goes back to the system: the allocators of this process keep little for the next time.

A page of a large run makes and drops tables of many megabytes in threads that come and go; with an arena for
each thread and pools of their own, the allocators would hold the most that was ever needed.
"""

import ctypes

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters of glibc's mallopt(3)
ARENAS = 2
KEPT_BYTES = 1 << 17  # free memory at the end of an arena beyond this is handed back


def keep_little() -> None:
    """Tells the allocators to hand back what is freed; without effect where the C library is another one."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for parameter, value in (
        (_ARENA_MAX, ARENAS),
        (_TRIM_THRESHOLD, KEPT_BYTES),
        (_MMAP_THRESHOLD, KEPT_BYTES),
    ):
        mallopt(parameter, value)
