"""Scores, compared with sums by hand and with plain counting on random predictions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.heads import DIGIT, MULTITASK_DIGIT, MULTITASK_PARITY
from mnist_core.model.metrics import Probabilities, confusion_matrix, cross_entropy, score


def one_hot(classes: int, *predictions: int) -> Probabilities:
    return np.eye(classes, dtype=np.float32)[list(predictions)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=50))
def test_confusion_matrix_counts_images_by_label_and_prediction(pairs: list[tuple[int, int]]) -> None:
    labels, predictions = (np.array(column) for column in zip(*pairs, strict=True))
    counts = confusion_matrix(predictions, labels.astype(np.uint8), 10)
    assert counts.shape == (10, 10)
    for label in range(10):
        for prediction in range(10):
            assert counts[label, prediction] == pairs.count((label, prediction))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=50))
def test_accuracy_is_the_share_of_right_predictions(pairs: list[tuple[int, int]]) -> None:
    labels, predictions = zip(*pairs, strict=True)
    scores = score([DIGIT], [one_hot(10, *predictions)], np.array(labels, np.uint8))
    assert scores.accuracy == sum(label == prediction for label, prediction in pairs) / len(pairs)
    assert scores.head_accuracy == {"digit": scores.accuracy}
    assert scores.as_metrics("val") == {
        "val/loss": scores.loss,
        "val/accuracy": scores.accuracy,
        "val/digit_accuracy": scores.accuracy,
    }


def test_two_heads_average_their_accuracies_and_add_their_losses() -> None:
    labels = np.array([3, 8], np.uint8)  # parities 1 and 0
    digits, parities = one_hot(10, 3, 1), np.array([[0.5, 0.5], [0.75, 0.25]], np.float32)
    scores = score([MULTITASK_DIGIT, MULTITASK_PARITY], [digits, parities], labels)
    assert scores.head_accuracy == {"digit": 0.5, "parity": 0.5}
    assert scores.accuracy == 0.5
    assert scores.loss == pytest.approx(cross_entropy(digits, labels) + (math.log(2) - math.log(0.75)) / 2)
    assert scores.confusion["parity"] == ((1, 0), (1, 0))
    assert set(scores.as_metrics("test")) == {
        "test/loss",
        "test/accuracy",
        "test/digit_accuracy",
        "test/parity_accuracy",
    }


def test_cross_entropy_of_uniform_predictions_is_the_logarithm_of_the_classes() -> None:
    assert cross_entropy(np.full((4, 10), 0.1, np.float32), np.arange(4, dtype=np.uint8)) == pytest.approx(math.log(10))


def test_cross_entropy_of_a_certain_but_wrong_prediction_is_large_but_finite() -> None:
    loss = cross_entropy(one_hot(10, 3), np.array([4], np.uint8))
    assert 80 < loss < 100


def test_cross_entropy_of_a_diverged_network_is_not_finite() -> None:
    assert math.isnan(cross_entropy(np.full((2, 10), np.nan, np.float32), np.array([0, 1], np.uint8)))
