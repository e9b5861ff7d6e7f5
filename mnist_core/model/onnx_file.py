"""Writes a trained network as ONNX, for the operators that networks.py uses.

MXNet's own converter needs an onnx of 2021, which current runtimes and Python versions do not have.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mnist_core.config import ModelConfig
from mnist_core.data.dataset import IMAGE_SIDE
from mnist_core.errors import MissingLibrary
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector

_OPSET = 13
_IR_VERSION = 8
"""Versions of 2021 that have all these operators, so that older runtimes read the file, too."""

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softrelu": "Softplus", "softsign": "Softsign"}

Attributes = Mapping[str, str]


def onnx_model(config: ModelConfig, weights: Vector, properties: Mapping[str, str]) -> bytes:
    """Returns a trained network as an ONNX model.

    Its input `data` is (batch, 1, 28, 28) float32 in [0, 1], white on black; it has one output for each head, named
    after the head: probabilities (batch, classes).

    Args:
        config: the network.
        weights: (P,) float32, flat.
        properties: what the file says about the model, for people.

    Raises:
        MissingLibrary: onnx is not installed.
    """
    onnx = _import_onnx()
    helper = onnx.helper
    network = build_network(config)
    nodes = json.loads(network.symbol.tojson())["nodes"]
    parameters = Layout.of(network.parameter_shapes()).unpack(weights)
    heads = {f"softmax{head.suffix}": head for head in network.heads}
    names = {node["name"]: heads[node["name"]].name if node["name"] in heads else node["name"] for node in nodes}
    written = []
    for node in nodes:
        if node["op"] == "null":
            continue
        sources = [nodes[source]["name"] for source, *_ in node["inputs"]]
        inputs = [names[source] for source in sources if not source.endswith("_label")]
        op, attributes = _OPERATORS[node["op"]](node.get("attrs", {}))
        written.append(helper.make_node(op, inputs, [names[node["name"]]], node["name"], **attributes))
    float32 = onnx.TensorProto.FLOAT
    image = helper.make_tensor_value_info("data", float32, ["batch", 1, IMAGE_SIDE, IMAGE_SIDE])
    outputs = [helper.make_tensor_value_info(head.name, float32, ["batch", head.classes]) for head in network.heads]
    values = [onnx.numpy_helper.from_array(value, name) for name, value in parameters.items()]
    graph = helper.make_graph(written, config.kind, [image], outputs, values)
    model = helper.make_model(
        graph,
        producer_name="mxtrials",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _import_onnx() -> Any:
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError as err:
        raise MissingLibrary(f"onnx cannot be imported ({err}): pip install 'mxtrials[onnx]'") from err
    return onnx


def _convolution(attributes: Attributes) -> tuple[str, dict[str, object]]:
    return "Conv", {"kernel_shape": _pair(attributes["kernel"])}


def _pooling(attributes: Attributes) -> tuple[str, dict[str, object]]:
    operator = {"max": "MaxPool"}[attributes["pool_type"]]
    return operator, {"kernel_shape": _pair(attributes["kernel"]), "strides": _pair(attributes["stride"])}


def _activation(attributes: Attributes) -> tuple[str, dict[str, object]]:
    return _ACTIVATIONS[attributes["act_type"]], {}


_OPERATORS: Mapping[str, Callable[[Attributes], tuple[str, dict[str, object]]]] = {
    "Flatten": lambda _: ("Flatten", {"axis": 1}),
    "FullyConnected": lambda _: ("Gemm", {"transB": 1}),
    "Convolution": _convolution,
    "Pooling": _pooling,
    "Activation": _activation,
    "SoftmaxOutput": lambda _: ("Softmax", {"axis": 1}),
}
"""MXNet's operator -> from its attributes, ONNX's operator and attributes."""


def _pair(text: str) -> Sequence[int]:
    """Returns "(5, 5)" as [5, 5]."""
    return [int(number) for number in text.strip("()").split(",")]
