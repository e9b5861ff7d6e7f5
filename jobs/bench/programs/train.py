"""Training with mxtrials, for `bench train`: `python -m jobs.bench.programs.train NETWORK`, see `answer_requests`."""

import sys
from collections.abc import Iterator

import numpy as np

from jobs.bench.programs.training_task import (
    BATCH_SIZE,
    LEARNING_RATE,
    MOMENTUM,
    NETWORKS,
    TrainingTask,
    answer_requests,
    load_task,
)
from mnist_core.config import TrainingConfig
from mnist_core.data.dataset import Split, Subset


def train(task: TrainingTask) -> Iterator[float]:
    """Yields the images per second of each epoch, not counting its evaluation, which is on 100 images."""
    from mnist_core.context import open_context
    from mnist_core.training.trainer import Trainer

    count = len(task.images)
    split = Split(Subset(task.images, np.arange(count)), Subset(task.images, np.arange(100)))
    config = TrainingConfig(epochs=1_000, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, momentum=MOMENTUM)
    trainer = Trainer(NETWORKS[task.network], config, split, seed=0, context=open_context("cpu"))
    for measurement in trainer.epochs():
        yield measurement.metrics["perf/samples_per_second"]


if __name__ == "__main__":
    answer_requests(train(load_task(sys.argv[1])))
