"""A trial as values: what it trains, its state, and its record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from cluster.spec.space import Params
from mnist_core.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:  # workers import this file, and need no study spec
    from cluster.spec.study_spec import StudySpec

# How long a trial with `waits_for_memory` waits before it starts, at most.
MEMORY_PATIENCE_S = 120.0

SeedBits = Literal[32, 64]
"""How long the seeds of a study's trials are: stores of versions 1 to 3 have 32, which two trials may share."""
SEED_BITS: SeedBits = 64
"""The length in a new study."""

DIVERGED = "diverged: the loss is not finite"
"""The error of a trial that failed because it diverged."""

AttemptOutcome = Literal["complete", "pruned", "failed", "crashed", "lost", "interrupted"]
"""failed: training raised; crashed: the worker died or hung; lost: the worker was lost for another reason."""


class TrialState(str, Enum):
    """The states of a trial's life."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"

    def is_finished(self) -> bool:
        """Returns whether the state is final: the trial will not be trained any further."""
        return self not in (TrialState.WAITING, TrialState.RUNNING)


class FailureCounts(NamedTuple):
    """A trial's failed attempts so far: `total` failed, crashed or were lost; `crashes` of those crashed."""

    total: int
    crashes: int


class Report(NamedTuple):
    """The value of a metric after an epoch of a trial; may be NaN or infinite."""

    number: int
    epoch: int
    value: float


@dataclass(frozen=True)
class TrialSpec:
    """Everything that a worker needs to train a trial; the result is a pure function of this and the data.

    Attributes:
        number: 0 for the first trial of a study.
        model: the network.
        training: how it is trained.
        seed: determines the initial weights and the order of the images.
        resume_from: a packed TrainingState to continue from; None to start from the initial weights.
        waits_for_memory: whether to wait for free memory first, because an earlier attempt ran out of memory.
        params: dotted name -> the value that the search chose; already applied to `model` and `training`.
    """

    number: int
    model: ModelConfig
    training: TrainingConfig
    seed: int
    resume_from: bytes | None = None
    waits_for_memory: bool = False
    params: Params = field(default_factory=dict)

    @classmethod
    def resolve(cls, spec: "StudySpec", number: int, params: Params, seed_bits: SeedBits = SEED_BITS) -> "TrialSpec":
        """Resolves the parameters that the search proposed for a new trial, in a study with seeds of that length.

        Raises:
            SpecError: the parameters do not belong to this spec.
        """
        model, training = spec.resolve(params)
        return cls(number, model, training, trial_seed(spec.seed, number, seed_bits), params=params)


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt to train a trial, as recorded in the store.

    Attributes:
        attempt: 1 for the first.
        started_at: Unix time in seconds.
        ended_at: Unix time in seconds; None while the attempt runs.
        outcome: None while the attempt runs.
        error: why it failed, in one sentence.
    """

    attempt: int
    worker: str
    started_at: float
    ended_at: float | None
    outcome: AttemptOutcome | None
    error: str | None
    traceback: str | None


@dataclass(frozen=True)
class TrialRecord:
    """A trial, as recorded in the store.

    Attributes:
        params: dotted name -> the value that the search chose.
        value: the objective after the last epoch; None before the first.
        metrics: the metrics after the last epoch.
        attempts: how many times a worker started it.
        seconds: training and evaluation time of the recorded epochs.
        worker: the last worker that trained it.
        error: why it failed, in one sentence.
        weights_sha256: SHA-256 of the final weights of a complete trial.
        test: metrics on the test set, if the trial was scored.
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

    def resolve(self, spec: "StudySpec") -> TrialSpec:
        """Resolves the recorded parameters again, to continue or repeat the trial."""
        model, training = spec.resolve(self.params)
        return TrialSpec(self.number, model, training, self.seed, params=self.params)


def trial_seed(study_seed: int, number: int, bits: SeedBits) -> int:
    """Returns the seed of a trial, in [0, 2**bits); neighbouring numbers give independent random streams."""
    words = np.random.SeedSequence([study_seed, number])
    return int(words.generate_state(1, np.uint32 if bits == 32 else np.uint64)[0])
