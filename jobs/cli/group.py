"""The border to the shell: whatever goes wrong becomes one sentence on stderr and an exit code, never a traceback."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from mnist_core.errors import EnvironmentLacks, MxtrialsError, NotWritable

EXIT_INTERRUPTED = 130


class MxtrialsGroup(click.Group):
    """Prints every error of ours as one sentence, and exits with its code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the command line; what the system refuses where nobody foresaw it is told like all else."""
        _reopen_closed_streams()
        with _sigterm_as_keyboard_interrupt(), _standard_output():
            try:
                return super().main(*args, **extra)
            except MxtrialsError as err:
                refusal = err
            except OSError as err:
                what = f"{err.filename}: {err.strerror}" if err.filename else str(err)
                refusal = EnvironmentLacks(f"the system refuses ({what}): `mxtrials doctor` may say more")
            except MemoryError as err:
                refusal = EnvironmentLacks(f"there is not enough memory ({err}): free some, or ask for less")
            print_error(f"mxtrials: {_in_one_line(str(refusal))}")
            sys.exit(refusal.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was named; click would call an interruption an abort, and exit with 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("mxtrials: interrupted")
            sys.exit(EXIT_INTERRUPTED)


@contextmanager
def _sigterm_as_keyboard_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _in_one_line(sentence: str) -> str:
    """A sentence that does nothing to a terminal, whatever the names in it are: line feeds, escapes, right-to-left."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in sentence)


def print_error(line: str) -> None:
    """Prints a line on stderr; where that is full, too, the exit code has to do."""
    with suppress(OSError):
        click.echo(line, err=True)


def _reopen_closed_streams() -> None:
    """Standard streams that were closed (`>&-`): a file of ours would take the number, and get what others print."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


@contextmanager
def _standard_output() -> Iterator[None]:
    """What is printed here raises NotWritable where standard output refuses, e.g. on a full disk."""
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or before is not sys.__stdout__:  # closed, or replaced
        yield
        return
    sys.stdout = told = _Output(before.buffer, before.encoding, before.errors, line_buffering=before.line_buffering)
    try:
        yield
    finally:
        sys.stdout = before
        try:
            told.flush()
        except (NotWritable, BrokenPipeError):  # again; Python would try once more, and end with a code of its own
            os.dup2(os.open(os.devnull, os.O_WRONLY), before.fileno())
        told.detach()


class _Output(io.TextIOWrapper):
    """Standard output; a signal may come amid a line, so nothing of Python is below its buffer."""

    def write(self, text: str) -> int:
        """See io.TextIOBase."""
        with _translate_output_errors():
            return super().write(text)

    def flush(self) -> None:
        """See io.IOBase."""
        with _translate_output_errors():
            super().flush()


@contextmanager
def _translate_output_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # click's own: who reads no more need not be told
        raise
    except OSError as err:
        raise NotWritable(
            f"standard output cannot be written ({err.strerror}): make room there, or send it elsewhere"
        ) from err
