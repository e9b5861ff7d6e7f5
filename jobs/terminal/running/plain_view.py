"""Shows a running study if the output is not a terminal: a line per event."""

from rich.console import Console
from typing_extensions import override

from cluster.driver.observer import StudyEvent, StudyObserver
from jobs.terminal.running.event_lines import EventLines
from jobs.terminal.running.progress import Progress
from mnist_core.errors import NotWritable


class PlainView(StudyObserver):
    """Prints a line per event."""

    def __init__(self, progress: Progress, console: Console) -> None:
        """Prints to a console that is not a terminal."""
        self._progress = progress
        self._lines = EventLines(progress)
        self._console = console

    @override
    def notify(self, event: StudyEvent) -> None:
        """Prints a line; once printing has failed, prints nothing more, and the study continues without output."""
        lines = self._lines.take(event).splitlines()
        seconds = f"{self._progress.elapsed_s():7.1f} s"
        try:
            for line in lines:
                self._console.print(f"{seconds}  {line}", highlight=False, markup=False, soft_wrap=True)
        except (OSError, NotWritable):
            self._console.quiet = True
        except SystemExit:
            if not self._console.quiet:  # else it is rich's reaction to a broken pipe
                raise
