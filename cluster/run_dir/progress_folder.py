"""The folder in which the workers say how far they are within an epoch, for people who watch a study."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cluster.run_dir.paths import RunDir


@contextmanager
def progress_folder(run_dir: RunDir) -> Iterator[Path | None]:
    """Yields the folder while a study runs, empty at first, and removes it afterwards; None if it cannot be created."""
    shutil.rmtree(run_dir.progress, ignore_errors=True)  # of a driver that was killed
    created: Path | None = None
    with suppress(OSError):
        run_dir.progress.mkdir()
        created = run_dir.progress.absolute()
    try:
        yield created
    finally:
        shutil.rmtree(run_dir.progress, ignore_errors=True)
