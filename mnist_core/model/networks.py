"""Builds the networks as MXNet Symbols, with the tutorials' layer names. Holds no weights and trains nothing.

To add a network, write a function that builds its Symbol and add it to NETWORKS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import mx
from mnist_core.data.dataset import IMAGE_SIDE
from mnist_core.heads import Head

_KERNEL = (5, 5)
# oneDNN handles channels in AVX-512 vector registers of 16 float32 each.
_REGISTER = 16


@dataclass(frozen=True)
class Network:
    """A Symbol whose inputs are `data`, (B, 1, 28, 28) float32 in [0, 1], and one (B,) float32 label per head.

    It has one output per head: probabilities (B, classes).

    Attributes:
        symbol: the network as the tutorials write it, which is saved and displayed.
        heads: one per output, in their order.
        cpu_symbol: the same function of the same arguments, arranged so that oneDNN computes it fastest.
    """

    symbol: Any
    heads: tuple[Head, ...]
    cpu_symbol: Any

    def parameter_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Returns the shapes of the weights and biases by name, in the Symbol's order."""
        inputs = {"data", *(head.label_name for head in self.heads)}
        names = self.symbol.list_arguments()
        shapes, _, _ = self.symbol.infer_shape(data=(1, 1, IMAGE_SIDE, IMAGE_SIDE))
        return {name: shape for name, shape in zip(names, shapes, strict=True) if name not in inputs}


@dataclass(frozen=True)
class NetworkKind:
    """The two functions that build a kind of network from a config.

    Attributes:
        symbol: builds `Network.symbol`.
        cpu_symbol: builds `Network.cpu_symbol`; may be the same function.
    """

    symbol: Callable[[Any], Any]
    cpu_symbol: Callable[[Any], Any]


def build_network(config: ModelConfig) -> Network:
    """Builds the network that a config describes."""
    kind = NETWORKS[config.kind]
    return Network(kind.symbol(config), config.heads, kind.cpu_symbol(config))


def _perceptron(config: MlpConfig | MultitaskConfig) -> Any:
    return _dense_layers(mx.sym.Flatten(_data(), name="flatten"), config)


def _perceptron_on_cpu(config: MlpConfig | MultitaskConfig) -> Any:
    """Builds it without Flatten, which copies the batch: FullyConnected flattens its input anyway."""
    return _dense_layers(_data(), config)


def _dense_layers(layer: Any, config: MlpConfig | MultitaskConfig) -> Any:
    for number, width in enumerate(config.hidden, start=1):
        layer = mx.sym.FullyConnected(layer, name=f"fc{number}", num_hidden=width)  # (B, width)
        layer = _activation(layer, config.activation, number)
    return _softmaxes(layer, len(config.hidden) + 1, config.heads)


def _lenet(config: LenetConfig) -> Any:
    layer = _data()
    for number, filters in enumerate(config.filters, start=1):
        layer = mx.sym.Convolution(layer, name=f"conv{number}", kernel=_KERNEL, num_filter=filters)
        layer = _activation(layer, config.activation, number)
        layer = _pooling(layer, number)
    return _lenet_dense_layers(mx.sym.Flatten(layer, name="flatten"), config)  # (B, filters[1] * 4 * 4)


def _lenet_on_cpu(config: LenetConfig) -> Any:
    """Builds it rearranged to cost less.

    Activations are monotonic, so pooling can come before the activation instead of after, which leaves the activation a
    quarter of the work. (If it rounds two numbers to the same one, the larger now gets the gradient, not the first.)
    Convolutions are padded, and nothing is flattened, because FullyConnected does that anyway.
    """
    layer = _data()
    channels, planes = 1, 1
    for number, filters in enumerate(config.filters, start=1):
        layer = _padded_convolution(layer, number, (filters, channels), planes)  # (B, planes, ...)
        layer = _activation(_pooling(layer, number), config.activation, number)
        channels, planes = filters, _padded(filters)
    if planes > channels:
        layer = mx.sym.slice_axis(layer, axis=1, begin=0, end=channels)
    return _lenet_dense_layers(layer, config)


def _lenet_dense_layers(layer: Any, config: LenetConfig) -> Any:
    layer = mx.sym.FullyConnected(layer, name="fc1", num_hidden=config.hidden)
    layer = _activation(layer, config.activation, 3)
    return _softmaxes(layer, 2, config.heads)


def _padded_convolution(layer: Any, number: int, shape: tuple[int, int], planes: int) -> Any:
    """Builds a convolution whose channels are zero-padded to whole registers, which oneDNN's fast kernels require.

    Args:
        layer: the input, (B, planes, H, W); only its first `channels` planes are used.
        number: the number in the names of the layers, 1 or 2.
        shape: filters and channels of the weight.
        planes: number of planes of the input.
    """
    filters, channels = shape
    more = _padded(filters) - filters
    weight = mx.sym.Variable(f"conv{number}_weight", shape=(filters, channels, *_KERNEL))
    bias = mx.sym.Variable(f"conv{number}_bias", shape=(filters,))
    if planes > channels:
        weight = mx.sym.concat(weight, mx.sym.zeros((filters, planes - channels, *_KERNEL)), dim=1)
    if more:
        weight = mx.sym.concat(weight, mx.sym.zeros((more, planes, *_KERNEL)), dim=0)
        bias = mx.sym.concat(bias, mx.sym.zeros((more,)), dim=0)
    if planes == channels and more == 0:
        # A convolution that only predicts reorders its weight, and fails if the weight is part of another array.
        weight = mx.sym.identity(weight)
    return mx.sym.Convolution(layer, weight, bias, name=f"conv{number}", kernel=_KERNEL, num_filter=filters + more)


def _padded(channels: int) -> int:
    return -(-channels // _REGISTER) * _REGISTER


def _data() -> Any:
    return mx.sym.Variable("data")  # (B, 1, 28, 28)


def _pooling(layer: Any, number: int) -> Any:
    return mx.sym.Pooling(layer, name=f"pool{number}", pool_type="max", kernel=(2, 2), stride=(2, 2))


def _activation(layer: Any, kind: str, number: int) -> Any:
    return mx.sym.Activation(layer, name=f"{kind}{number}", act_type=kind)


def _softmaxes(features: Any, number: int, heads: Sequence[Head]) -> Any:
    """Builds the last layer: a softmax over the classes of each head, (B, classes).

    Args:
        features: the input, (B, width).
        number: the number in the name of the dense layer.
        heads: the heads, in the order of the outputs.
    """
    outputs = []
    for head in heads:
        logits = mx.sym.FullyConnected(features, name=f"fc{number}{head.suffix}", num_hidden=head.classes)
        outputs.append(mx.sym.SoftmaxOutput(logits, name=f"softmax{head.suffix}"))
    return outputs[0] if len(outputs) == 1 else mx.sym.Group(outputs)


NETWORKS: Mapping[str, NetworkKind] = {
    "mlp": NetworkKind(_perceptron, _perceptron_on_cpu),
    "lenet": NetworkKind(_lenet, _lenet_on_cpu),
    "multitask": NetworkKind(_perceptron, _perceptron_on_cpu),
}
"""`kind` of a config -> how to build its network."""
