"""A program that measures one way of doing the work, and the process that runs it, whatever is measured."""

import importlib.util
import json
import os
import select
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

from mnist_core.errors import last_line


class ProgramFailed(Exception):
    """A program failed, took too long, or printed something that is not JSON."""


@dataclass(frozen=True)
class Program:
    """One way of doing the work.

    Attributes:
        name: e.g. "mxtrials".
        module: the module that Python runs; it prints what it measured as one line of JSON.
        arguments: its command-line arguments.
        needs: packages without which it cannot run.
        cores: how many of this process's cores it may use; None for all.
        timeout_s: how long one measurement may take.
        variables: additional environment variables, as (name, value).
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    cores: int | None = 1
    timeout_s: float = 900.0
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def missing_package(self) -> str | None:
        """The first package that it needs but that is not installed, or None."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), None)

    @property
    def command(self) -> list[str]:
        """The command line that runs it, environment variables included."""
        variables = ["env", *(f"{name}={value}" for name, value in self.variables)] if self.variables else []
        return [*variables, sys.executable, "-W", "ignore", "-m", self.module, *self.arguments]


class RunningProgram:
    """A process that runs a program on some of this process's cores; close() kills it."""

    def __init__(self, program: Program, cores: Collection[int]) -> None:
        self._timeout_s = program.timeout_s
        # A file, because a pipe that nobody reads fills up and blocks the process.
        self._stderr = TemporaryFile("w+", errors="replace")  # noqa: SIM115 - close() closes it
        with _pinned(cores):
            self._process = subprocess.Popen(
                program.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True
            )

    def __enter__(self) -> "RunningProgram":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def request(self) -> None:
        """Asks for one more measurement, with an empty line on the program's input.

        Raises:
            ProgramFailed: the process has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def read_answer(self) -> Any:
        """Waits for the next line of the program's output and returns its value.

        Raises:
            ProgramFailed: there is no line, or it is not JSON.
        """
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], self._timeout_s)[0]:
            raise ProgramFailed(f"gave no answer within {self._timeout_s:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        return _parse(line)

    def read_result(self) -> Any:
        """Waits for the program to end and returns the value in the last line of its output.

        Raises:
            ProgramFailed: the program failed, took too long, or its last line is not JSON.
        """
        try:
            output, _ = self._process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            raise ProgramFailed(f"took longer than {self._timeout_s:g} s") from None
        if self._process.returncode:
            raise self._failure()
        return _parse((output.splitlines() or [""])[-1])

    def close(self) -> None:
        """Kills the process unless it has ended, and closes its pipes; calling it again does nothing."""
        if self._stderr.closed:
            return
        with self._stderr, self._process:  # Popen's own exit closes the pipes and waits
            self._process.kill()
            with suppress(BrokenPipeError):  # a request that was written but never read
                if self._process.stdin:
                    self._process.stdin.close()

    def _failure(self) -> ProgramFailed:
        """Waits for the process to end; returns an error with its exit code and its last line on stderr."""
        code = self._process.wait()
        self._stderr.seek(0)
        return ProgramFailed(f"exited with {code}: {last_line(self._stderr.read())}")


def run_program(program: Program) -> Any:
    """Runs a program in a new process and returns what it measured.

    Raises:
        ProgramFailed: it measured nothing.
    """
    cores = sorted(os.sched_getaffinity(0))[: program.cores]
    with RunningProgram(program, cores) as running:
        return running.read_result()


@contextmanager
def _pinned(cores: Collection[int]) -> Iterator[None]:
    """Pins the block to these cores; processes that it starts inherit them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise ProgramFailed(f"printed {line.strip()!r}, which is not JSON") from None
