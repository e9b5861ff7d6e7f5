"""The cost of a training step, in counts that do not depend on the load of the machine."""

import sys
import tracemalloc
from collections import Counter
from types import FrameType
from typing import Literal

import numpy as np
import pytest

from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset, Split, Subset
from mnist_core.training.trainer import Trainer

BATCH = 32


def trainer_of(dataset: Dataset, images: int, optimizer: Literal["sgd", "nag", "adam"] = "sgd") -> Trainer:
    split = Split(Subset(dataset.train, np.arange(images)), Subset(dataset.test, np.arange(10)))
    config = TrainingConfig(epochs=1000, batch_size=BATCH, optimizer=optimizer, momentum=0.9, weight_decay=1e-4)
    return Trainer(MlpConfig(), config, split, seed=0, context=open_context("cpu"))


def calls_of_an_epoch(dataset: Dataset, steps: int) -> Counter[str]:
    """Counts the calls of each function, in Python and in C, in one epoch of `steps` steps."""
    epochs = trainer_of(dataset, steps * BATCH).epochs()
    next(epochs)
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, function: object) -> None:
        if event == "c_call":
            calls[getattr(function, "__name__", type(function).__name__)] += 1
        elif event == "call":
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        next(epochs)
    finally:
        sys.setprofile(None)
    return calls


def test_step_makes_few_calls_and_no_more_in_a_long_epoch(small_dataset: Dataset) -> None:
    short, long = calls_of_an_epoch(small_dataset, 2), calls_of_an_epoch(small_dataset, 6)
    a_step = {name: (long[name] - short[name]) / 4 for name in long if long[name] != short[name]}
    assert {a_step[name] for name in ("_load", "forward", "backward", "step")} == {1}
    assert sum(a_step.values()) <= 35, a_step


@pytest.mark.parametrize("optimizer", ["sgd", "nag", "adam"])
def test_step_allocates_less_than_a_batch_of_pixels(
    optimizer: Literal["sgd", "nag", "adam"], small_dataset: Dataset
) -> None:
    epochs = trainer_of(small_dataset, 6 * BATCH, optimizer).epochs()
    next(epochs)
    tracemalloc.start()
    try:
        next(epochs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < BATCH * 28 * 28 * 4
