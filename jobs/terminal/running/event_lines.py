"""Each event of a running study in one line of plain text, for outputs that are no terminal."""

from cluster.driver.observer import (
    StudyEvent,
    StudyStopping,
    StudyWarning,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from jobs.terminal.output import format_count, format_params, pluralize
from jobs.terminal.running.progress import STOPPING, Progress
from mnist_core.measurement import Measurement


class EventLines:
    """Puts events into words."""

    def __init__(self, progress: Progress) -> None:
        """Keeps `progress` up to date."""
        self._progress = progress
        self._objective = progress.spec.search.objective

    def take(self, event: StudyEvent) -> str:
        """Takes an event into account, and returns it in one line."""
        ended = self._progress.running.get(event.number) if isinstance(event, TrialEnded) else None
        self._progress.update(event)
        match event:
            case TrialStarted(trial, worker):
                params = format_params(trial.params)
                return f"trial {trial.number} {trial.model.kind} starts on {worker}  {params}".rstrip()
            case TrialMeasured(number, measurement):
                return self._epoch(number, measurement)
            case TrialWaiting(number, reason):
                return f"trial {number} waits: {reason}"
            case TrialEnded(number, state, value, error):
                model = f" {ended.model}" if ended else ""
                outcome = error or (f"{self._objective} {value:.4f}" if value is not None else "")
                return f"trial {number}{model} {state.value}  {outcome}".rstrip()
            case WorkersChanged(ready, problem):
                return f"a worker was lost: {problem}" if problem else f"{pluralize(ready, 'worker')} ready"
            case StudyStopping(reason):
                return f"stopping ({reason}): {STOPPING}"
            case StudyWarning(message):
                return f"warning: {message}"

    def _epoch(self, number: int, measurement: Measurement) -> str:
        running = self._progress.running[number]
        return (
            f"trial {number} {running.model} epoch {running.epoch}/{running.epochs}"
            f"  {self._objective} {measurement.metrics[self._objective]:.4f}"
            f"  {format_count(measurement.metrics['perf/samples_per_second'])} samples/s"
        )
