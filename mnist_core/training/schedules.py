"""The learning rate as a pure function of the step, so that a resumed trial continues exactly."""

from math import cos, pi

from mnist_core.config import ConstantSchedule, CosineSchedule, ScheduleConfig, StepSchedule


def learning_rate(base: float, schedule: ScheduleConfig, step: int, steps_per_epoch: int, epochs: int) -> float:
    """Returns the learning rate of a step.

    Args:
        base: the learning rate that the schedule scales.
        schedule: constant, step (per epoch) or cosine (per step, over the whole training).
        step: 0 for the first update of the trial.
        steps_per_epoch: updates per epoch, including the last, smaller batch.
        epochs: epochs of the whole training, even if the trial is stopped early.
    """
    match schedule:
        case ConstantSchedule():
            return base
        case StepSchedule(every_epochs=every, factor=factor):
            return base * factor ** (step // steps_per_epoch // every)
        case CosineSchedule(final_fraction=final):
            progress = step / (steps_per_epoch * epochs)
            return base * (final + (1 - final) * (1 + cos(pi * progress)) / 2)
