"""The three networks as MXNet Symbols, with the tutorials' layer names. Holds no weights and trains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import mx
from mnist_core.dataset import CLASSES, IMAGE_SIDE


@dataclass(frozen=True)
class Head:
    """One softmax output. A label of this head is the digit modulo `classes`: the digit itself, or its parity."""

    name: str
    classes: int
    label_name: str


DIGIT = Head("digit", CLASSES, "softmax_label")
MULTITASK_DIGIT = Head("digit", CLASSES, "softmaxdigit_label")
MULTITASK_PARITY = Head("parity", 2, "softmaxparity_label")


@dataclass(frozen=True)
class Network:
    """A Symbol whose inputs are `data`, (B, 1, 28, 28) float32 in [0, 1], and one (B,) float32 label per head.

    Its outputs are, head by head, probabilities (B, classes).
    """

    symbol: Any
    heads: tuple[Head, ...]

    def parameter_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the weights and biases by name, in the Symbol's order."""
        inputs = {"data", *(head.label_name for head in self.heads)}
        names = self.symbol.list_arguments()
        shapes, _, _ = self.symbol.infer_shape(data=(1, 1, IMAGE_SIDE, IMAGE_SIDE))
        return {name: shape for name, shape in zip(names, shapes, strict=True) if name not in inputs}


def build_network(config: ModelConfig) -> Network:
    """Builds the network that a config describes."""
    match config:
        case MlpConfig():
            trunk = _dense_trunk(config.hidden, config.activation)
            logits = mx.sym.FullyConnected(trunk, name=f"fc{len(config.hidden) + 1}", num_hidden=CLASSES)
            return Network(mx.sym.SoftmaxOutput(logits, name="softmax"), (DIGIT,))
        case LenetConfig():
            return Network(_lenet(config), (DIGIT,))
        case MultitaskConfig():
            trunk = _dense_trunk(config.hidden, config.activation)
            return Network(_two_heads(trunk, f"fc{len(config.hidden) + 1}"), (MULTITASK_DIGIT, MULTITASK_PARITY))


def heads_of(kind: str) -> tuple[Head, ...]:
    """The heads of a kind of model, without building it."""
    return (MULTITASK_DIGIT, MULTITASK_PARITY) if kind == "multitask" else (DIGIT,)


def _dense_trunk(widths: tuple[int, ...], activation: str) -> Any:
    layer = mx.sym.Flatten(mx.sym.Variable("data"), name="flatten")  # (B, 784)
    for number, width in enumerate(widths, start=1):
        layer = mx.sym.FullyConnected(layer, name=f"fc{number}", num_hidden=width)  # (B, width)
        layer = mx.sym.Activation(layer, name=f"{activation}{number}", act_type=activation)
    return layer


def _two_heads(trunk: Any, prefix: str) -> Any:
    digit = mx.sym.FullyConnected(trunk, name=f"{prefix}digit", num_hidden=CLASSES)
    parity = mx.sym.FullyConnected(trunk, name=f"{prefix}parity", num_hidden=2)
    return mx.sym.Group(
        [mx.sym.SoftmaxOutput(digit, name="softmaxdigit"), mx.sym.SoftmaxOutput(parity, name="softmaxparity")]
    )


def _lenet(config: LenetConfig) -> Any:
    layer = mx.sym.Variable("data")  # (B, 1, 28, 28)
    for number, filters in enumerate(config.filters, start=1):
        layer = mx.sym.Convolution(layer, name=f"conv{number}", kernel=(5, 5), num_filter=filters)
        layer = mx.sym.Activation(layer, name=f"{config.activation}{number}", act_type=config.activation)
        layer = mx.sym.Pooling(layer, name=f"pool{number}", pool_type="max", kernel=(2, 2), stride=(2, 2))
    layer = mx.sym.Flatten(layer, name="flatten")  # (B, filters[1] * 4 * 4)
    layer = mx.sym.FullyConnected(layer, name="fc1", num_hidden=config.hidden)
    layer = mx.sym.Activation(layer, name=f"{config.activation}3", act_type=config.activation)
    logits = mx.sym.FullyConnected(layer, name="fc2", num_hidden=CLASSES)
    return mx.sym.SoftmaxOutput(logits, name="softmax")
