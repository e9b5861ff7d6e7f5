"""`mxtrials` in processes that are ready within milliseconds, so that a test can afford to kill hundreds of them.

They are forked from one that has run a study, and loaded MXNet: its naive engine has no threads for a fork to lose.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

from jobs.cli import main

PATIENCE_S, POLL_S = 120.0, 0.01

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.kit.preload"])


class WarmProcess:
    """A call of a function of a module in a process of its own, from its start to its end."""

    def __init__(self, function: Callable[..., object], *arguments: object, **options: object) -> None:
        """Starts it."""
        self._process: ForkServerProcess = _FORKS.Process(target=function, args=arguments, kwargs=options, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def kill(self, after_s: float) -> int:
        """Kills it by SIGKILL, unless it has ended by then; see `wait`."""
        self._process.join(after_s)
        self._process.kill()
        return self.wait()

    def wait(self) -> int:
        """Its exit code; the negative number of the signal that killed it."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode
        assert code is not None, f"process {self.pid} has not ended within {PATIENCE_S} s"
        self._process.close()
        return code


class WarmCommand(WarmProcess):
    """One `mxtrials ...`, from its start to its end.

    Attributes:
        stdout, stderr: the files that take what it prints.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        environment: Mapping[str, str],
        output: Path | None = None,
        first: Callable[[], object] | None = None,
    ) -> None:
        """Starts it in `folder`, with its output in files there or in another folder.

        `first` is called in its process before, and must be picklable.
        """
        self.stdout, self.stderr = ((output or folder) / name for name in ("stdout", "stderr"))
        for file in (self.stdout, self.stderr):
            file.write_bytes(b"")
        super().__init__(
            _mxtrials, [*map(str, arguments)], folder, dict(environment), (self.stdout, self.stderr), first
        )


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits until something is the case.

    Raises:
        AssertionError: it is not, for too long.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {what}"
        time.sleep(POLL_S)


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone, or a zombie that its heir does not bury."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _mxtrials(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    output: tuple[Path, Path],
    first: Callable[[], object] | None,
) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for stream, path in enumerate(output, start=1):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream)
    sys.argv = ["mxtrials", *arguments]
    if first is not None:
        first()
    main()
