"""Trains a recorded trial again, in this process and on its CPU: a trial is a function of its record and the data."""

from itertools import islice

from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord
from jobs.terminal.epoch_bar import TellEpoch
from mnist_core.context import open_context
from mnist_core.data.dataset import Split
from mnist_core.measurement import Measurement
from mnist_core.training.state import TrainingState


def retrain(
    trial: TrialRecord, spec: StudySpec, data: Split, epochs: int, tell: TellEpoch
) -> tuple[list[Measurement], TrainingState]:
    """What a trial measures in its first epochs, and its state after them."""
    context = open_context("cpu")
    from mnist_core.training.trainer import Trainer  # imports MXNet, for the device of the opened context

    training = Trainer(*spec.resolve(trial.params), data, trial.seed, context)
    trained = []
    for measurement in islice(training.epochs(), epochs):
        tell(measurement.epoch)
        trained.append(measurement)
    return trained, training.state()
