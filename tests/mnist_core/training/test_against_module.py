"""Training equals that of `mx.mod.Module` with MXNet's own optimizers and schedules, to the bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.config import (
    ConstantSchedule,
    CosineSchedule,
    LenetConfig,
    MlpConfig,
    ModelConfig,
    MultitaskConfig,
    ScheduleConfig,
    StepSchedule,
    TrainingConfig,
)
from mnist_core.context import mx, open_context
from mnist_core.data.dataset import Dataset, Split, Subset, epoch_order
from mnist_core.heads import Head
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, initial_weights
from mnist_core.training.trainer import Trainer

Parameters = dict[str, npt.NDArray[np.float32]]

SEED = 3
MODELS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
OPTIMIZERS = {
    "sgd": TrainingConfig(optimizer="sgd", weight_decay=1e-3),
    "sgd-momentum": TrainingConfig(optimizer="sgd", momentum=0.9, weight_decay=1e-3),
    "nag": TrainingConfig(optimizer="nag", momentum=0.9, weight_decay=1e-3),
    "adam": TrainingConfig(optimizer="adam", weight_decay=1e-3),
}
SCHEDULES: dict[str, ScheduleConfig] = {
    "step": StepSchedule(every_epochs=1, factor=0.5),
    "cosine": CosineSchedule(final_fraction=0.1),
}


class ModuleTraining:
    """The same training by `mx.mod.Module`: its weights, and what its predictions along the way were worth.

    Uses LeNet as arranged for the CPU. After 100 steps it differs from the tutorial's by percents, as that does from
    itself if the last bit of each initial weight changes: a maximum of two nearly equal numbers then picks the other.
    test_networks.py compares the two step by step.
    """

    def __init__(self, model: ModelConfig, config: TrainingConfig, data: Split) -> None:
        network = build_network(model)
        self._heads = network.heads
        self._config = config
        self._train = data.train
        self._steps_per_epoch = len(range(0, len(data.train), config.batch_size))
        labels = [head.label_name for head in network.heads]
        symbol = network.cpu_symbol if model.kind == "lenet" else network.symbol
        self._module = mx.mod.Module(symbol, label_names=labels)
        size = config.batch_size
        self._module.bind([("data", (size, 1, 28, 28))], [(name, (size,)) for name in labels])
        layout = Layout.of(network.parameter_shapes())
        start = layout.unpack(initial_weights(layout, model.initializer, SEED))
        self._module.init_params(arg_params={name: mx.nd.array(value) for name, value in start.items()}, aux_params={})
        options = {"learning_rate": config.learning_rate, "wd": config.weight_decay}
        if config.optimizer in ("sgd", "nag"):
            options["momentum"] = config.momentum
        self._optimizer = mx.optimizer.create(
            config.optimizer,
            rescale_grad=1 / size,
            param_idx2name=dict(enumerate(self._module._param_names)),
            **options,
        )
        self._module.init_optimizer(optimizer=self._optimizer)

    def epochs(self) -> list[dict[str, float]]:
        """Trains, and returns the loss and the accuracy of each epoch."""
        rate = _rates(self._config, self._steps_per_epoch)
        measured = []
        for epoch in range(self._config.epochs):
            order = epoch_order(self._train.indices, SEED, epoch)
            losses, right = 0.0, 0
            for number, start in enumerate(range(0, len(order), self._config.batch_size)):
                batch = order[start : start + self._config.batch_size]
                self._optimizer.set_learning_rate(rate(epoch * self._steps_per_epoch + number))
                self._optimizer.rescale_grad = 1 / len(batch)
                for head, probabilities in zip(self._heads, self._step(batch), strict=True):
                    correct = self._targets(head, batch)
                    losses -= np.log(probabilities[np.arange(len(batch)), correct]).sum()
                    right += (probabilities.argmax(axis=1) == correct).sum()
            count = len(order)
            measured.append({"train/loss": losses / count, "train/accuracy": right / count / len(self._heads)})
        return measured

    def parameters(self) -> Parameters:
        """Returns the weights by name."""
        return {name: value.asnumpy() for name, value in self._module.get_params()[0].items()}

    def _step(self, batch: npt.NDArray[np.int64]) -> list[npt.NDArray[np.float64]]:
        """Makes one update; returns the probabilities before it, by head."""
        images = self._train.source.images[batch].reshape(-1, 1, 28, 28).astype(np.float32) / 255
        labels = [mx.nd.array(self._targets(head, batch)) for head in self._heads]
        self._module.forward_backward(mx.io.DataBatch([mx.nd.array(images)], labels))
        outputs = [output.asnumpy().astype(np.float64) for output in self._module.get_outputs()]
        self._module.update()
        return outputs

    def _targets(self, head: Head, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return self._train.source.labels[batch].astype(np.int64) % head.classes


def _rates(config: TrainingConfig, steps_per_epoch: int) -> Callable[[int], float]:
    """Returns MXNet's own schedule as a function of the step, which is 0 for the first update.

    MXNet's optimizers count updates from 1; its cosine would so begin one step late, and never reach its start.
    """
    base = config.learning_rate
    schedule: Any
    match config.schedule:
        case StepSchedule(every_epochs=every, factor=factor):
            schedule = mx.lr_scheduler.FactorScheduler(every * steps_per_epoch, factor, stop_factor_lr=0, base_lr=base)
            return lambda step: schedule(step + 1)
        case CosineSchedule(final_fraction=final):
            total = steps_per_epoch * config.epochs
            schedule = mx.lr_scheduler.CosineScheduler(total, base_lr=base, final_lr=final * base)
            return schedule  # type: ignore[no-any-return]
        case ConstantSchedule():
            return lambda step: base


def first_images(dataset: Dataset, count: int) -> Split:
    return Split(Subset(dataset.train, np.arange(count)), Subset(dataset.test, np.arange(64)))


def assert_equal(ours: Parameters, theirs: Parameters) -> None:
    assert {name: float(np.abs(ours[name] - theirs[name]).max()) for name in theirs} == dict.fromkeys(theirs, 0.0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", MODELS)
def test_weights_after_100_steps_equal_those_of_module(kind: str, optimizer: str, bundled_dataset: Dataset) -> None:
    config = OPTIMIZERS[optimizer].model_copy(update={"learning_rate": 0.01, "batch_size": 20, "epochs": 1})
    data = first_images(bundled_dataset, 2000)
    trainer = Trainer(MODELS[kind], config, data, SEED, open_context("cpu"))
    list(trainer.epochs())
    theirs = ModuleTraining(MODELS[kind], config, data)
    theirs.epochs()
    assert_equal(trainer.layout.unpack(trainer.weights()), theirs.parameters())


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", MODELS)
def test_three_epochs_with_a_smaller_last_batch_equal_those_of_module(
    kind: str, optimizer: str, schedule: str, small_dataset: Dataset
) -> None:
    """130 images are four batches of 30, and one of 10."""
    changed = {"learning_rate": 0.02, "batch_size": 30, "epochs": 3, "schedule": SCHEDULES[schedule]}
    config = OPTIMIZERS[optimizer].model_copy(update=changed)
    data = first_images(small_dataset, 130)
    trainer = Trainer(MODELS[kind], config, data, SEED, open_context("cpu"))
    ours = [measurement.metrics for measurement in trainer.epochs()]
    module = ModuleTraining(MODELS[kind], config, data)
    theirs = module.epochs()
    assert_equal(trainer.layout.unpack(trainer.weights()), module.parameters())
    for mine, their in zip(ours, theirs, strict=True):
        assert mine["train/accuracy"] == pytest.approx(their["train/accuracy"], abs=1e-12)
        assert mine["train/loss"] == pytest.approx(their["train/loss"], rel=1e-6)
