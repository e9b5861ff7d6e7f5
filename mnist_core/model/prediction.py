"""Classifies images with a trained network, and scores it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnist_core.config import ModelConfig
from mnist_core.data.dataset import IndexArray, LabelledImages, UInt8Array
from mnist_core.heads import DIGIT, MULTITASK_PARITY
from mnist_core.model.executor import BatchExecutor, predict_all, shared_array
from mnist_core.model.metrics import Probabilities, Scores, score
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector

BATCH = 100


@dataclass(frozen=True)
class Prediction:
    """A network's prediction for one image.

    Attributes:
        digit: the most probable digit, 0..9.
        probability: the probability of that digit.
        probabilities: the probabilities of the digits 0..9; they sum to 1.
        parity: "even" or "odd"; None if the network has no parity head.
        parity_probability: the probability of that parity; None likewise.
    """

    digit: int
    probability: float
    probabilities: tuple[float, ...]
    parity: str | None = None
    parity_probability: float | None = None


class Predictor:
    """A trained network on one context.

    Example:
        >>> predictor = Predictor(model, weights, open_context("cpu"))
        >>> [prediction.digit for prediction in predictor.predict(images)]
        [7, 2, 1]
    """

    def __init__(self, model: ModelConfig, weights: Vector, context: Any) -> None:
        """Binds the network to a copy of its weights, (P,) float32, flat."""
        self._network = build_network(model)
        layout = Layout.of(self._network.parameter_shapes())
        bound, _ = shared_array((layout.size,), context)
        bound[:] = weights
        self._executor = BatchExecutor(self._network, layout, BATCH, bound)

    def predict(self, images: UInt8Array) -> list[Prediction]:
        """Classifies images, (N, 28, 28) uint8, light on a background of 0 as in MNIST."""
        by_head = self.predict_probabilities(images)
        digits, parities = by_head[DIGIT.name], by_head.get(MULTITASK_PARITY.name)
        return [_prediction(digits[row], None if parities is None else parities[row]) for row in range(len(images))]

    def predict_probabilities(self, images: UInt8Array) -> dict[str, Probabilities]:
        """Returns head name -> the probabilities of its classes, (N, classes) float32, for images (N, 28, 28) uint8."""
        unlabelled = LabelledImages(images, np.zeros(len(images), np.uint8))
        outputs = self._probabilities(unlabelled, np.arange(len(images)))
        return {head.name: output for head, output in zip(self._network.heads, outputs, strict=True)}

    def evaluate(self, images: LabelledImages) -> Scores:
        """Scores the network on labelled images, each exactly once."""
        outputs = self._probabilities(images, np.arange(len(images)))
        return score(self._network.heads, outputs, images.labels)

    def _probabilities(self, images: LabelledImages, indices: IndexArray) -> list[Probabilities]:
        return predict_all(self._executor, images, indices, [head.classes for head in self._network.heads])


def _prediction(digits: Probabilities, parity: Probabilities | None) -> Prediction:
    """digits: (10,), parity: (2,) probabilities of one image."""
    digit = int(digits.argmax())
    seen = Prediction(digit, float(digits[digit]), tuple(float(p) for p in digits))
    if parity is None:
        return seen
    side = int(parity.argmax())
    return replace(seen, parity=MULTITASK_PARITY.class_names[side], parity_probability=float(parity[side]))
