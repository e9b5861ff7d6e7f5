"""Cgroups with a small memory limit, in which the kernel kills processes that exceed it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Cgroup version 1 limits memory and swap together, version 2 limits swap separately.
GROUPS, LIMIT, SWAP_LIMIT = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
if not GROUPS.exists():
    GROUPS, LIMIT, SWAP_LIMIT = Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max"


@contextmanager
def small_group(limit_bytes: int) -> Iterator[Path]:
    """Makes a cgroup without swap and yields its folder; its processes must end within the block.

    Skips the test if this machine does not allow it.
    """
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="mxtrials-test-", dir=GROUPS))
        (folder / LIMIT).write_text(str(limit_bytes))
        if (folder / SWAP_LIMIT).exists():
            (folder / SWAP_LIMIT).write_text(str(limit_bytes if "memsw" in SWAP_LIMIT else 0))
    except OSError as err:
        if folder:
            folder.rmdir()
        pytest.skip(f"no cgroup with a memory limit can be made here ({err})")
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Removes a cgroup as soon as the kernel has reaped its killed processes."""
    deadline_s = time.monotonic() + 60
    while True:
        try:
            return folder.rmdir()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.1)


def join(group: Path) -> None:
    """Moves this process into a cgroup, which does not count the memory that it already uses."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


class GroupProcess:
    """A Python program in a cgroup that prints lines, and ends when its standard input is closed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self.process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    def read_line(self) -> str:
        """Waits for the next line that it prints."""
        return self._stdout.readline().strip()

    def end(self) -> int:
        """Closes its standard input, waits for its end and returns its exit code."""
        self._stdin.close()
        return self.process.wait()


@contextmanager
def running_in(group: Path, program: str) -> Iterator[GroupProcess]:
    """Runs a program in a cgroup, at most until the block ends."""
    join_group = f"import os, sys\nopen({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
    command = [sys.executable, "-c", join_group + program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield GroupProcess(process)
        finally:
            process.kill()
