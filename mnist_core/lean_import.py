"""Imports a library without what it can do without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()


@contextmanager
def hidden_packages(*packages: str) -> Iterator[None]:
    """Hides packages, as if they were not installed, from the imports in the block; what is loaded already stays.

    Some libraries import a large package for a few functions of theirs, and go on where it is not installed. Where we
    call none of those functions, hiding it saves its time and its memory in every process. Afterwards the package can
    be imported as ever; the library goes on without it. One block runs at a time; other threads do not see the
    packages meanwhile, either.
    """
    with _ONE_AT_A_TIME:
        hidden = [name for name in packages if name not in sys.modules]
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            yield
        finally:
            for name in hidden:
                del sys.modules[name]
