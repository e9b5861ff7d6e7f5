"""The lock of a run directory: one driver at a time, and whether there is one now."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_core.atomic_file import write_errors
from mnist_core.errors import RunDirError

# How long `hold_lock` tries: whoever checks whether a run is locked holds its lock file for an instant.
LOCK_PATIENCE_S = 1.0


@contextmanager
def hold_lock(run_dir: Path, lock: Path, note: Path) -> Iterator[None]:
    """Holds a run directory for this process; the kernel releases the lock however the process ends.

    Args:
        run_dir: for messages.
        lock: the file to lock.
        note: a file that says who holds the lock, for the message of a second driver.

    Raises:
        RunDirError: another process holds it.
        NotWritable: the folder or the disk is not writable.
    """
    file_lock = FileLock(lock)
    with write_errors(run_dir, "free disk space, fix its permissions, or copy the run"):
        try:
            file_lock.acquire(timeout=LOCK_PATIENCE_S)
        except Timeout as err:
            raise RunDirError(f"{run_dir} is in use by {_lock_owner(note)}: wait for it, or stop it") from err
        note.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    try:
        yield
    finally:
        with suppress(OSError):  # on a disk that has become read-only
            note.unlink(missing_ok=True)
        file_lock.release()


def is_locked(lock: Path) -> bool:
    """Whether a process holds the lock now; needs no permission to write, and many may ask at once."""
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
