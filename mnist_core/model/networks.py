"""The three networks as MXNet Symbols, with the tutorials' layer names. Holds no weights and trains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnist_core.config import LenetConfig, ModelConfig, MultitaskConfig
from mnist_core.context import mx
from mnist_core.data.dataset import CLASSES, IMAGE_SIDE, UInt8Array

_KERNEL = (5, 5)
# float32 numbers in a vector register of AVX-512, by which oneDNN counts channels.
_REGISTER = 16


@dataclass(frozen=True)
class Head:
    """One softmax output. Its target is the digit modulo `classes`: the digit itself, or its parity."""

    name: str
    classes: int
    label_name: str

    def targets(self, digits: UInt8Array) -> UInt8Array:
        """Returns what this head should answer to images of these digits: (n,) uint8 in 0..classes - 1.

        digits: (n,) uint8.
        """
        return digits % self.classes  # type: ignore[return-value] # numpy keeps uint8, which its stubs do not know


DIGIT = Head("digit", CLASSES, "softmax_label")
MULTITASK_DIGIT = Head("digit", CLASSES, "softmaxdigit_label")
MULTITASK_PARITY = Head("parity", 2, "softmaxparity_label")


@dataclass(frozen=True)
class Network:
    """A Symbol whose inputs are `data`, (B, 1, 28, 28) float32 in [0, 1], and one (B,) float32 label per head.

    Its outputs are, head by head, probabilities (B, classes).

    Attributes:
        symbol: as the tutorials write it, and as it is saved and shown.
        heads: one for each output.
        cpu_symbol: the same function of the same arguments, arranged as oneDNN computes it fastest.
    """

    symbol: Any
    heads: tuple[Head, ...]
    cpu_symbol: Any

    def parameter_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the weights and biases by name, in the Symbol's order."""
        inputs = {"data", *(head.label_name for head in self.heads)}
        names = self.symbol.list_arguments()
        shapes, _, _ = self.symbol.infer_shape(data=(1, 1, IMAGE_SIDE, IMAGE_SIDE))
        return {name: shape for name, shape in zip(names, shapes, strict=True) if name not in inputs}


def build_network(config: ModelConfig) -> Network:
    """Builds the network that a config describes."""
    return Network(_softmaxes(config, _trunk(config)), heads_of(config.kind), _softmaxes(config, _trunk_on_cpu(config)))


def heads_of(kind: str) -> tuple[Head, ...]:
    """The heads of a kind of model, without building it."""
    return (MULTITASK_DIGIT, MULTITASK_PARITY) if kind == "multitask" else (DIGIT,)


def _trunk(config: ModelConfig) -> Any:
    """All but the last layer, as the tutorials write it: (B, features)."""
    data = mx.sym.Variable("data")  # (B, 1, 28, 28)
    if not isinstance(config, LenetConfig):
        return _dense(mx.sym.Flatten(data, name="flatten"), config.hidden, config.activation)
    layer = data
    for number, filters in enumerate(config.filters, start=1):
        layer = mx.sym.Convolution(layer, name=f"conv{number}", kernel=_KERNEL, num_filter=filters)
        layer = _activated(layer, config.activation, number)
        layer = _pooled(layer, number)
    return _lenet_dense(mx.sym.Flatten(layer, name="flatten"), config)  # (B, filters[1] * 4 * 4)


def _trunk_on_cpu(config: ModelConfig) -> Any:
    """The same, without what costs time and changes nothing.

    Flatten copies the batch, and FullyConnected flattens by itself. An activation never decreases, so the largest of
    four may be taken before it instead of after, which leaves it a quarter of the work. (Of two numbers that it rounds
    to the same one, the larger gets the gradient, and no longer the first.) Convolutions are padded.
    """
    data = mx.sym.Variable("data")  # (B, 1, 28, 28)
    if not isinstance(config, LenetConfig):
        return _dense(data, config.hidden, config.activation)
    layer, channels, planes = data, 1, 1
    for number, filters in enumerate(config.filters, start=1):
        layer = _padded_convolution(layer, number, (filters, channels), planes)  # (B, planes, ...)
        layer = _activated(_pooled(layer, number), config.activation, number)
        channels, planes = filters, _padded(filters)
    return _lenet_dense(
        layer if planes == channels else mx.sym.slice_axis(layer, axis=1, begin=0, end=channels), config
    )


def _padded_convolution(layer: Any, number: int, shape: tuple[int, int], planes: int) -> Any:
    """A convolution with zeros up to whole registers of channels, the only shape that oneDNN's fast kernels take.

    Args:
        layer: (B, planes, H, W), of which only the first channels count.
        number: 1 or 2.
        shape: filters and channels of the weight.
        planes: channels of the layer.
    """
    (filters, channels), more = shape, _padded(shape[0]) - shape[0]
    weight = mx.sym.Variable(f"conv{number}_weight", shape=(filters, channels, *_KERNEL))
    bias = mx.sym.Variable(f"conv{number}_bias", shape=(filters,))
    if planes > channels:
        weight = mx.sym.concat(weight, mx.sym.zeros((filters, planes - channels, *_KERNEL)), dim=1)
    if more:
        weight = mx.sym.concat(weight, mx.sym.zeros((more, planes, *_KERNEL)), dim=0)
        bias = mx.sym.concat(bias, mx.sym.zeros((more,)), dim=0)
    if (planes, more) == (channels, 0):
        # A convolution that predicts wants to reorder its weight, and refuses one that is a part of another array.
        weight = mx.sym.identity(weight)
    return mx.sym.Convolution(layer, weight, bias, name=f"conv{number}", kernel=_KERNEL, num_filter=filters + more)


def _padded(channels: int) -> int:
    return -(-channels // _REGISTER) * _REGISTER


def _pooled(layer: Any, number: int) -> Any:
    return mx.sym.Pooling(layer, name=f"pool{number}", pool_type="max", kernel=(2, 2), stride=(2, 2))


def _activated(layer: Any, activation: str, number: int) -> Any:
    return mx.sym.Activation(layer, name=f"{activation}{number}", act_type=activation)


def _dense(layer: Any, widths: tuple[int, ...], activation: str) -> Any:
    for number, width in enumerate(widths, start=1):
        layer = mx.sym.FullyConnected(layer, name=f"fc{number}", num_hidden=width)  # (B, width)
        layer = _activated(layer, activation, number)
    return layer


def _lenet_dense(layer: Any, config: LenetConfig) -> Any:
    layer = mx.sym.FullyConnected(layer, name="fc1", num_hidden=config.hidden)
    return _activated(layer, config.activation, 3)


def _softmaxes(config: ModelConfig, trunk: Any) -> Any:
    """The last layer: a softmax for each head."""
    last = 2 if isinstance(config, LenetConfig) else len(config.hidden) + 1
    if not isinstance(config, MultitaskConfig):
        logits = mx.sym.FullyConnected(trunk, name=f"fc{last}", num_hidden=CLASSES)
        return mx.sym.SoftmaxOutput(logits, name="softmax")
    digit = mx.sym.FullyConnected(trunk, name=f"fc{last}digit", num_hidden=CLASSES)
    parity = mx.sym.FullyConnected(trunk, name=f"fc{last}parity", num_hidden=2)
    return mx.sym.Group(
        [mx.sym.SoftmaxOutput(digit, name="softmaxdigit"), mx.sym.SoftmaxOutput(parity, name="softmaxparity")]
    )
