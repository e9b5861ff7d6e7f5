"""Disks of a few pages that a test mounts, fills and makes read-only, and `mxtrials` that sees them.

They are mounted in a namespace of the test's own, and are gone with its process, however that ends. This needs root, or
a kernel that lets users have namespaces.
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

_MINE = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user"]
_UNSHARE = ["unshare", *_MINE, *([] if os.geteuid() == 0 else ["--map-root-user"])]
_NSENTER = ["nsenter", *_MINE, *([] if os.geteuid() == 0 else ["--preserve-credentials"])]


class Disks:
    """A mount namespace, kept by a process that ends with its input.

    Attributes:
        environment: of the commands that run in it.
    """

    def __init__(self, keeper: "subprocess.Popen[str]", folder: Path, environment: dict[str, str]) -> None:
        """Commands run in `folder`."""
        self._keeper, self._folder, self.environment = keeper, folder, environment

    def mount(self, folder: Path, pages: int = 1024) -> Path:
        """An empty disk of so many pages of memory at a folder, which is made; returns how the test sees it."""
        self._do("mkdir", "--parents", folder)
        self._do("mount", "-t", "tmpfs", "-o", f"size={pages * PAGE_BYTES},mode=755", "none", folder)
        return self.seen(folder)

    def resize(self, folder: Path, pages: int) -> None:
        """The disk has so many pages now."""
        self._do("mount", "-o", f"remount,size={pages * PAGE_BYTES}", folder)

    def make_read_only(self, folder: Path) -> None:
        """Nothing below the folder can be written any more."""
        self._do("mount", "--bind", folder, folder)
        self._do("mount", "-o", "remount,bind,ro", folder)

    def fill(self, folder: Path, free_pages: int = 0) -> None:
        """Leaves so many pages free on the disk at a folder."""
        free = os.statvfs(self.seen(folder)).f_bavail - free_pages
        assert free >= 0, f"the disk is too small: {free} pages"
        (self.seen(folder) / FILLER).write_bytes(bytes(free * PAGE_BYTES))

    def make_room(self, folder: Path) -> None:
        """Takes back `fill`."""
        (self.seen(folder) / FILLER).unlink()

    def seen(self, path: Path) -> Path:
        """How this process, outside the namespace, finds what is there."""
        return Path(f"/proc/{self._keeper.pid}/root{path}")

    def mxtrials(self, *arguments: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command inside, with changes to its environment."""
        return self._run(*command(*arguments), environment={**self.environment, **changes})

    def _do(self, *words: str | Path) -> None:
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
    """A namespace without disks yet, or a test that is skipped."""
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
            pytest.skip(f"no disk can be mounted here, without root or namespaces: {keeper.stderr.read().strip()}")
        try:
            yield Disks(keeper, folder, environment)
        finally:
            keeper.stdin.close()
