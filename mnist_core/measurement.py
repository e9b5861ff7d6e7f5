"""What training reports after each epoch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

ConfusionMatrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Measurement:
    """One epoch's numbers.

    Attributes:
        epoch: 1 for the first epoch trained.
        metrics: TensorBoard tag -> value, e.g. `val/accuracy` in [0, 1], `perf/samples_per_second`.
        elapsed_s: seconds of training and evaluation of this trial so far, including this epoch.
        confusion: validation confusion matrix by head (`digit`, `parity`); [label][prediction] counts images.
        training_s: seconds of this epoch's training alone; not stored, so 0 in a measurement read from the store.
    """

    epoch: int
    metrics: Mapping[str, float]
    elapsed_s: float
    confusion: Mapping[str, ConfusionMatrix] = field(default_factory=dict)
    training_s: float = field(default=0.0, compare=False)

    @property
    def has_finite_losses(self) -> bool:
        """Whether all losses are finite: training has not diverged."""
        return all(math.isfinite(value) for name, value in self.metrics.items() if name.endswith("/loss"))


def without_repeated_accuracy(measurement: Measurement) -> Measurement:
    """Returns the measurement as earlier versions made it: without `val/digit_accuracy` for a network with one head."""
    if len(measurement.confusion) > 1:
        return measurement
    kept = {name: value for name, value in measurement.metrics.items() if name != "val/digit_accuracy"}
    return replace(measurement, metrics=kept)
