"""The limit of `bench train`: images per second if a step consisted only of its matrix products.

Run as `python -m jobs.bench.programs.matrix_products NETWORK`, see `answer_requests`.
"""

import sys
import time
from collections.abc import Iterator
from math import prod

from jobs.bench.programs.training_task import NETWORKS, answer_requests
from mnist_core.config import LenetConfig, ModelConfig

# Shapes at which FullyConnected is timed, as (batch, inputs, outputs): the tutorials' first layer, and large ones.
_SHAPES = ((100, 784, 128), (512, 512, 512), (1024, 1024, 1024))
_TIMED_S = 0.1


def training_flops(model: ModelConfig) -> float:
    """Counts the floating-point operations per image of all matrix products of one step; a multiply-add is two.

    Each layer has three products of equal size: its output, the gradient of its weights and that of its input. The
    first layer has two, because nothing needs the gradient of the image.
    """
    from mnist_core.model.networks import build_network

    shapes = build_network(model).parameter_shapes()
    weights = {name: shape for name, shape in shapes.items() if name.endswith("_weight")}
    forward = {name: 2.0 * prod(shape) * _positions(model, name) for name, shape in weights.items()}
    first = next(iter(forward))
    return sum(flops * (2 if name == first else 3) for name, flops in forward.items())


def run_products(model: ModelConfig) -> Iterator[float]:
    """Yields images per second at the rate of the fastest FullyConnected, measured again each time."""
    from mnist_core.context import mx, open_context

    context = open_context("cpu")
    flops = training_flops(model)
    arrays = [
        (mx.nd.ones((batch, inputs), ctx=context), mx.nd.ones((outputs, inputs), ctx=context))
        for batch, inputs, outputs in _SHAPES
    ]
    while True:
        best = 0.0
        for (batch, inputs, outputs), (images, weight) in zip(_SHAPES, arrays, strict=True):
            count = 0
            started = time.perf_counter()
            while time.perf_counter() - started < _TIMED_S:
                mx.nd.FullyConnected(images, weight, num_hidden=outputs, no_bias=True)
                count += 1
            best = max(best, count * 2.0 * batch * inputs * outputs / (time.perf_counter() - started))
        yield best / flops


def _positions(model: ModelConfig, weight: str) -> int:
    """Returns how many positions of an image use a layer's weights: 24 x 24 and 8 x 8 for LeNet's convolutions."""
    if isinstance(model, LenetConfig) and weight.startswith("conv"):
        return 24 * 24 if weight == "conv1_weight" else 8 * 8
    return 1


if __name__ == "__main__":
    answer_requests(run_products(NETWORKS[sys.argv[1]]))
