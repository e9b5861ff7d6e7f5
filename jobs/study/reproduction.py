"""A recorded trial and the same trial trained again, compared number by number. Trains and prints nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from cluster.trial import TrialRecord
from mnist_core.measurement import Measurement

# A GPU sums in another order than a CPU, and training amplifies the rounding differences to percents within some
# hundred steps. Numbers further apart belong to another trial; closer ones need not be from the same one.
TOLERANCE = 0.05

# Metrics that depend on the machine and the moment, not on the trial.
_MACHINE_METRICS = "perf/"


@dataclass(frozen=True)
class Difference:
    """A metric of an epoch that differs from its record; None if it was not recorded, or not measured again."""

    epoch: int
    metric: str
    recorded: float | None
    trained: float | None

    def __str__(self) -> str:
        """Shows all the digits that distinguish the two."""
        trained, recorded = _format_number(self.trained), _format_number(self.recorded)
        return f"{self.metric} of epoch {self.epoch} is {trained} and was {recorded}"


@dataclass(frozen=True)
class Reproduction:
    """A recorded trial beside the same trial trained again.

    Attributes:
        trial: as recorded.
        workers: that trained the recorded one.
        epochs: how many were trained again.
        metrics: names of the compared metrics.
        differences: by epoch.
        weights_sha256: of the final weights now; None if they are not compared, because the trial is not complete or
            was trained on a GPU.
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
        """How far apart numbers may be, absolutely or relative to the larger; None if they must be equal to the bit."""
        return tolerance_for(self.workers)

    @property
    def has_equal_weights(self) -> bool:
        """Whether the final weights are equal, or not compared."""
        return self.weights_sha256 is None or self.weights_sha256 == self.trial.weights_sha256

    @property
    def is_equal(self) -> bool:
        """Whether everything that is compared is equal."""
        return not self.differences and self.has_equal_weights

    @property
    def equal_epochs(self) -> int:
        """The number of epochs in which no metric differs."""
        return self.epochs - len({difference.epoch for difference in self.differences})

    def complaint(self) -> str:
        """The first difference and a possible reason, in one sentence."""
        what = str(self.differences[0]) if self.differences else self._weights_complaint()
        return f"trial {self.trial.number} is not reproduced: {what}; {self._reason()}"

    def _weights_complaint(self) -> str:
        recorded = str(self.trial.weights_sha256)
        return f"the SHA-256 of its final weights is {str(self.weights_sha256)[:16]} and was {recorded[:16]}"

    def _reason(self) -> str:
        if self.changes is None:
            return "the versions and processor that it was trained with are not recorded"
        return ", ".join(self.changes) or "versions and processor are those that the study started with"

    def as_json(self) -> dict[str, object]:
        """The document that `reproduce --json` prints; its numbers may be NaN or infinite."""
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
    """The tolerance for a trial trained by these workers: see Reproduction.tolerance."""
    return TOLERANCE if any(worker.startswith("gpu-") for worker in workers) else None


def compared_metrics(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """The names of the metrics that depend on the trial alone, in their order."""
    names = dict.fromkeys(name for measurement in measurements for name in measurement.metrics)
    return tuple(name for name in names if not name.startswith(_MACHINE_METRICS))


def differences_between(
    recorded: Sequence[Measurement], trained: Sequence[Measurement], tolerance: float | None
) -> Iterator[Difference]:
    """Yields the differences, epoch by epoch; NaN equals NaN."""
    names = compared_metrics([*recorded, *trained])
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
