"""Disks of a few pages that a test mounts, fills and makes read-only, and `mxtrials` commands that see them.

They are mounted in a private mount namespace and disappear when the test process ends. This needs root, or a kernel
that allows user namespaces.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command_line import command

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FILLER = "filler"

if os.geteuid() == 0:
    _UNSHARE = ["unshare", "--mount"]
    _NSENTER = ["nsenter", "--mount"]
else:
    _UNSHARE = ["unshare", "--mount", "--user", "--map-root-user"]
    _NSENTER = ["nsenter", "--mount", "--user", "--preserve-credentials"]


class Disks:
    """A mount namespace, kept alive by a process that ends when its standard input is closed.

    Attributes:
        environment: environment of the commands that run in it.
    """

    def __init__(self, keeper: "subprocess.Popen[str]", folder: Path, environment: dict[str, str]) -> None:
        """keeper: the process that keeps the namespace alive; folder: the working directory of commands."""
        self._keeper = keeper
        self._folder = folder
        self.environment = environment

    def mount(self, folder: Path, pages: int = 1024) -> Path:
        """Makes a folder and mounts an empty disk of `pages` pages of memory there; returns `visible(folder)`."""
        self._run_checked("mkdir", "--parents", folder)
        self._run_checked("mount", "-t", "tmpfs", "-o", f"size={pages * PAGE_BYTES},mode=755", "none", folder)
        return self.visible(folder)

    def resize(self, folder: Path, pages: int) -> None:
        """Changes the size of the disk that is mounted at a folder."""
        self._run_checked("mount", "-o", f"remount,size={pages * PAGE_BYTES}", folder)

    def make_read_only(self, folder: Path) -> None:
        """Makes everything below a folder read-only."""
        self._run_checked("mount", "--bind", folder, folder)
        self._run_checked("mount", "-o", "remount,bind,ro", folder)

    def fill(self, folder: Path, free_pages: int = 0) -> None:
        """Fills the disk at a folder up to `free_pages` pages."""
        free = os.statvfs(self.visible(folder)).f_bavail - free_pages
        assert free >= 0, f"the disk is too small: {free} pages"
        (self.visible(folder) / FILLER).write_bytes(bytes(free * PAGE_BYTES))

    def free_space(self, folder: Path) -> None:
        """Undoes `fill`."""
        (self.visible(folder) / FILLER).unlink()

    def visible(self, path: Path) -> Path:
        """The path under which this process, outside the namespace, sees a path inside."""
        return Path(f"/proc/{self._keeper.pid}/root{path}")

    def mxtrials(self, *arguments: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command inside the namespace, with changes to its environment."""
        return self._run(*command(*arguments), environment={**self.environment, **changes})

    def _run_checked(self, *words: str | Path) -> None:
        done = self._run(*words, environment=dict(os.environ))
        assert done.returncode == 0, done.stderr

    def _run(self, *words: str | Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*_NSENTER, f"--target={self._keeper.pid}", f"--wdns={self._folder}", "--", *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@contextmanager
def small_disks(folder: Path, environment: dict[str, str]) -> Iterator[Disks]:
    """Opens a namespace without disks; skips the test if this machine does not allow it."""
    try:
        keeper = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", "mount -t tmpfs none /mnt && umount /mnt && echo ready && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError as err:
        pytest.skip(f"no disk can be mounted here: {err}")
    with keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stderr is not None
        if keeper.stdout.readline() != "ready\n":
            pytest.skip(f"no disk can be mounted here without root or user namespaces: {keeper.stderr.read().strip()}")
        try:
            yield Disks(keeper, folder, environment)
        finally:
            keeper.stdin.close()
