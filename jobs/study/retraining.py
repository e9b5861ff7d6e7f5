"""Retrains a recorded trial in this process, on its CPU: a trial is a pure function of its spec and the data."""

from collections.abc import Callable
from itertools import islice

from cluster.trial import TrialSpec
from mnist_core.context import open_context
from mnist_core.data.dataset import Split
from mnist_core.measurement import Measurement
from mnist_core.training.state import TrainingState

OnEpoch = Callable[[int], None]
"""Receives the number of epochs trained so far."""


def retrain(trial: TrialSpec, data: Split, epochs: int, on_epoch: OnEpoch) -> tuple[list[Measurement], TrainingState]:
    """Trains a trial's first `epochs` epochs; returns their measurements, and the training state after them."""
    context = open_context("cpu")
    from mnist_core.training.trainer import Trainer  # imports MXNet, for the device of the opened context

    trainer = Trainer(trial.model, trial.training, data, trial.seed, context)
    measurements = []
    for measurement in islice(trainer.epochs(), epochs):
        on_epoch(measurement.epoch)
        measurements.append(measurement)
    return measurements, trainer.state()
