"""What a trained network makes of images just before its last dense layer."""

from typing import Any

from mnist_core.config import ModelConfig
from mnist_core.context import bind, mx
from mnist_core.data.dataset import FloatArray, UInt8Array, scale_pixels
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector


def last_hidden_layer(model: ModelConfig, weights: Vector, images: UInt8Array, context: Any) -> FloatArray:
    """Returns the outputs of the last hidden layer, the features from which the heads read the digit.

    Args:
        model: the network.
        weights: (P,) float32, flat.
        images: (n, 28, 28) uint8, 0 is background.
        context: where to compute.

    Returns:
        (n, width) float32.
    """
    network = build_network(model)
    layout = Layout.of(network.parameter_shapes())
    internals = network.symbol.get_internals()
    # Only hidden layers have activations, and their names begin with the activation's.
    names = [name for name in internals.list_outputs() if name.startswith(model.activation)]
    hidden = internals[names[-1]]
    known = {name: mx.nd.array(array, ctx=context) for name, array in layout.unpack(weights).items()}
    arguments = {name: known[name] for name in hidden.list_arguments() if name != "data"}
    arguments["data"] = mx.nd.array(scale_pixels(images[:, None]), ctx=context)  # (n, 1, 28, 28)
    (output,) = bind(hidden, context, arguments, None).forward(is_train=False)
    features: FloatArray = output.asnumpy()
    return features
