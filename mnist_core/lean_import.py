"""Imports a library without what we do not need: large optional packages, and a greeting on standard error."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()


@contextmanager
def hidden_packages(*packages: str) -> Iterator[None]:
    """Hides packages from the imports in the block, as if they were not installed; loaded packages stay visible.

    Some libraries import a large package for a few of their functions, and work without it if it is not installed. If
    we call none of those functions, hiding the package saves its time and memory in every process. After the block it
    can be imported as usual, but the library keeps working without it. Only one block runs at a time; meanwhile, other
    threads cannot import the packages either.
    """
    with _ONE_AT_A_TIME:
        hidden = [name for name in packages if name not in sys.modules]
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment] # the import system then raises ModuleNotFoundError
        try:
            yield
        finally:
            for name in hidden:
                del sys.modules[name]


@contextmanager
def filtered_stderr(dropped: re.Pattern[bytes]) -> Iterator[None]:
    """Drops the lines that match a pattern at their start from what the block writes to file descriptor 2, even from C.

    The other lines, from all threads, are written when the block ends.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with os.fdopen(os.memfd_create("stderr"), "w+b") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            for line in sink:
                if not dropped.match(line):
                    os.write(2, line)
