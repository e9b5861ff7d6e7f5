"""The optimizers on a CPU compared with MXNet's own on the same gradients; their state survives a restore."""

import numpy as np
import pytest

from mnist_core.config import TrainingConfig
from mnist_core.context import mx
from mnist_core.model.parameters import Layout, Vector
from mnist_core.training.optimizers import CpuOptimizer, DeviceOptimizer, state_vectors

CONFIGS = {
    f"{name}{'-momentum' if momentum else ''}{'-decay' if decay else ''}": TrainingConfig.model_validate(
        {"optimizer": name, "momentum": momentum, "weight_decay": decay}
    )
    for name, momentum in (("sgd", 0.0), ("sgd", 0.9), ("nag", 0.0), ("nag", 0.9), ("adam", 0.0))
    for decay in (0.0, 0.01)
}
LAYOUT = Layout.of({"a_weight": (5, 7), "a_bias": (5,)})
RATES = [0.1, 0.1, 0.05, 0.2]


def start() -> tuple[Vector, list[Vector]]:
    """Returns weights, and a gradient for each learning rate; the padding is zero in all of them."""
    rng = np.random.default_rng(0)

    def drawn() -> Vector:
        return LAYOUT.pack({name: rng.normal(size=shape).astype(np.float32) for name, shape in LAYOUT.shapes.items()})

    return drawn(), [drawn() for _ in RATES]


@pytest.mark.parametrize("name", CONFIGS)
def test_steps_equal_those_of_mxnets_optimizer(name: str) -> None:
    config = CONFIGS[name]
    weights, gradients = start()
    theirs = {key: mx.nd.array(value) for key, value in LAYOUT.unpack(weights).items()}
    options = {} if config.optimizer == "adam" else {"momentum": config.momentum}
    optimizer = mx.optimizer.create(
        config.optimizer,
        wd=config.weight_decay,
        rescale_grad=0.1,
        param_idx2name=dict(enumerate(theirs)),
        **options,
    )
    updater = mx.optimizer.get_updater(optimizer)
    gradient = np.zeros_like(weights)
    ours = CpuOptimizer(config, LAYOUT, weights, gradient)
    for rate, drawn in zip(RATES, gradients, strict=True):
        optimizer.set_learning_rate(rate)
        for index, key in enumerate(theirs):
            updater(index, mx.nd.array(LAYOUT.unpack(drawn)[key]), theirs[key])
        gradient[...] = drawn
        ours.step(rate, 0.1)
    for key, value in LAYOUT.unpack(weights).items():
        np.testing.assert_allclose(value, theirs[key].asnumpy(), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", CONFIGS)
def test_restored_optimizer_continues_to_the_same_bits(name: str) -> None:
    weights, gradients = start()
    gradient = np.zeros_like(weights)
    uninterrupted = CpuOptimizer(CONFIGS[name], LAYOUT, weights, gradient)
    for drawn in gradients[:2]:
        gradient[...] = drawn
        uninterrupted.step(0.1, 0.1)
    copied, copied_gradient = weights.copy(), np.zeros_like(weights)
    resumed = CpuOptimizer(CONFIGS[name], LAYOUT, copied, copied_gradient)
    resumed.restore(uninterrupted.state(), steps=2)
    for drawn in gradients[2:]:
        gradient[...], copied_gradient[...] = drawn, drawn
        uninterrupted.step(0.1, 0.1)
        resumed.step(0.1, 0.1)
    np.testing.assert_array_equal(copied, weights)


@pytest.mark.parametrize("name", ["sgd", "sgd-momentum", "adam"])
def test_state_of_another_optimizer_is_not_restored(name: str) -> None:
    """The checkpoint of a trial belongs to its configuration; less than all of a state would be wrong in silence."""
    weights, _ = start()
    config = CONFIGS[name]
    wrong = (weights,) * (state_vectors(config) + 1)
    arrays = mx.nd.array(weights), mx.nd.array(weights)
    for optimizer in (
        CpuOptimizer(config, LAYOUT, weights, weights.copy()),
        DeviceOptimizer(config, LAYOUT, *arrays),
    ):
        with pytest.raises(ValueError, match="zip"):
            optimizer.restore(wrong, steps=1)


@pytest.mark.parametrize("name", CONFIGS)
def test_padding_stays_zero(name: str) -> None:
    weights, gradients = start()
    gradient = np.zeros_like(weights)
    optimizer = CpuOptimizer(CONFIGS[name], LAYOUT, weights, gradient)
    for drawn in gradients:
        gradient[...] = drawn
        optimizer.step(0.1, 0.1)
    np.testing.assert_array_equal(LAYOUT.pack(LAYOUT.unpack(weights)), weights)
    assert len(optimizer.state()) == state_vectors(CONFIGS[name])
