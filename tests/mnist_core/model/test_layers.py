"""A network's description gives the shapes, parameters and operations that MXNet and the tutorials have."""

from math import prod

import pytest

from mnist_core.config import MODELS, LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import bind, mx, open_context
from mnist_core.model.layers import describe_layers
from mnist_core.model.networks import build_network


@pytest.mark.parametrize("model", [model() for model in MODELS.values()], ids=lambda model: model.kind)
def test_shapes_are_those_of_the_outputs_that_mxnet_computes(model: ModelConfig) -> None:
    network = build_network(model)
    arguments = {name: mx.nd.zeros(shape) for name, shape in network.parameter_shapes().items()}
    arguments |= {"data": mx.nd.zeros((1, 1, 28, 28))} | {head.label_name: mx.nd.zeros((1,)) for head in network.heads}
    internals = network.symbol.get_internals()
    outputs = [internals[f"{layer.name}_output"] for layer in describe_layers(model)]
    computed = bind(mx.sym.Group(outputs), open_context("cpu"), arguments, {}).forward()
    assert [layer.shape for layer in describe_layers(model)] == [output.shape[1:] for output in computed]


@pytest.mark.parametrize(
    "model",
    [LenetConfig(filters=(3, 17), hidden=40), MlpConfig(hidden=(7,)), MultitaskConfig(hidden=(9, 8, 7))],
    ids=lambda model: model.kind,
)
def test_each_parameter_belongs_to_one_layer(model: ModelConfig) -> None:
    parameters = sum(map(prod, build_network(model).parameter_shapes().values()))
    assert sum(layer.parameters for layer in describe_layers(model)) == parameters


def test_products_of_lenet_are_counted() -> None:
    flops = {layer.name: layer.flops for layer in describe_layers(LenetConfig()) if layer.flops}
    assert flops == {
        "conv1": 2 * (20 * 24 * 24) * (1 * 5 * 5),
        "conv2": 2 * (50 * 8 * 8) * (20 * 5 * 5),
        "fc1": 2 * 800 * 500,
        "fc2": 2 * 500 * 10,
    }


def test_heads_read_the_last_layer_that_they_share() -> None:
    layers = {layer.name: layer for layer in describe_layers(MultitaskConfig())}
    assert layers["fc3digit"].inputs == layers["fc3parity"].inputs == ("relu2",)
    assert layers["flatten"].inputs == ()


def test_settings_tell_layers_of_one_operator_apart() -> None:
    settings = {layer.name: layer.setting for layer in describe_layers(LenetConfig(activation="relu"))}
    assert (settings["conv1"], settings["relu1"], settings["pool1"], settings["fc1"]) == ("5x5", "relu", "max 2x2", "")
    assert {"relu1", "relu2", "relu3"} <= settings.keys()
