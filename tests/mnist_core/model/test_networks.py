"""The networks compute what the tutorials' networks do, also as arranged for a CPU."""

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.config import MODELS, LenetConfig, ModelConfig
from mnist_core.context import bind, mx, open_context
from mnist_core.data.dataset import Dataset
from mnist_core.model.networks import NETWORKS, Network, build_network
from mnist_core.model.parameters import Layout, initial_weights

Floats = npt.NDArray[np.float32]
BATCH = 50
LENETS = [
    LenetConfig(activation=activation, filters=filters, hidden=40, initializer="xavier")
    for activation in ("tanh", "relu", "sigmoid")
    for filters in ((20, 50), (16, 32), (3, 17))
]


def name_of(model: ModelConfig) -> str:
    return f"{model.kind}-{getattr(model, 'activation', '')}-{getattr(model, 'filters', '')}"


def one_step(
    network: Network, symbol: object, model: ModelConfig, images: Floats, digits: Floats
) -> tuple[list[Floats], dict[str, Floats]]:
    """Returns the outputs and the gradients of one batch."""
    layout = Layout.of(network.parameter_shapes())
    context = open_context("cpu")
    weights = layout.unpack(initial_weights(layout, model.initializer, seed=1))
    arguments = {name: mx.nd.array(value) for name, value in weights.items()} | {"data": mx.nd.array(images)}
    arguments |= {head.label_name: mx.nd.array(digits % head.classes) for head in network.heads}
    gradients = {name: mx.nd.zeros(value.shape) for name, value in weights.items()}
    executor = bind(symbol, context, arguments, gradients)
    outputs = [output.asnumpy() for output in executor.forward(is_train=True)]
    executor.backward()
    return outputs, {name: value.asnumpy() for name, value in gradients.items()}


@pytest.mark.parametrize("model", [*(model() for model in MODELS.values()), *LENETS], ids=name_of)
def test_arrangement_for_a_cpu_computes_what_the_tutorials_network_does(
    model: ModelConfig, bundled_dataset: Dataset
) -> None:
    images = bundled_dataset.train.images[:BATCH, None].astype(np.float32) / 255
    digits = bundled_dataset.train.labels[:BATCH].astype(np.float32)
    network = build_network(model)
    outputs, gradients = one_step(network, network.symbol, model, images, digits)
    arranged_outputs, arranged_gradients = one_step(network, network.cpu_symbol, model, images, digits)
    for ours, theirs in zip(arranged_outputs, outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    # A sigmoid makes many nearly equal numbers equal: which of them is the maximum and gets the gradient is arbitrary.
    tolerance = 1e-2 if getattr(model, "activation", "") == "sigmoid" else 1e-5
    for name, theirs in gradients.items():
        assert np.abs(arranged_gradients[name] - theirs).max() <= tolerance * np.abs(theirs).max(), name


@pytest.mark.parametrize("model", [model() for model in MODELS.values()], ids=name_of)
def test_arrangement_has_the_arguments_of_the_tutorials_network(model: ModelConfig) -> None:
    network = build_network(model)
    assert sorted(network.cpu_symbol.list_arguments()) == sorted(network.symbol.list_arguments())


def test_each_kind_of_config_has_its_network() -> None:
    assert NETWORKS.keys() == MODELS.keys()


@pytest.mark.parametrize("kind", MODELS)
def test_network_of_each_kind_has_an_output_and_a_label_for_each_head(kind: str) -> None:
    network = build_network(MODELS[kind]())
    _, outputs, _ = network.symbol.infer_shape(data=(BATCH, 1, 28, 28))
    assert network.heads == MODELS[kind].heads
    assert outputs == [(BATCH, head.classes) for head in network.heads]
    assert {head.label_name for head in network.heads} <= set(network.symbol.list_arguments())
