"""Studies as values, for tests of what is computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cluster.analysis.study_record import RecordedTrial, StudyRecord
from cluster.results.summary import StudySummary
from cluster.spec.study_spec import StudySpec
from cluster.trial import AttemptOutcome, AttemptRecord, TrialState
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial


def attempt(
    number: int = 1,
    started_at: float = 0.0,
    ended_at: float | None = 1.0,
    worker: str = "cpu-0",
    outcome: AttemptOutcome | None = "complete",
    error: str | None = None,
) -> AttemptRecord:
    """One attempt, by default one that completed a trial within a second."""
    return AttemptRecord(number, worker, started_at, ended_at, outcome, error, None)


def recorded(
    number: int,
    values: Sequence[float] = (),
    state: TrialState = TrialState.COMPLETE,
    attempts: Sequence[AttemptRecord] = (),
    model: str = "mlp",
    **changes: object,
) -> RecordedTrial:
    """A trial whose `val/accuracy` had these values by epoch; it was to train 10 epochs."""
    measurements = [_measurement(epoch, value) for epoch, value in enumerate(values, start=1)]
    trial = replace(
        finished_trial(state, number, values[-1] if values else None),
        model=model,
        epochs=len(values),
        metrics=dict(measurements[-1].metrics) if measurements else {},
        **changes,  # type: ignore[arg-type]
    )
    return RecordedTrial(trial, 10, measurements, attempts or [attempt()])


def study(*trials: RecordedTrial, objective: str = "val/accuracy") -> StudyRecord:
    """A complete study with these trials."""
    spec = StudySpec.model_validate({"name": "study", "search": {"objective": objective}})
    summary = StudySummary(spec, "complete", None, tuple(each.trial for each in trials))
    return StudyRecord(summary, trials, None, {})


def _measurement(epoch: int, value: float) -> Measurement:
    metrics: Mapping[str, float] = {"val/accuracy": value, "train/accuracy": value / 2, "val/loss": 1 - value}
    return Measurement(epoch, metrics, float(epoch), {"digit": ((1, 0), (0, 1))})
