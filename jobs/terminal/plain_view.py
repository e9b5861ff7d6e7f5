"""Shows a running study if the output is not a terminal: a line per event."""

from rich.console import Console
from typing_extensions import override

from cluster.driver.observer import (
    StudyEvent,
    StudyObserver,
    StudyStopping,
    StudyWarning,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from jobs.terminal.output import format_count, format_params, pluralize
from jobs.terminal.progress import STOPPING, Progress
from mnist_core.errors import NotWritable
from mnist_core.measurement import Measurement


class PlainView(StudyObserver):
    """Prints a line per event."""

    def __init__(self, progress: Progress, console: Console) -> None:
        """Prints to a console that is not a terminal."""
        self._progress = progress
        self._console = console
        self._objective = progress.spec.search.objective

    @override
    def notify(self, event: StudyEvent) -> None:
        ended = self._progress.running.get(event.number) if isinstance(event, TrialEnded) else None
        self._progress.update(event)
        match event:
            case TrialStarted(trial, worker):
                params = format_params(trial.params)
                self._print(f"trial {trial.number} {trial.model.kind} starts on {worker}  {params}")
            case TrialMeasured(number, measurement):
                self._print_epoch(number, measurement)
            case TrialWaiting(number, reason):
                self._print(f"trial {number} waits: {reason}")
            case TrialEnded(number, state, value, error):
                model = f" {ended.model}" if ended else ""
                outcome = error or (f"{self._objective} {value:.4f}" if value is not None else "")
                self._print(f"trial {number}{model} {state.value}  {outcome}")
            case WorkersChanged(ready, problem):
                self._print(f"a worker was lost: {problem}" if problem else f"{pluralize(ready, 'worker')} ready")
            case StudyStopping(reason):
                self._print(f"stopping ({reason}): {STOPPING}")
            case StudyWarning(message):
                self._print(f"warning: {message}")

    def _print_epoch(self, number: int, measurement: Measurement) -> None:
        running = self._progress.running[number]
        self._print(
            f"trial {number} {running.model} epoch {running.epoch}/{running.epochs}"
            f"  {self._objective} {measurement.metrics[self._objective]:.4f}"
            f"  {format_count(measurement.metrics['perf/samples_per_second'])} samples/s"
        )

    def _print(self, line: str) -> None:
        """Prints a line; once printing has failed, prints nothing more, and the study continues without output."""
        line = f"{self._progress.elapsed_s():7.1f} s  {line.rstrip()}"
        try:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        except (OSError, NotWritable):
            self._console.quiet = True
        except SystemExit:
            if not self._console.quiet:  # else it is rich's reaction to a broken pipe
                raise
