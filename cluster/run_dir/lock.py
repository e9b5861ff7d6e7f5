"""Locks a run directory for one driver at a time, and tells whether it is locked."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.atomic_file import check_locks, write_errors
from mnist_core.errors import RunDirError

# How long `hold_lock` tries, because a process that checks whether a run is locked holds the lock for an instant.
LOCK_PATIENCE_S = 1.0
# What to do if the run's file system rejects locks.
LOCAL_DISK = "choose a folder on a local disk with --out, or copy the run to one"


@contextmanager
def hold_lock(run_dir: Path, lock: Path, find_note: Callable[[], Path]) -> Iterator[None]:
    """Locks a run directory for this process; the kernel releases the lock however the process ends.

    Args:
        run_dir: the run directory, for messages.
        lock: the file to lock.
        find_note: returns the file that says who holds the lock, for the error message of a second driver. Its folder
            may be renamed while the lock is held.

    Raises:
        RunDirError: another process holds the lock.
        NotWritable: the folder or the disk is not writable.
    """
    file_lock = FileLock(lock)
    with write_errors(run_dir, "free disk space, fix its permissions, or copy the run"):
        check_locks(lock, run_dir, LOCAL_DISK)
        try:
            file_lock.acquire(timeout=LOCK_PATIENCE_S)
        except Timeout as err:
            raise RunDirError(f"{run_dir} is in use by {_lock_owner(find_note())}: wait for it, or stop it") from err
        find_note().write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    try:
        yield
    finally:
        with suppress(OSError):  # on a disk that has become read-only
            find_note().unlink(missing_ok=True)
        file_lock.release()


def is_locked(lock: Path) -> bool:
    """Returns whether a process holds the lock now; needs no write permission, and many may ask at once."""
    try:
        with lock.open("rb") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # there is no lock file, so no driver
    return False


def _lock_owner(note: Path) -> str:
    try:
        owner = json.loads(note.read_text())
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
