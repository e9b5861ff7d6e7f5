"""Trains one network on one context and measures it after each epoch. Independent of files and studies.

A training is a pure function of its arguments: the initial weights come from the seed, the order of the images from
(seed, epoch). So a training that is restored from its state ends with bit-identical weights.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mnist_core.config import ModelConfig, TrainingConfig
from mnist_core.data.dataset import Split, epoch_order
from mnist_core.measurement import Measurement
from mnist_core.model.executor import BatchExecutor, predict_all, shared_array
from mnist_core.model.metrics import Scores, score
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector, initial_weights
from mnist_core.training.memory_estimate import check_memory, training_bytes
from mnist_core.training.optimizers import CpuOptimizer, DeviceOptimizer, FlatOptimizer
from mnist_core.training.schedules import learning_rate
from mnist_core.training.state import TrainingState

OnBatch = Callable[[int, int, int], None]
"""Receives the epoch in training (1 for the first), how many of its images were trained on, and how many it has."""

# Larger batches do not fit the cache: LeNet in batches of 1000 is several times slower per image.
EVALUATION_BATCH = 100


class Trainer:
    """Trains one network.

    Example:
        >>> trainer = Trainer(MlpConfig(), TrainingConfig(epochs=2), split, seed=0, context=open_context("cpu"))
        >>> for measurement in trainer.epochs():
        ...     print(measurement.epoch, sorted(measurement.metrics))
        1 ['perf/samples_per_second', 'train/accuracy', 'train/loss', 'val/accuracy', 'val/digit_accuracy', 'val/loss']
        2 ['perf/samples_per_second', 'train/accuracy', 'train/loss', 'val/accuracy', 'val/digit_accuracy', 'val/loss']
    """

    def __init__(
        self,
        model: ModelConfig,
        config: TrainingConfig,
        split: Split,
        seed: int,
        context: Any,
        free_bytes: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Draws the initial weights and binds the network; trains nothing yet.

        Args:
            model: the network.
            config: how to train it.
            split: the images to train on, and those to validate on.
            seed: determines the initial weights and the order of the images.
            context: where to train, see `open_context`.
            free_bytes: returns how much memory is free; called only for a large training on a CPU.

        Raises:
            MemoryError: on a CPU, the training would take more memory than is free.
        """
        self.network = build_network(model)
        self.layout = Layout.of(self.network.parameter_shapes())
        self._config = config
        self._split = split
        self._seed = seed
        if context.device_type == "cpu":
            batch_sizes = [*self._batch_sizes(), EVALUATION_BATCH]
            check_memory(training_bytes(self.network, self.layout, config, batch_sizes), free_bytes)
        self._epoch = 0
        self._elapsed_s = 0.0
        self._weights, self._weights_array = shared_array((self.layout.size,), context)
        self._gradient, gradient_array = shared_array((self.layout.size,), context)
        self._evaluated_weights, _ = shared_array((self.layout.size,), context)
        self._weights[:] = initial_weights(self.layout, model.initializer, seed)
        self._optimizer: FlatOptimizer = (
            DeviceOptimizer(config, self.layout, self._weights, self._gradient)
            if self._weights_array is None or gradient_array is None
            else CpuOptimizer(config, self.layout, self._weights_array, gradient_array)
        )
        self._executors = {
            size: BatchExecutor(self.network, self.layout, size, self._weights, self._gradient)
            for size in self._batch_sizes()
        }
        # An executor that only predicts may reorder its weights in place, so it gets a copy.
        self._evaluator = BatchExecutor(self.network, self.layout, EVALUATION_BATCH, self._evaluated_weights)

    def epochs(self, on_batch: OnBatch | None = None) -> Iterator[Measurement]:
        """Trains one epoch per measurement that is taken from the iterator.

        Args:
            on_batch: called after each batch, so it must be fast.
        """
        while self._epoch < self._config.epochs:
            with np.errstate(all="ignore"):  # divergence is an outcome that shows in the losses
                measurement = self._next_epoch(on_batch)
            yield measurement

    def weights(self) -> Vector:
        """Returns a copy of the flat weights, (layout.size,) float32."""
        copy: Vector = self._weights.asnumpy()
        return copy

    def state(self) -> TrainingState:
        """Returns a copy of everything needed to continue after the last measured epoch."""
        return TrainingState(self._epoch, self._elapsed_s, self.weights(), self._optimizer.state())

    def restore(self, state: TrainingState) -> None:
        """Continues from the `state()` of a trainer with the same arguments."""
        self._epoch = state.epoch
        self._elapsed_s = state.elapsed_s
        self._weights[:] = state.weights
        self._optimizer.restore(state.optimizer, state.epoch * self._steps_per_epoch())

    def _next_epoch(self, on_batch: OnBatch | None) -> Measurement:
        started = time.perf_counter()
        train_scores = self._train_epoch(on_batch)
        trained_s = time.perf_counter() - started
        validation_scores = self._validate()
        self._epoch += 1
        self._elapsed_s += time.perf_counter() - started
        return Measurement(
            epoch=self._epoch,
            metrics={
                "train/loss": train_scores.loss,
                "train/accuracy": train_scores.accuracy,
                **validation_scores.as_metrics("val"),
                "perf/samples_per_second": len(self._split.train) / trained_s,
            },
            elapsed_s=self._elapsed_s,
            confusion=validation_scores.confusion,
            training_s=trained_s,
        )

    def _train_epoch(self, on_batch: OnBatch | None) -> Scores:
        """Trains on each image once; scores the predictions made along the way."""
        train = self._split.train
        order = epoch_order(train.indices, self._seed, self._epoch)
        outputs = [np.empty((len(order), head.classes), np.float32) for head in self.network.heads]
        first_step = self._epoch * self._steps_per_epoch()
        for number, start in enumerate(range(0, len(order), self._config.batch_size)):
            batch = order[start : start + self._config.batch_size]
            predicted = self._executors[len(batch)].train(train.source, batch)
            self._optimizer.step(self._learning_rate(first_step + number), 1.0 / len(batch))
            for kept, output in zip(outputs, predicted, strict=True):
                kept[start : start + len(batch)] = output
            if on_batch is not None:
                on_batch(self._epoch + 1, start + len(batch), len(order))
        return score(self.network.heads, outputs, train.source.labels[order])

    def _validate(self) -> Scores:
        self._evaluated_weights[:] = self._weights
        validation = self._split.validation
        classes = [head.classes for head in self.network.heads]
        outputs = predict_all(self._evaluator, validation.source, validation.indices, classes)
        return score(self.network.heads, outputs, validation.source.labels[validation.indices])

    def _learning_rate(self, step: int) -> float:
        config = self._config
        return learning_rate(config.learning_rate, config.schedule, step, self._steps_per_epoch(), config.epochs)

    def _steps_per_epoch(self) -> int:
        return -(-len(self._split.train) // self._config.batch_size)

    def _batch_sizes(self) -> set[int]:
        """Returns the size of full batches and, if they do not divide the images, that of the last one."""
        count = len(self._split.train)
        size = self._config.batch_size
        sizes = {min(size, count), count % size}
        return sizes - {0}
