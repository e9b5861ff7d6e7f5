"""What the programs of `bench train` share: networks, images, recipe, and how they answer requests."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import FloatArray, LabelledImages, scale_pixels

NETWORKS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
}
# Training on this many images takes about 0.2 s.
IMAGES = {"mlp": 20_000, "multitask": 20_000, "lenet": 600}
BATCH_SIZE, LEARNING_RATE, MOMENTUM = 100, 0.05, 0.9


@dataclass(frozen=True)
class TrainingTask:
    """What every program trains repeatedly: one epoch over these images, with SGD and momentum.

    Attributes:
        network: one of NETWORKS.
        images: the images of an epoch.
    """

    network: str
    images: LabelledImages

    def as_floats(self) -> FloatArray:
        """Returns the images as (N, 1, 28, 28) float32 in [0, 1], as the tutorials prepare them."""
        return scale_pixels(self.images.images[:, None])


def load_task(network: str) -> TrainingTask:
    """Reads the first IMAGES images of MNIST's training set from the cache."""
    train = open_dataset(cache_dir=default_cache_dir()).train
    count = IMAGES[network]
    return TrainingTask(network, LabelledImages(train.images[:count], train.labels[:count]))


def answer_requests(speeds: Iterator[float]) -> None:
    """Answers each input line with a line: the next speed, in images per second."""
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(next(speeds)) + "\n")
        sys.stdout.flush()
