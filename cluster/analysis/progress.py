"""How a study and its trials improved: the best value so far, and the learning curves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cluster.analysis.study_record import RecordedTrial, StudyRecord
from cluster.trial import TrialState
from mnist_core.measurement import Measurement

MOST_POINTS = 12_000
"""How many epochs a report draws; beyond, each curve keeps every n-th, its first and its last."""


@dataclass(frozen=True)
class BestSoFar:
    """The study just after a trial with a value ended.

    Attributes:
        number: the trial.
        ended_s: when it ended, in seconds since the study's first attempt; pauses between drivers included.
        value: its own objective.
        best: the best objective of the complete trials that had ended by then; None before the first.
        is_new: whether this trial set it.
    """

    number: int
    model: str
    state: TrialState
    ended_s: float
    value: float
    best: float | None
    is_new: bool


@dataclass(frozen=True)
class CurvePoint:
    """One epoch of a learning curve; train, val: None if the metric was not measured or is not finite."""

    epoch: int
    train: float | None
    val: float | None


@dataclass(frozen=True)
class LearningCurve:
    """One metric of one trial, by epoch; empty without a measurement.

    Attributes:
        is_shortened: whether the trial was pruned or failed before its last epoch.
        epochs: how many epochs it was to train.
    """

    number: int
    model: str
    state: TrialState
    is_shortened: bool
    epochs: int
    points: Sequence[CurvePoint]


def best_so_far(record: StudyRecord) -> list[BestSoFar]:
    """Returns how the best value improved, by the times at which the trials ended."""
    direction = record.summary.spec.search.direction
    start = record.started_at or 0.0
    ended = [
        (each.attempts[-1].ended_at, each.trial)
        for each in record.trials
        if each.trial.state.is_finished() and each.attempts and _finite(each.trial.value) is not None
    ]
    best: float | None = None
    steps = []
    for ended_at, trial in sorted(ended, key=lambda pair: (pair[0] or 0.0, pair[1].number)):
        value = trial.value or 0.0
        is_new = trial.state is TrialState.COMPLETE and (best is None or direction.is_better(value, best))
        best = value if is_new else best
        steps.append(
            BestSoFar(trial.number, trial.model, trial.state, (ended_at or start) - start, value, best, is_new)
        )
    return steps


def learning_curves(record: StudyRecord, metric: str, most_points: int = MOST_POINTS) -> list[LearningCurve]:
    """Returns the learning curves of a study's trials, by number.

    Args:
        record: the study.
        metric: such as `accuracy`, for `train/accuracy` and `val/accuracy`.
        most_points: how many epochs to return at most, roughly: each curve keeps its first and its last.
    """
    total = sum(len(each.measurements) for each in record.trials)
    every = max(1, math.ceil(total / most_points))
    return [_curve(each, metric, every) for each in record.by_number()]


def has_metric(record: StudyRecord, metric: str) -> bool:
    """Returns whether any trial measured a metric, such as `val/loss`."""
    return any(metric in each.trial.metrics for each in record.trials)


def drawn_range(curves: Iterable[LearningCurve], *, higher_is_better: bool) -> tuple[float, float] | None:
    """Returns the part of the axis that shows most curves well; None without a value.

    Curves that start far away, or never learned, would press all others to one edge: at the bad end, only the range of
    the better three quarters of all epochs is drawn, and half of it more.
    """
    values = sorted(
        value for curve in curves for point in curve.points for value in (point.train, point.val) if value is not None
    )
    if not values:
        return None
    low, high = values[0], values[-1]
    if higher_is_better:
        quarter = values[len(values) // 4]
        low = max(low, quarter - (high - quarter) / 2)
    else:
        quarter = values[(3 * len(values)) // 4]
        high = min(high, quarter + (quarter - low) / 2)
    pad = (high - low) * 0.03 or abs(high) * 0.01 or 0.01
    return low - pad, high + pad


def _curve(each: RecordedTrial, metric: str, every: int) -> LearningCurve:
    trial = each.trial
    last = len(each.measurements) - 1
    points = [
        CurvePoint(measured.epoch, _train(measured, metric), _of(measured.metrics, f"val/{metric}"))
        for index, measured in enumerate(each.measurements)
        if index % every == 0 or index == last
    ]
    is_shortened = trial.state in (TrialState.PRUNED, TrialState.FAIL)
    return LearningCurve(trial.number, trial.model, trial.state, is_shortened, each.epochs, points)


def _train(measured: Measurement, metric: str) -> float | None:
    """Returns a metric of the training images; a network with one head measures its accuracy under one name only."""
    if metric == "digit_accuracy" and len(measured.confusion) == 1:
        metric = "accuracy"
    return _of(measured.metrics, f"train/{metric}")


def _of(metrics: Mapping[str, float], name: str) -> float | None:
    return _finite(metrics.get(name))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
