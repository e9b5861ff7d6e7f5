"""SIGKILL between any two steps that a process takes on the disk, found by Python's audit hooks without patching."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR

Snapshot = list[tuple[str, int, int, int]]


def die_before_step(number: int, folder: Path) -> None:
    """Makes this process kill itself right before its `number`-th step on the disk, counted from 1.

    Before each SQL statement, and before a file is opened for writing, renamed or deleted or a folder is made, the
    process takes a snapshot of the folder. It counts a step only if the snapshot differs from the last one: dying
    at the same snapshot again would test nothing new.
    """
    steps = 0
    last: Snapshot | None = None

    def check() -> None:
        nonlocal steps, last
        now = _snapshot(folder)
        if now == last:
            return
        last = now
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            connection = arguments[0]

            def opened(*_: object) -> None:
                sys.setprofile(None)
                connection.set_trace_callback(lambda statement: check())

            # The connection cannot be traced yet. The profiler calls `opened` as soon as it can.
            sys.setprofile(opened)
        elif event in CHANGES or (event == "open" and arguments[2] & WRITING):
            check()

    sys.addaudithook(audit)


def _snapshot(folder: Path) -> Snapshot:
    """Names, inodes, sizes and modification times of all files and folders."""
    found = [(path, path.stat()) for path in sorted(folder.rglob("*"))]
    return [(str(path), status.st_ino, status.st_size, status.st_mtime_ns) for path, status in found]
