"""Death between any two steps that a process takes on its disk; Python itself tells of them, nothing is replaced."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR

Look = list[tuple[str, int, int, int]]


def die_before_step(number: int, folder: Path) -> None:
    """From now on this process counts the steps that it takes in a folder, and dies by SIGKILL right before that one.

    Before SQLite is given a statement, and before a file is opened to be written, renamed or deleted, or a folder made,
    the process looks at the folder. Where that looks as it did the time before, to die now would be to die as then; it
    is one step.
    """
    steps, before = 0, list[Look]()

    def look() -> None:
        nonlocal steps
        now = _look(folder)
        if now in before[-1:]:
            return
        before.append(now)
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            connection = arguments[0]

            def opened(*_: object) -> None:
                sys.setprofile(None)
                connection.set_trace_callback(lambda statement: look())

            sys.setprofile(opened)  # is called at once, when the connection can be used
        elif event in CHANGES or (event == "open" and arguments[2] & WRITING):
            look()

    sys.addaudithook(audit)


def _look(folder: Path) -> Look:
    """Names, inodes, sizes and times of all files and folders."""
    found = [(path, path.stat()) for path in sorted(folder.rglob("*"))]
    return [(str(path), status.st_ino, status.st_size, status.st_mtime_ns) for path, status in found]
