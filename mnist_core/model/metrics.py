"""Computes metrics from probabilities and labels. Pure numpy; see eval_metrics.py for MXNet's own metric protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_core.data.dataset import UInt8Array
from mnist_core.heads import Head, head_accuracy_tags
from mnist_core.measurement import ConfusionMatrix

Probabilities = npt.NDArray[np.float32]

# The smallest normal float32: a certain but wrong prediction underflows to 0, which would make the loss infinite.
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Scores:
    """How well a network did on some images.

    Attributes:
        loss: cross-entropy in nats per image, summed over the heads; what training minimises.
        accuracy: share of correct predictions in [0, 1] over all heads (2n predictions for n images with two heads).
        head_accuracy: head name -> its accuracy.
        confusion: head name -> its confusion matrix; [label][prediction] counts images.
    """

    loss: float
    accuracy: float
    head_accuracy: dict[str, float]
    confusion: dict[str, ConfusionMatrix]

    def as_metrics(self, prefix: str) -> dict[str, float]:
        """Returns TensorBoard tag -> value, e.g. `val/loss`.

        Every network has `val/digit_accuracy`, by which networks with different heads can be compared.
        """
        tags = head_accuracy_tags(prefix, self.head_accuracy)
        return {
            f"{prefix}/loss": self.loss,
            f"{prefix}/accuracy": self.accuracy,
            **{tag: self.head_accuracy[head] for head, tag in tags.items()},
        }


def score(heads: Sequence[Head], probabilities: Sequence[Probabilities], labels: UInt8Array) -> Scores:
    """Scores predictions.

    Args:
        heads: the network's heads, in the order of its outputs.
        probabilities: (n, classes) float32 per head.
        labels: (n,) uint8 digits.
    """
    targets = [head.targets(labels) for head in heads]  # (n,) per head
    confusion = {
        head.name: confusion_matrix(output.argmax(axis=1), target, head.classes)
        for head, output, target in zip(heads, probabilities, targets, strict=True)
    }
    head_accuracy = {name: float(np.trace(counts)) / len(labels) for name, counts in confusion.items()}
    return Scores(
        loss=sum(map(cross_entropy, probabilities, targets)),
        accuracy=sum(head_accuracy.values()) / len(head_accuracy),
        head_accuracy=head_accuracy,
        confusion={name: tuple(map(tuple, counts.tolist())) for name, counts in confusion.items()},
    )


def cross_entropy(probabilities: Probabilities, labels: UInt8Array) -> float:
    """Returns the mean of -log(probability of the correct class), in nats; not finite if training has diverged."""
    right = probabilities[np.arange(len(labels)), labels]  # (n,)
    return float(-np.log(np.maximum(right, _TINY)).mean(dtype=np.float64))


def confusion_matrix(predictions: npt.NDArray[np.int64], labels: UInt8Array, classes: int) -> npt.NDArray[np.int64]:
    """Counts images by [label][prediction]: (classes, classes) int64."""
    cells = np.bincount(labels.astype(np.int64) * classes + predictions, minlength=classes * classes)
    return cells.reshape(classes, classes)
