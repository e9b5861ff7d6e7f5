"""Control groups with little memory, in which the kernel kills for the lack of it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Of version 1, which limits memory and swap together, or of version 2, which limits swap by itself.
GROUPS, LIMIT, SWAP_LIMIT = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
if not GROUPS.exists():
    GROUPS, LIMIT, SWAP_LIMIT = Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max"


@contextmanager
def small_group(limit_bytes: int) -> Iterator[Path]:
    """The folder of one without swap; its processes must end with the block. Skips the test where none can be made."""
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="mxtrials-test-", dir=GROUPS))
        (folder / LIMIT).write_text(str(limit_bytes))
        if (folder / SWAP_LIMIT).exists():
            (folder / SWAP_LIMIT).write_text(str(limit_bytes if "memsw" in SWAP_LIMIT else 0))
    except OSError as err:
        if folder:
            folder.rmdir()
        pytest.skip(f"no group of processes with a memory limit can be made here ({err})")
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """As soon as the killed are buried."""
    deadline_s = time.monotonic() + 60
    while True:
        try:
            return folder.rmdir()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.1)


def join(group: Path) -> None:
    """Moves this process into a group; what it has already taken is not counted there."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


class Talker:
    """A Python program in a group, which says lines and is told lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self.process, self._ear, self._mouth = process, process.stdin, process.stdout

    def says(self) -> str:
        """Its next line."""
        return self._mouth.readline().strip()

    def end(self) -> int:
        """Ends its input, on which it leaves; its exit status."""
        self._ear.close()
        return self.process.wait()


@contextmanager
def running_in(group: Path, program: str) -> Iterator[Talker]:
    """Runs a program in a group, at the longest until the block ends."""
    joining = f"import os, sys\nopen({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
    command = [sys.executable, "-c", joining + program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Talker(process)
        finally:
            process.kill()
