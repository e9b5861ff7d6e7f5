"""Keeps what a study said in its run directory, with times. A log that cannot be written never stops the study."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from typing_extensions import override

from cluster.driver.observer import StudyEvent, StudyObserver, StudyWarning
from cluster.spec.study_spec import StudySpec
from jobs.terminal.output import PLAIN_WIDTH
from jobs.terminal.running.event_lines import EventLines
from jobs.terminal.running.progress import Progress
from mnist_core.errors import MxtrialsError


class RunLog(StudyObserver):
    """Appends a line for each event, with the time in UTC, and passes the event on to the view.

    The first event opens the file: by then this process holds the lock of the run directory. Whatever is said before
    belongs to no run, or to another process's.
    """

    def __init__(self, path: Path, spec: StudySpec) -> None:
        """Opens no file yet."""
        self._path = path
        self._lines = EventLines(Progress(spec))
        self._view = StudyObserver()
        self._file: io.RawIOBase | None = None
        self._has_failed = False

    def beside(self, view: StudyObserver) -> "RunLog":
        """Returns this log, which passes events on to `view`."""
        self._view = view
        return self

    @override
    def notify(self, event: StudyEvent) -> None:
        if self._file is None and not self._has_failed:
            self._try(self._open)
        self.write(self._lines.take(event))
        self._view.notify(event)

    def write(self, text: str) -> None:
        """Writes lines, each with the time; nothing before the first event, or once writing has failed."""
        now = datetime.now(timezone.utc).isoformat(" ", "seconds")
        lines = "".join(f"{now}  {line}".rstrip() + "\n" for line in text.splitlines() if line.strip())
        self._try(lambda: self._append(lines.encode(errors="backslashreplace")))

    def draw(self, draw: Callable[[Console], None]) -> None:
        """Writes what a function draws."""
        output = io.StringIO()
        draw(Console(file=output, width=PLAIN_WIDTH, force_terminal=False, force_jupyter=False))
        self.write(output.getvalue())

    @contextmanager
    def open(self) -> Iterator[None]:
        """Writes the error that ends the block, if one does, and closes the log."""
        try:
            yield
        except MxtrialsError as err:
            self.write(f"mxtrials: {err}")
            raise
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        self._file = self._path.open("ab", buffering=0)

    def _append(self, content: bytes) -> None:
        if self._file is not None:
            self._file.write(content)

    def _try(self, act: Callable[[], None]) -> None:
        if self._has_failed:
            return
        try:
            act()
        except OSError as err:
            self._has_failed = True
            self._view.notify(StudyWarning(f"{self._path} is no longer written ({err.strerror}); the study continues"))
