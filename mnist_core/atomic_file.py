"""Writing a file so that a reader, or a crash at any byte, finds the old content or the new, never a part."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_core.errors import NotWritable

_UNFINISHED = ".part"


def write_atomically(path: Path, content: bytes) -> None:
    """Writes under a temporary name in the same folder, flushes to the disk, then renames.

    Raises:
        NotWritable: the folder or the disk refuses.
    """
    try:
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
    except OSError as err:
        raise NotWritable(f"{path} cannot be written ({err.strerror}): make room there, or allow it") from err


def leftovers(folder: Path) -> Iterator[Path]:
    """What is being written in a folder, or was when the process that wrote it was killed."""
    return folder.glob(f".*{_UNFINISHED}")


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it that are missing, such that they survive a power cut.

    Raises:
        NotWritable: the file system refuses.
    """
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            sync_folder(each.parent)
    except OSError as err:
        raise NotWritable(f"{folder} cannot be made ({err.strerror}): make room there, or allow it") from err


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
