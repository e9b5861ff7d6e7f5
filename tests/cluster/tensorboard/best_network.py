"""A small network as the best of its kind: untrained, on twenty blank images."""

import numpy as np

from cluster.tensorboard.best_page import TestedImages, TrainedNetwork
from mnist_core.config import MultitaskConfig
from mnist_core.data.dataset import LabelledImages
from mnist_core.model.layers import describe_layers
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, initial_weights

MODEL = MultitaskConfig(hidden=(16, 8))
IMAGES = 20


def _network() -> TrainedNetwork:
    network = build_network(MODEL)
    layout = Layout.of(network.parameter_shapes())
    weights = [layout.unpack(initial_weights(layout, "uniform", seed)) for seed in (0, 1)]
    return TrainedNetwork(network.symbol.tojson(), describe_layers(MODEL), *weights)


def _predictions() -> TestedImages:
    """Every image is a 3: the first five are read as a 5, ever more surely, the others rightly."""
    digits = np.zeros((IMAGES, 10), np.float32)
    digits[:5, 5] = np.linspace(0.6, 1.0, 5)
    digits[:5, 3] = 1 - digits[:5, 5]
    digits[5:, 3] = 1.0
    images = LabelledImages(np.zeros((IMAGES, 28, 28), np.uint8), np.full(IMAGES, 3, np.uint8))
    features = np.arange(IMAGES * 8, dtype=np.float32).reshape(IMAGES, 8)
    return TestedImages(images, digits, features)


NETWORK, PREDICTIONS = _network(), _predictions()
