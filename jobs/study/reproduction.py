"""A recorded trial and the same trial trained again, compared number by number. Trains and prints nothing."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cluster.trial import TrialRecord
from mnist_core.measurement import Measurement

# A GPU sums in another order than a CPU, and training amplifies what that rounds otherwise: to percents within some
# hundred steps. What is further apart is another trial; what is closer need not be the same one.
TOLERANCE = 0.05

# What of a measurement is of the machine and the moment, not of the trial.
_OF_THE_MOMENT = "perf/"


@dataclass(frozen=True)
class Difference:
    """A metric of an epoch that is not as it was recorded; None is a number that was not recorded, or not measured."""

    epoch: int
    metric: str
    recorded: float | None
    trained: float | None

    def __str__(self) -> str:
        """With all the digits that tell the two apart."""
        return f"{self.metric} of epoch {self.epoch} is {_number(self.trained)} and was {_number(self.recorded)}"


@dataclass(frozen=True)
class Reproduction:
    """What came of training a recorded trial again.

    Attributes:
        trial: as recorded.
        workers: that trained it then.
        epochs: how many were trained again.
        metrics: the names of those compared.
        differences: by epoch.
        weights_sha256: of the final weights now; None where none are compared: the trial was not completed, or trained
            on a GPU.
        changes: what is not as it was when the study began, each in a few words; None where that is not recorded.
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
        """How far apart numbers may be: absolutely, or of the larger one; None where they are compared to the bit."""
        return tolerance_for(self.workers)

    @property
    def has_equal_weights(self) -> bool:
        """Also where none are compared."""
        return self.weights_sha256 is None or self.weights_sha256 == self.trial.weights_sha256

    @property
    def is_equal(self) -> bool:
        """Whether nothing that is compared differs."""
        return not self.differences and self.has_equal_weights

    @property
    def equal_epochs(self) -> int:
        """In how many epochs no metric differs."""
        return self.epochs - len({difference.epoch for difference in self.differences})

    def complaint(self) -> str:
        """What differs first, and why that may be, in one sentence."""
        what = str(self.differences[0]) if self.differences else self._weights_complaint()
        return f"trial {self.trial.number} is not reproduced: {what}; {self._reason()}"

    def _weights_complaint(self) -> str:
        recorded = str(self.trial.weights_sha256)
        return f"the SHA-256 of its final weights is {str(self.weights_sha256)[:16]} and was {recorded[:16]}"

    def _reason(self) -> str:
        if self.changes is None:
            return "which versions and processor it was trained with is not recorded"
        return ", ".join(self.changes) or "versions and processor are those that the study began with"

    def to_json(self) -> str:
        """For machines; a number that is not finite is null."""
        sha256 = {"recorded": self.trial.weights_sha256, "trained": self.weights_sha256}
        document = {
            "number": self.trial.number,
            "state": self.trial.state.value,
            "model": self.trial.model,
            "workers": self.workers,
            "epochs": self.epochs,
            "metrics": self.metrics,
            "equal": None if self.tolerance and self.is_equal else self.is_equal,
            "tolerance": self.tolerance,
            "weights_sha256": None if self.weights_sha256 is None else sha256,
            "differences": [_difference_json(difference) for difference in self.differences],
            "changes": self.changes,
        }
        return json.dumps(document, indent=2, allow_nan=False)


def tolerance_for(workers: Sequence[str]) -> float | None:
    """See Reproduction.tolerance."""
    return TOLERANCE if any(worker.startswith("gpu-") for worker in workers) else None


def compared_metrics(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """The names of the metrics that are of the trial, in their order."""
    names = dict.fromkeys(name for measurement in measurements for name in measurement.metrics)
    return tuple(name for name in names if not name.startswith(_OF_THE_MOMENT))


def differences_between(
    recorded: Sequence[Measurement], trained: Sequence[Measurement], tolerance: float | None
) -> Iterator[Difference]:
    """What differs, epoch by epoch; NaN is equal to NaN."""
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


def _number(value: float | None) -> str:
    return "missing" if value is None else repr(value)


def _difference_json(difference: Difference) -> dict[str, object]:
    recorded, trained = (
        value if value is not None and math.isfinite(value) else None
        for value in (difference.recorded, difference.trained)
    )
    return {"epoch": difference.epoch, "metric": difference.metric, "recorded": recorded, "trained": trained}
