"""Commands in a real terminal (a pty), where progress is drawn and Ctrl-C is a key."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 120.0
CTRL_C = b"\x03"
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class TerminalOutput:
    """What a command wrote to its terminal, and how it ended.

    Attributes:
        exit_code: negative if a signal ended it.
        raw: all bytes, with control sequences.
        encoding: the terminal's.
    """

    exit_code: int
    raw: bytes
    encoding: str

    @property
    def lines(self) -> list[str]:
        """The lines without control sequences, spaces at their end, and empty ones; redrawn lines appear again."""
        text = _CONTROL_SEQUENCE.sub("", self.raw.decode(self.encoding))
        return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]

    @property
    def hides_cursor(self) -> bool:
        """Whether the cursor stays hidden after the command."""
        return self.raw.rfind(b"\x1b[?25l") > self.raw.rfind(b"\x1b[?25h")


def run_in_terminal(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    columns: int,
    *,
    interrupt_at: bytes | None = None,
    encoding: str = "utf-8",
) -> TerminalOutput:
    """Runs a command in a terminal of its own, and waits for its end.

    Args:
        command: the program and its arguments.
        cwd: its working folder.
        environment: its environment; COLUMNS is removed, which would hide the terminal's width.
        columns: the terminal's width.
        interrupt_at: Ctrl-C is pressed once this has been written.
        encoding: of the output.

    Raises:
        AssertionError: it did not end within two minutes.
    """
    keyboard, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {name: value for name, value in environment.items() if name != "COLUMNS"}
    process = start_in_terminal(command, cwd, variables, terminal)
    try:
        raw = _read_all(keyboard, interrupt_at)
        return TerminalOutput(process.wait(PATIENCE_S), raw, encoding)
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)


def start_in_terminal(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], terminal: int
) -> subprocess.Popen[bytes]:
    """Starts a command that leads the session of a terminal, and closes this process's end of the terminal.

    `setsid --ctty` makes it the terminal of the command's session, so that Ctrl-C, and SIGHUP when the terminal closes,
    reach the command.
    """
    words = ["setsid", "--ctty", *command]
    process = subprocess.Popen(words, stdin=terminal, stdout=terminal, stderr=terminal, cwd=cwd, env=environment)
    os.close(terminal)
    return process


def read_until(keyboard: int, awaited: bytes) -> None:
    """Reads what is written to a terminal until this has been written, and leaves the rest unread.

    Raises:
        AssertionError: it was not written within two minutes, or before every process has closed the terminal.
    """
    raw = b""
    while awaited not in raw:
        readable, _, _ = select.select([keyboard], [], [], PATIENCE_S)
        assert readable, f"not written within {PATIENCE_S} s: {awaited!r}, but {raw!r}"
        try:
            raw += os.read(keyboard, 4096)
        except OSError as err:
            raise AssertionError(f"not written: {awaited!r}, but {raw!r}") from err


def _read_all(keyboard: int, interrupt_at: bytes | None) -> bytes:
    """Returns what is written until every process has closed the terminal."""
    raw = b""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        readable, _, _ = select.select([keyboard], [], [], max(0.0, deadline_s - time.monotonic()))
        assert readable, f"the command did not end within {PATIENCE_S} s; it wrote:\n{raw.decode(errors='replace')}"
        try:
            part = os.read(keyboard, 65536)
        except OSError:  # Linux reports EIO when the last process has closed the terminal
            return raw
        if not part:
            return raw
        raw += part
        if interrupt_at is not None and interrupt_at in raw:
            os.write(keyboard, CTRL_C)
            interrupt_at = None
