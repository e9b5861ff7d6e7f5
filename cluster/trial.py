"""One training run as values: what it is told, what state it is in, what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from cluster.spec.space import Params
from mnist_core.config import ModelConfig, TrainingConfig


class TrialState(str, Enum):
    """The whole life of a trial."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"

    def is_finished(self) -> bool:
        """Whether the trial will not be trained any further."""
        return self not in (TrialState.WAITING, TrialState.RUNNING)


@dataclass(frozen=True)
class TrialSpec:
    """All that a worker needs to train a trial; a trial is a pure function of it and the data.

    Attributes:
        number: 0 for the first trial of a study.
        model: the network.
        training: how it is trained.
        seed: of the initial weights and the order of the images.
        resume_from: a packed TrainingState to go on from, or None to start afresh.
        waits_for_memory: an attempt ran out of memory, so this one begins when there is some.
    """

    number: int
    model: ModelConfig
    training: TrainingConfig
    seed: int
    resume_from: bytes | None = None
    waits_for_memory: bool = False


@dataclass(frozen=True)
class TrialRecord:
    """What the store knows of a trial.

    Attributes:
        params: what the search chose, by dotted name.
        value: the objective at the last epoch, None before the first.
        metrics: of the last epoch.
        attempts: how often a worker started it.
        seconds: of training and evaluation that its measurements took.
        worker: who trained it last.
        error: why it failed, in one sentence.
        weights_sha256: of the final weights of a complete trial.
        test: metrics on the test set, where they were scored.
    """

    number: int
    state: TrialState
    model: str
    params: Params
    seed: int
    epochs: int
    value: float | None
    metrics: Mapping[str, float]
    attempts: int
    seconds: float
    worker: str | None
    error: str | None
    traceback: str | None
    weights_sha256: str | None
    test: Mapping[str, float] | None


def trial_seed(study_seed: int, number: int) -> int:
    """The seed of a trial, in 0..2**32-1: independent streams for neighbouring numbers."""
    return int(np.random.SeedSequence([study_seed, number]).generate_state(1)[0])
