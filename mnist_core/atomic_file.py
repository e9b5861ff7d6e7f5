"""Writes a file so that a reader, even after a crash at any byte, finds the old content or the new, never a part.

Also the one place that turns OSErrors of writes into NotWritable.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_core.errors import NotWritable

FREE_SPACE_REMEDY = "free disk space or fix its permissions"

_UNFINISHED = ".part"


@contextmanager
def write_errors(what: Path | str, remedy: str = FREE_SPACE_REMEDY, *, verb: str = "written") -> Iterator[None]:
    """Turns an OSError in the block into a NotWritable: "<what> cannot be <verb> (<reason>): <remedy>".

    Args:
        what: the file or folder that the block writes.
        remedy: what the user can do.
        verb: "written" or "created".

    Raises:
        NotWritable: the block raised an OSError.
    """
    try:
        yield
    except (OSError, NotImplementedError) as err:  # NotImplementedError: FileLock's, on a file system without locks
        reason = getattr(err, "strerror", None) or err
        raise NotWritable(f"{what} cannot be {verb} ({reason}): {remedy}") from err


def write_atomically(path: Path, content: bytes) -> None:
    """Writes under a temporary name in the same folder, flushes to the disk, then renames.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    with write_errors(path):
        handle, name = tempfile.mkstemp(_UNFINISHED, f".{path.name}.", path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)  # mkstemp makes it private
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def leftovers(folder: Path) -> Iterator[Path]:
    """Returns the unfinished files in a folder: those being written now, and those of processes that were killed."""
    return folder.glob(f".*{_UNFINISHED}")


def make_folder(folder: Path) -> None:
    """Creates a folder and its missing parents so that they survive a power cut.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    with write_errors(folder, verb="created"):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
