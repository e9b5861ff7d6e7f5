"""Each event of a running study in plain text, for outputs that are no terminal."""

from cluster.driver.observer import (
    StudyEvent,
    StudyOpened,
    StudyStopping,
    StudyWarning,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from cluster.trial import TrialState
from jobs.terminal.fields import SearchedField, format_fields, searched_fields
from jobs.terminal.output import format_count, pluralize
from jobs.terminal.running.opening import opening_lines
from jobs.terminal.running.progress import STOPPING, Progress, TrialProgress
from mnist_core.measurement import Measurement


class EventLines:
    """Puts events into words."""

    def __init__(self, progress: Progress) -> None:
        """Keeps `progress` up to date."""
        self._progress = progress
        self._objective = progress.spec.search.objective
        self._fields: list[SearchedField] = searched_fields(progress.spec)

    def take(self, event: StudyEvent) -> str:
        """Takes an event into account, and returns it in one line, or the opening in several."""
        ended = self._progress.running.get(event.number) if isinstance(event, TrialEnded) else None
        self._progress.update(event)
        match event:
            case StudyOpened():
                return "\n".join(opening_lines(self._progress.spec, event))
            case TrialStarted(trial, worker):
                params = format_fields(self._fields, trial.params)
                return f"trial {trial.number} {trial.model.kind} starts on {worker}  {params}".rstrip()
            case TrialMeasured(number, measurement):
                return self._epoch(self._progress.running[number], measurement)
            case TrialWaiting(number, reason):
                return f"trial {number} waits: {reason}"
            case TrialEnded():
                return self._end(event, ended)
            case WorkersChanged() | StudyStopping() | StudyWarning():
                return _of_study(event)

    def _epoch(self, running: TrialProgress, measurement: Measurement) -> str:
        metrics = measurement.metrics
        trained = "".join(f"  {name} {metrics[name]:.4f}" for name in _train_names(self._objective) if name in metrics)
        return (
            f"trial {running.trial.number} {running.model} epoch {running.epoch}/{running.epochs}"
            f"  {self._objective} {metrics[self._objective]:.4f}{trained}"
            f"  {measurement.elapsed_s:.1f} s  {format_count(metrics['perf/samples_per_second'])} images/s"
        )

    def _end(self, event: TrialEnded, ended: TrialProgress | None) -> str:
        progress = self._progress
        model = f" {ended.model}" if ended else ""
        reason = progress.last_ended[0].reason
        if event.state is TrialState.COMPLETE and event.value is not None:
            reason = f"{self._objective} {event.value:.4f}"
        seconds = f"  {ended.measurement.elapsed_s:.1f} s" if ended and ended.measurement else ""
        count = f"{progress.ended_count} of {progress.spec.trials}"
        return f"trial {event.number}{model} {event.state.value}  {reason}{seconds}  ({count} trials)"


def _of_study(event: WorkersChanged | StudyStopping | StudyWarning) -> str:
    match event:
        case WorkersChanged(ready, problem):
            return f"a worker was lost: {problem}" if problem else f"{pluralize(ready, 'worker')} ready"
        case StudyStopping(reason):
            return f"stopping ({reason}): {STOPPING}"
        case StudyWarning(message):
            return f"warning: {message}"


def _train_names(objective: str) -> tuple[str, ...]:
    """Returns the metrics on the training images that are shown beside an objective."""
    return ("train/loss",) if objective == "val/loss" else ("train/accuracy", "train/loss")
