"""A recorded trial and the same trial retrained, compared number by number. Trains and prints nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from cluster.trial import TrialRecord
from mnist_core.measurement import Measurement

# A GPU sums in a different order than a CPU, and training amplifies the rounding differences to several percent within
# a few hundred steps. Numbers further apart belong to different trials; closer ones need not be from the same trial.
TOLERANCE = 0.05

# Metrics that depend on the machine and its load, not on the trial.
_MACHINE_METRICS = "perf/"


@dataclass(frozen=True)
class Difference:
    """A metric of an epoch that differs from its record; a value is None if it was not recorded or not measured."""

    epoch: int
    metric: str
    recorded: float | None
    trained: float | None

    def __str__(self) -> str:
        """Returns both values with all their digits."""
        trained, recorded = _format_number(self.trained), _format_number(self.recorded)
        return f"{self.metric} of epoch {self.epoch} is {trained} and was {recorded}"


@dataclass(frozen=True)
class Reproduction:
    """A recorded trial compared with the same trial retrained.

    Attributes:
        trial: the recorded trial.
        workers: the workers that trained the recorded trial.
        epochs: number of epochs retrained.
        metrics: names of the compared metrics.
        differences: what differs, in the order of the epochs.
        weights_sha256: SHA-256 of the retrained final weights; None if they are not compared, because the trial is not
            complete or was trained on a GPU.
        changes: what has changed since the study started, each in a few words; None if that is not recorded.
    """

    trial: TrialRecord
    workers: tuple[str, ...]
    epochs: int
    metrics: tuple[str, ...]
    differences: tuple[Difference, ...]
    weights_sha256: str | None
    changes: tuple[str, ...] | None

    @property
    def tolerance(self) -> float | None:
        """How far apart numbers may be, absolute or relative to the larger; None if they must be bit-identical."""
        return tolerance_for(self.workers)

    @property
    def has_equal_weights(self) -> bool:
        """Whether the final weights are equal or were not compared."""
        return self.weights_sha256 is None or self.weights_sha256 == self.trial.weights_sha256

    @property
    def is_equal(self) -> bool:
        """Whether everything that was compared is equal."""
        return not self.differences and self.has_equal_weights

    @property
    def equal_epochs(self) -> int:
        """The number of epochs in which no metric differs."""
        return self.epochs - len({difference.epoch for difference in self.differences})

    def complaint(self) -> str:
        """Returns the first difference and a possible reason, in one sentence."""
        what = str(self.differences[0]) if self.differences else self._weights_complaint()
        return f"trial {self.trial.number} was not reproduced: {what}; {self._reason()}"

    def _weights_complaint(self) -> str:
        recorded = str(self.trial.weights_sha256)
        return f"the SHA-256 of its final weights is {str(self.weights_sha256)[:16]} and was {recorded[:16]}"

    def _reason(self) -> str:
        if self.changes is None:
            return "the versions and processor that it was trained with are not recorded"
        return ", ".join(self.changes) or "versions and processor are the same as when the study started"

    def as_json(self) -> dict[str, object]:
        """Returns the document that `reproduce --json` prints; its numbers may be NaN or infinite."""
        sha256 = {"recorded": self.trial.weights_sha256, "trained": self.weights_sha256}
        return {
            "number": self.trial.number,
            "state": self.trial.state.value,
            "model": self.trial.model,
            "workers": self.workers,
            "epochs": self.epochs,
            "metrics": self.metrics,
            "equal": None if self.tolerance and self.is_equal else self.is_equal,
            "tolerance": self.tolerance,
            "weights_sha256": None if self.weights_sha256 is None else sha256,
            "differences": [asdict(difference) for difference in self.differences],
            "changes": self.changes,
        }


def tolerance_for(workers: Sequence[str]) -> float | None:
    """Returns the tolerance for a trial trained by these workers; see Reproduction.tolerance."""
    return TOLERANCE if any(worker.startswith("gpu-") for worker in workers) else None


def compared_metrics(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """Returns the names of the metrics that depend only on the trial, in order."""
    names = dict.fromkeys(name for measurement in measurements for name in measurement.metrics)
    return tuple(name for name in names if not name.startswith(_MACHINE_METRICS))


def differences_between(
    recorded: Sequence[Measurement], trained: Sequence[Measurement], tolerance: float | None
) -> Iterator[Difference]:
    """Yields the differences, epoch by epoch; NaN equals NaN. Skips metrics that the recording version did not have."""
    names = compared_metrics(recorded)
    before, now = _by_epoch(recorded), _by_epoch(trained)
    for epoch in sorted({*before, *now}):
        for name in names:
            one, other = before.get(epoch, {}).get(name), now.get(epoch, {}).get(name)
            if not _are_equal(one, other, tolerance):
                yield Difference(epoch, name, one, other)


def _by_epoch(measurements: Sequence[Measurement]) -> dict[int, Mapping[str, float]]:
    return {measurement.epoch: measurement.metrics for measurement in measurements}


def _are_equal(one: float | None, other: float | None, tolerance: float | None) -> bool:
    if one is None or other is None:
        return one is other
    if math.isnan(one) and math.isnan(other):
        return True
    return one == other if tolerance is None else math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def _format_number(value: float | None) -> str:
    return "missing" if value is None else repr(value)
