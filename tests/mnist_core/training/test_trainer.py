"""The guarantees of training: restorable, exact, every image once; test_against_module.py compares it with MXNet's."""

import gc
import time
import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.context import mx, open_context
from mnist_core.data.dataset import Dataset, Split, Subset, all_images, split
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, weights_sha256
from mnist_core.training.optimizers import CpuOptimizer, DeviceOptimizer
from mnist_core.training.state import pack, unpack
from mnist_core.training.trainer import Trainer

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


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_device_optimizer_agrees_with_cpu_optimizer_over_20_steps_and_a_restore(optimizer: str) -> None:
    layout = Layout.of({"a_weight": (30, 20), "a_bias": (30,)})
    config = OPTIMIZERS[optimizer]
    rng = np.random.default_rng(0)
    start = rng.normal(size=layout.size).astype(np.float32)
    weights, gradient = mx.nd.array(start), mx.nd.zeros(layout.size)
    device = DeviceOptimizer(config, layout, weights, gradient)
    cpu_weights, cpu_gradient = start.copy(), np.zeros(layout.size, np.float32)
    cpu = CpuOptimizer(config, layout, cpu_weights, cpu_gradient)
    for step in range(20):
        if step == 10:
            restored = DeviceOptimizer(config, layout, weights, gradient)
            restored.restore(device.state(), steps=10)
            device = restored
        drawn = rng.normal(size=layout.size).astype(np.float32)
        gradient[:], cpu_gradient[...] = drawn, drawn
        device.step(0.05, 0.1)
        cpu.step(0.05, 0.1)
    np.testing.assert_allclose(weights.asnumpy(), cpu_weights, rtol=1e-4, atol=1e-6)
    for vector, expected in zip(device.state(), cpu.state(), strict=True):
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", MODELS)
def test_restored_training_ends_with_the_same_bits(kind: str, optimizer: str, small_dataset: Dataset) -> None:
    config = OPTIMIZERS[optimizer].model_copy(update={"epochs": 3, "batch_size": 30})
    data = split(small_dataset, 56, seed=0)
    context = open_context("cpu")
    uninterrupted = Trainer(MODELS[kind], config, data, seed=7, context=context)
    measured = list(uninterrupted.epochs())
    first = Trainer(MODELS[kind], config, data, seed=7, context=context)
    next(first.epochs())
    second = Trainer(MODELS[kind], config, data, seed=7, context=context)
    second.restore(unpack(pack(first.state())))
    resumed = list(second.epochs())
    assert weights_sha256(second.weights()) == weights_sha256(uninterrupted.weights())
    assert [m.epoch for m in resumed] == [2, 3]
    assert resumed[-1].metrics["val/loss"] == measured[-1].metrics["val/loss"]


def test_validation_after_every_epoch_uses_that_epochs_weights(small_dataset: Dataset) -> None:
    data = split(small_dataset, "test", seed=0)
    config = TrainingConfig(epochs=3, batch_size=50, learning_rate=0.05)
    trainer = Trainer(MODELS["mlp"], config, data, seed=0, context=open_context("cpu"))
    for measurement in trainer.epochs():
        weights = trainer.layout.unpack(trainer.weights())
        layer = small_dataset.test.images.reshape(-1, 784).astype(np.float64) / 255
        for number in (1, 2):
            layer = np.maximum(layer @ weights[f"fc{number}_weight"].T + weights[f"fc{number}_bias"], 0)
        logits = layer @ weights["fc3_weight"].T + weights["fc3_bias"]
        right = (logits.argmax(axis=1) == small_dataset.test.labels).mean()
        assert measurement.metrics["val/accuracy"] == pytest.approx(right, abs=1e-9)


@pytest.mark.parametrize("filters", [(20, 50), (16, 32), (16, 3), (3, 16)], ids=str)
def test_lenet_of_any_width_is_validated_as_the_tutorials_module_predicts(
    filters: tuple[int, int], small_dataset: Dataset
) -> None:
    """With and without padding: oneDNN reorders weights for predictions if they fill whole registers."""
    model = LenetConfig(filters=filters, hidden=20, initializer="xavier")
    config = TrainingConfig(epochs=2, batch_size=50, learning_rate=0.05)
    trainer = Trainer(model, config, split(small_dataset, "test", seed=0), seed=0, context=open_context("cpu"))
    images = mx.nd.array(small_dataset.test.images[:, None].astype(np.float32) / 255)
    module = mx.mod.Module(build_network(model).symbol, label_names=["softmax_label"])
    module.bind([("data", images.shape)], [("softmax_label", (len(images),))])
    for measurement in trainer.epochs():
        parameters = trainer.layout.unpack(trainer.weights())
        module.init_params(arg_params={k: mx.nd.array(v) for k, v in parameters.items()}, force_init=True)
        module.forward(mx.io.DataBatch([images], [mx.nd.zeros(len(images))]), is_train=False)
        probabilities = module.get_outputs()[0].asnumpy()
        right = probabilities[np.arange(len(images)), small_dataset.test.labels]
        assert measurement.metrics["val/loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)


def test_each_image_is_counted_once_if_batches_do_not_divide_them(small_dataset: Dataset) -> None:
    data = Split(all_images(small_dataset.train), all_images(small_dataset.test))
    config = TrainingConfig(epochs=1, batch_size=100)  # 256 = 100 + 100 + 56; 128 = 100 + 28
    trainer = Trainer(MODELS["multitask"], config, data, seed=0, context=open_context("cpu"))
    (measurement,) = trainer.epochs()
    for head, classes in (("digit", 10), ("parity", 2)):
        counts = np.array(measurement.confusion[head])
        assert counts.shape == (classes, classes)
        expected = np.bincount(small_dataset.test.labels % classes, minlength=classes)
        assert counts.sum(axis=1).tolist() == expected.tolist()


def test_fewer_images_than_a_batch_are_trained_on(small_dataset: Dataset) -> None:
    data = Split(Subset(small_dataset.train, np.arange(8)), all_images(small_dataset.test))
    trainer = Trainer(MlpConfig(), TrainingConfig(epochs=1), data, seed=0, context=open_context("cpu"))
    before = trainer.weights()
    assert len(list(trainer.epochs())) == 1
    assert not np.array_equal(before, trainer.weights())


def test_training_that_does_not_fit_into_free_memory_is_rejected(small_dataset: Dataset) -> None:
    data = split(small_dataset, 56, seed=0)
    large = MlpConfig(hidden=(4096, 4096))
    with pytest.raises(MemoryError, match=r"training takes about \d\.\d GB, and 0\.1 GB are free"):
        Trainer(large, TrainingConfig(), data, seed=0, context=open_context("cpu"), free_bytes=lambda: 1e8)


def test_memory_of_large_batches_is_checked_too(bundled_dataset: Dataset) -> None:
    data = split(bundled_dataset, 10_000, seed=0)
    small, large = (TrainingConfig(batch_size=size) for size in (100, 10_000))
    Trainer(MlpConfig(), small, data, seed=0, context=open_context("cpu"), free_bytes=lambda: 0.0)
    with pytest.raises(MemoryError, match="0.0 GB are free"):
        Trainer(LenetConfig(), large, data, seed=0, context=open_context("cpu"), free_bytes=lambda: 0.0)


def test_time_is_that_of_all_epochs_so_far_and_the_rate_that_of_training(small_dataset: Dataset) -> None:
    data = split(small_dataset, 56, seed=0)
    config = TrainingConfig(epochs=3)
    first = Trainer(MlpConfig(), config, data, seed=0, context=open_context("cpu"))
    began_s = time.perf_counter()
    measured = [next(first.epochs())]
    resumed = Trainer(MlpConfig(), config, data, seed=0, context=open_context("cpu"))
    resumed.restore(first.state())
    measured += resumed.epochs()
    took_s = time.perf_counter() - began_s
    assert first.state().elapsed_s == measured[0].elapsed_s
    ends_s = [0.0, *(measurement.elapsed_s for measurement in measured)]
    assert ends_s[-1] < took_s
    for measurement, (before_s, after_s) in zip(measured, pairwise(ends_s), strict=True):
        assert 0.0 < measurement.training_s < after_s - before_s
        assert measurement.metrics["perf/samples_per_second"] == 200 / measurement.training_s


def test_different_seeds_give_different_weights(small_dataset: Dataset) -> None:
    data = split(small_dataset, 56, seed=0)
    trainers = [Trainer(MlpConfig(), TrainingConfig(), data, seed=seed, context=open_context("cpu")) for seed in (0, 1)]
    assert weights_sha256(trainers[0].weights()) != weights_sha256(trainers[1].weights())


def test_state_after_one_epoch_is_a_copy(small_dataset: Dataset) -> None:
    data = split(small_dataset, 56, seed=0)
    trainer = Trainer(MlpConfig(), OPTIMIZERS["adam"], data, seed=0, context=open_context("cpu"))
    epochs = trainer.epochs()
    next(epochs)
    state = trainer.state()
    kept = replace(state, weights=state.weights.copy(), optimizer=tuple(v.copy() for v in state.optimizer))
    next(epochs)
    assert np.array_equal(state.weights, kept.weights)
    assert all(np.array_equal(a, b) for a, b in zip(state.optimizer, kept.optimizer, strict=True))


@pytest.mark.parametrize(
    "optimizer", [name for name, config in OPTIMIZERS.items() if config.optimizer in ("sgd", "nag")]
)
def test_diverging_training_is_reported_by_its_losses_only(optimizer: str, small_dataset: Dataset) -> None:
    """There is no warning, which would be an error here. Each step multiplies all weights by -99."""
    changed = {"epochs": 40, "batch_size": 50, "learning_rate": 100.0, "weight_decay": 1.0}
    config = OPTIMIZERS[optimizer].model_copy(update=changed)
    trainer = Trainer(MODELS["lenet"], config, split(small_dataset, 56, seed=0), seed=0, context=open_context("cpu"))
    assert any(not measurement.has_finite_losses for measurement in trainer.epochs())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_deleted_trainer_frees_its_memory_at_once(optimizer: str, small_dataset: Dataset) -> None:
    """Reference cycles would keep the vectors of many trials in a worker until Python's next garbage collection."""
    data, config = split(small_dataset, 56, seed=0), OPTIMIZERS[optimizer].model_copy(update={"epochs": 1})
    gc.disable()
    try:
        trainer = Trainer(MODELS["mlp"], config, data, seed=0, context=open_context("cpu"))
        list(trainer.epochs())
        parts = (trainer, trainer._optimizer, trainer._evaluator, *trainer._executors.values())
        references = [weakref.ref(part) for part in parts]
        del trainer, parts
        assert [part for reference in references if (part := reference()) is not None] == []
    finally:
        gc.enable()
