"""Turns any error of a command into one sentence on stderr and an exit code, never a traceback."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from jobs.cli.closed_terminal import Terminals
from jobs.cli.help import GroupedCommands
from jobs.stop_signals import signals_as_keyboard_interrupt
from mnist_core.errors import ClusterLost, EnvironmentProblem, MxtrialsError, NotWritable

EXIT_INTERRUPTED = 130


class MxtrialsGroup(GroupedCommands):
    """A click group that prints an error as one sentence and exits with its code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the command line. Also turns unexpected OS errors into one-line messages."""
        _reopen_closed_streams()
        _replace_unprintable_text()
        with signals_as_keyboard_interrupt(), _standard_output():
            try:
                return super().main(*args, **extra)
            except MxtrialsError as err:
                failure: MxtrialsError = err
            except OSError as err:
                what = f"{err.filename}: {err.strerror}" if err.filename else str(err)
                failure = EnvironmentProblem(f"unexpected system error ({what}): `mxtrials doctor` may say more")
            except MemoryError as err:
                failure = EnvironmentProblem(f"not enough memory ({err}): free some, or use less")
            print_error(f"mxtrials: {in_one_line(str(failure))}")
            if isinstance(failure, ClusterLost):  # at the end of the interpreter, Ray's threads may hang or crash
                sys.stdout.flush()
                os._exit(failure.exit_code)
            sys.exit(failure.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; click itself would report an interrupt as "Aborted!" and exit with 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("mxtrials: interrupted")
            sys.exit(EXIT_INTERRUPTED)


def in_one_line(sentence: str) -> str:
    """Escapes what could garble a terminal: names may contain line feeds, escape codes, right-to-left marks."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in sentence)


def print_error(line: str) -> None:
    """Prints a line on stderr; if that fails too, the exit code still tells."""
    with suppress(OSError):
        click.echo(line, err=True)


def _reopen_closed_streams() -> None:
    """Opens standard streams that were closed (`>&-`); otherwise output would go to the next file that is opened."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _replace_unprintable_text() -> None:
    """Lets standard streams print replacement characters, whatever encoding they have and whatever a name contains."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


@contextmanager
def _standard_output() -> Iterator[None]:
    """Makes prints in the block raise NotWritable if standard output fails, e.g. on a full disk."""
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or before is not sys.__stdout__:  # closed, or replaced
        yield
        return
    # A character that the terminal's encoding does not have must not end a study.
    errors = "replace" if before.errors == "strict" else before.errors
    sys.stdout = output = _Output(before.buffer, before.encoding, errors, line_buffering=before.line_buffering)
    output.terminals = Terminals()
    try:
        yield
    finally:
        sys.stdout = before
        try:
            output.flush()
        except (NotWritable, BrokenPipeError):  # Python would flush again at exit, and exit with its own code
            os.dup2(os.open(os.devnull, os.O_WRONLY), before.fileno())
        output.detach()


class _Output(io.TextIOWrapper):
    """Standard output, written straight to its buffer: a signal may arrive in the middle of a line."""

    terminals: Terminals

    def write(self, text: str) -> int:
        with self._translate_errors():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._translate_errors():
            super().flush()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:  # click handles it: a reader that stopped reading needs no message
            raise
        except OSError as err:
            if err.errno == errno.EIO and self.terminals.drop_closed():
                return
            raise NotWritable(
                f"standard output cannot be written ({err.strerror}): free disk space, or redirect it"
            ) from err
