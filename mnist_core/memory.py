"""Gives memory back to the system between trainings."""

import ctypes
from functools import cache
from typing import Any


def give_back_memory() -> None:
    """Returns to the system what was freed; for a process that trains one network after the other.

    glibc keeps freed memory that lies below a block in use, and finds little use for it where the next network has
    other shapes: a worker grew by 30 to 350 MB over some hundred trials. It takes a millisecond, ten after a large
    network. Other C libraries are left alone.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
