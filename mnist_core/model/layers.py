"""Describes a network layer by layer: the shape of each output, its parameters, and what a prediction costs.

Importing this file does not import MXNet: whoever only shows layers needs none.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mnist_core.config import ModelConfig
from mnist_core.data.dataset import IMAGE_SIDE

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One operator of a network; its figures are for one image.

    Attributes:
        name: the tutorials' name, such as `fc1`.
        op: MXNet's operator, such as `FullyConnected`.
        setting: what sets it apart from others of its operator, such as `5x5` or `relu`; may be empty.
        inputs: the names of the layers that it reads; empty if it reads the image.
        shape: the shape of its output: (channels, height, width) or (features,).
        parameters: the number of its weights and biases.
        flops: floating-point operations of the products of a forward pass; a multiplication and its addition are two.
            Activations and pooling are not counted, as is usual.
    """

    name: str
    op: str
    setting: str
    inputs: tuple[str, ...]
    shape: Shape
    parameters: int
    flops: int


def describe_layers(config: ModelConfig) -> tuple[Layer, ...]:
    """Returns the layers of a network in the order of a forward pass.

    Example:
        >>> from mnist_core.config import MlpConfig
        >>> [(layer.name, layer.shape, layer.parameters) for layer in describe_layers(MlpConfig(hidden=(10,)))]
        [('flatten', (784,), 0), ('fc1', (10,), 7850), ('relu1', (10,), 0), ('fc2', (10,), 110), ('softmax', (10,), 0)]
    """
    from mnist_core.model.networks import build_network  # imports MXNet

    symbol = build_network(config).symbol
    nodes = json.loads(symbol.tojson())["nodes"]
    return tuple(_layers(nodes, _output_shapes(symbol)))


def _output_shapes(symbol: Any) -> Mapping[str, Shape]:
    """Returns the shape of each variable and of each layer's output for a batch of one image, by name."""
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(1, 1, IMAGE_SIDE, IMAGE_SIDE))
    names = (name.removesuffix("_output") for name in internals.list_outputs())
    return dict(zip(names, shapes, strict=True))


def _layers(nodes: list[dict[str, Any]], shapes: Mapping[str, Shape]) -> Iterator[Layer]:
    for node in nodes:
        if node["op"] == "null":
            continue
        sources = [nodes[source] for source, *_ in node["inputs"]]
        weights = [shapes[each["name"]] for each in sources if _is_parameter(each)]
        attributes = node.get("attrs", {})
        shape = shapes[node["name"]][1:]
        yield Layer(
            node["name"],
            node["op"],
            _setting(attributes),
            tuple(each["name"] for each in sources if each["op"] != "null"),
            shape,
            sum(map(math.prod, weights)),
            _flops(shape, weights),
        )


def _is_parameter(node: Mapping[str, Any]) -> bool:
    return bool(node["op"] == "null" and node["name"].endswith(("_weight", "_bias")))


def _setting(attributes: Mapping[str, str]) -> str:
    """Returns the kind of an activation or the window of a convolution or pooling."""
    if "act_type" in attributes:
        return attributes["act_type"]
    window = attributes.get("kernel", "").strip("()").replace(", ", "x")
    return f"{attributes['pool_type']} {window}" if "pool_type" in attributes else window


def _flops(shape: Shape, weights: list[Shape]) -> int:
    """Counts the products with a weight of shape (outputs, ...): each output is a dot product with one of its rows."""
    if not weights:
        return 0
    weight = weights[0]
    return 2 * math.prod(weight) * math.prod(shape) // weight[0]
