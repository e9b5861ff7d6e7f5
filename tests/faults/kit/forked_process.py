"""`mxtrials` commands and functions in processes that start within milliseconds, so that tests can kill hundreds.

They are forked from a server that has already loaded MXNet and run a study (fork_preload.py). MXNet's naive engine has
no threads that a fork could lose.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cluster.run_dir.paths import RunDir
from jobs.cli import main

PATIENCE_S = 120.0

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.kit.fork_preload"])


class ForkedProcess:
    """A module-level function that runs in its own process."""

    def __init__(self, function: Callable[..., object], *arguments: object, **options: object) -> None:
        """Starts the process."""
        self._process: ForkServerProcess = _FORKS.Process(target=function, args=arguments, kwargs=options, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def kill(self, after_s: float) -> int:
        """Kills the process by SIGKILL unless it ends within `after_s` seconds, and returns its exit code."""
        self._process.join(after_s)
        self._process.kill()
        return self.wait()

    def wait(self) -> int:
        """Waits for the end and returns the exit code, or the negative number of the signal that killed it."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode
        assert code is not None, f"process {self.pid} has not ended within {PATIENCE_S} s"
        self._process.close()
        return code


class ForkedCommand(ForkedProcess):
    """An `mxtrials` command that runs in its own process.

    Attributes:
        stdout, stderr: the files that take its output.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        environment: Mapping[str, str],
        output: Path | None = None,
        run_first: Callable[[], object] | None = None,
    ) -> None:
        """Starts the command.

        Args:
            arguments: what follows `mxtrials`.
            folder: the working directory.
            environment: added to the fork server's.
            output: the folder for the output files, `folder` by default.
            run_first: a picklable function that the process calls before the command.
        """
        self.stdout = (output or folder) / "stdout"
        self.stderr = (output or folder) / "stderr"
        for file in (self.stdout, self.stderr):
            file.write_bytes(b"")
        super().__init__(
            _run_mxtrials, [*map(str, arguments)], folder, dict(environment), (self.stdout, self.stderr), run_first
        )


class ForkedStudy:
    """A study with one driver after the other.

    Attributes:
        folder: the drivers' working directory.
        run_dir: the run directory in it.
    """

    def __init__(self, folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> None:
        """Makes the folder; `options` are those of `mxtrials run smoke`."""
        folder.mkdir()
        self.folder = folder
        self.run_dir = folder / "run"
        self._environment = environment
        self._run: tuple[str | Path, ...] = ("run", "smoke", *options, "--out", self.run_dir)

    def start_driver(self, run_first: Callable[[], object] | None = None) -> ForkedCommand:
        """Starts the next driver: `mxtrials resume`, or `mxtrials run` if there is no store yet."""
        resume = ("resume", self.run_dir, "--local", "--quiet")
        arguments = resume if RunDir(self.run_dir).store.exists() else self._run
        return ForkedCommand(*arguments, folder=self.folder, environment=self._environment, run_first=run_first)


def _run_mxtrials(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    output: tuple[Path, Path],
    run_first: Callable[[], object] | None,
) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for stream, path in enumerate(output, start=1):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream)
    sys.argv = ["mxtrials", *arguments]
    if run_first is not None:
        run_first()
    main()
