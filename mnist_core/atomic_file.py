"""Writes a file so that a reader, even after a crash at any byte, finds the old content or the new, never a part.

Also the one place that turns OSErrors of writes and locks into NotWritable.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

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


def check_locks(lock: Path, what: Path | str, remedy: str) -> None:
    """Checks that the file system of a lock file supports locks, because some network file systems do not.

    Args:
        lock: the lock file, created if it does not exist.
        what: what it locks.
        remedy: how to move that to another disk.

    Raises:
        NotWritable: it does not.
        OSError: the file cannot be created.
    """
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # locked by another process
            pass
        except OSError as err:
            raise NotWritable(lock_rejection(what, err.strerror, remedy)) from err


def lock_rejection(what: Path | str, reason: object, remedy: str) -> str:
    """Returns the sentence for a file system that rejects locks."""
    return f"{what} cannot be locked ({reason}), as on some network file systems: {remedy}"


def write_atomically(path: Path, content: bytes) -> None:
    """Writes under a temporary name in the same folder, flushes to the disk, then renames.

    Who may read and write the file is up to the process's umask, as for all files of a run: teams share folders.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    with write_errors(path):
        unfinished = path.with_name(f".{path.name}.{token_hex(4)}{_UNFINISHED}")
        with unfinished.open("xb") as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                unfinished.replace(path)
            except BaseException:
                unfinished.unlink(missing_ok=True)
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
