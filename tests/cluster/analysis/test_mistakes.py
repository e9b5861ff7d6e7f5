"""The worst mistakes, and how sure a share is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.analysis.intervals import share_interval
from cluster.analysis.mistakes import mistakes
from cluster.results.predictions import TestPredictions


def test_worst_mistakes_are_those_with_the_least_probability_of_the_truth() -> None:
    probabilities = np.full((4, 10), 0.01, np.float32)
    probabilities[0, 3] = 0.91  # right
    probabilities[1, [3, 5]] = 0.40, 0.52
    probabilities[2, [3, 7]] = 0.05, 0.87
    probabilities[3, [3, 9]] = 0.20, 0.72
    predictions = TestPredictions(4, "mlp", np.full(4, 3, np.uint8), {"digit": probabilities})

    found = mistakes(predictions, shown=2)

    assert (found.total, found.images) == (3, 4)
    assert [(each.image, each.label, each.predicted) for each in found.worst] == [(2, 3, 7), (3, 3, 9)]
    assert found.worst[0].probabilities[7] == pytest.approx(0.87)


def test_network_without_a_mistake_has_none() -> None:
    probabilities = np.eye(10, dtype=np.float32)

    assert mistakes(TestPredictions(0, "mlp", np.arange(10, dtype=np.uint8), {"digit": probabilities})).worst == []


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_interval_lies_within_0_and_1_and_holds_what_was_measured(images: int, share: float) -> None:
    low, high = share_interval(share, images)

    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_more_images_narrow_the_interval() -> None:
    widths = [high - low for low, high in (share_interval(0.98, images) for images in (100, 1_000, 10_000))]

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(2 * 0.0027, abs=0.0002)
