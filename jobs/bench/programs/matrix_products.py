"""The limit of `bench train`: how many images a second if nothing but the matrix products of a step were computed."""

import time
from collections.abc import Iterator
from math import prod

from mnist_core.config import LenetConfig, ModelConfig

# The shapes at which FullyConnected is tried, as (batch, inputs, outputs): the tutorials' first layer, and large ones.
_TRIED = ((100, 784, 128), (512, 512, 512), (1024, 1024, 1024))
_SLICE_S = 0.1


def training_flops(model: ModelConfig) -> float:
    """Floating-point operations an image, two for each multiply-add, of all matrix products of one step.

    Each layer has three of equal size: its output, the gradient of its weights and that of its input; the first layer
    has two, for nobody asks for the gradient of the image.
    """
    from mnist_core.model.networks import build_network

    shapes = build_network(model).parameter_shapes()
    weights = {name: shape for name, shape in shapes.items() if name.endswith("_weight")}
    forward = {name: 2.0 * prod(shape) * _positions(model, name) for name, shape in weights.items()}
    first = next(iter(forward))
    return sum(flops * (2 if name == first else 3) for name, flops in forward.items())


def products_alone(model: ModelConfig) -> Iterator[float]:
    """Images a second at the rate of the fastest FullyConnected."""
    from mnist_core.context import mx, open_context

    context = open_context("cpu")
    flops = training_flops(model)
    arrays = [
        (mx.nd.ones((batch, inputs), ctx=context), mx.nd.ones((outputs, inputs), ctx=context))
        for batch, inputs, outputs in _TRIED
    ]
    while True:
        best = 0.0
        for (batch, inputs, outputs), (images, weight) in zip(_TRIED, arrays, strict=True):
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < _SLICE_S:
                mx.nd.FullyConnected(images, weight, num_hidden=outputs, no_bias=True)
                count += 1
            best = max(best, count * 2.0 * batch * inputs * outputs / (time.perf_counter() - started))
        yield best / flops


def _positions(model: ModelConfig, weight: str) -> int:
    """At how many places of an image a layer's weights are used: 24 x 24 and 8 x 8 for LeNet's convolutions."""
    if isinstance(model, LenetConfig) and weight.startswith("conv"):
        return 24 * 24 if weight == "conv1_weight" else 8 * 8
    return 1
