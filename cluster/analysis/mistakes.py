"""The test images that a network gets most wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cluster.results.predictions import TestPredictions
from mnist_core.heads import DIGIT

SHOWN_MISTAKES = 40


@dataclass(frozen=True)
class Mistake:
    """One test image whose digit a network reads wrong.

    Attributes:
        image: its index in the test set.
        label: the digit that it shows.
        predicted: the digit that the network reads.
        probabilities: of the digits 0..9.
    """

    image: int
    label: int
    predicted: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of one network on the test images.

    Attributes:
        total: how many of the images it reads wrong.
        images: how many there are.
        worst: the worst ones, those with the least probability of the true digit, worst first.
    """

    total: int
    images: int
    worst: Sequence[Mistake]


def mistakes(predictions: TestPredictions, shown: int = SHOWN_MISTAKES) -> Mistakes:
    """Returns how many digits a network reads wrong, and the worst of those."""
    probabilities = predictions.probabilities[DIGIT.name]  # (n, 10)
    predicted = probabilities.argmax(axis=1)
    rows = np.arange(len(predictions.labels))
    of_truth = probabilities[rows, predictions.labels]  # (n,)
    wrong = rows[predicted != predictions.labels]
    worst = wrong[np.argsort(of_truth[wrong], kind="stable")][:shown]
    return Mistakes(
        len(wrong),
        len(rows),
        [
            Mistake(
                int(row),
                int(predictions.labels[row]),
                int(predicted[row]),
                tuple(float(share) for share in probabilities[row]),
            )
            for row in worst
        ],
    )
