"""Images as arrays: how they are scaled and split, and in which order an epoch visits them."""

import numpy as np
import pytest

from mnist_core.data.dataset import Dataset, epoch_order, scale_pixels, split
from mnist_core.errors import DataError


def test_pixels_are_scaled_to_the_unit_range_as_float32_division_does() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    out = np.full((16, 16), np.nan, np.float32)
    expected = pixels.astype(np.float32) / np.float32(255)

    np.testing.assert_array_equal(scale_pixels(pixels), expected)
    assert scale_pixels(pixels, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert (out.min(), out.max()) == (0, 1)


def test_holdout_splits_the_training_images_and_repeats_with_its_seed(small_dataset: Dataset) -> None:
    first, again, other = (split(small_dataset, 56, seed) for seed in (0, 0, 1))
    indices = np.concatenate([first.train.indices, first.validation.indices])

    assert sorted(indices.tolist()) == list(range(len(small_dataset.train)))
    assert len(first.validation) == 56
    np.testing.assert_array_equal(first.validation.indices, again.validation.indices)
    assert not np.array_equal(first.validation.indices, other.validation.indices)


@pytest.mark.parametrize("holdout", [0, 256])
def test_holdout_that_leaves_no_images_is_rejected(holdout: int, small_dataset: Dataset) -> None:
    with pytest.raises(DataError, match=f"data.holdout is {holdout}, but there are 256 training images"):
        split(small_dataset, holdout, seed=0)


def test_epoch_visits_each_image_once_in_another_order() -> None:
    indices = np.arange(10, 60)
    first, second = epoch_order(indices, 0, 0), epoch_order(indices, 0, 1)

    assert sorted(first.tolist()) == sorted(second.tolist()) == indices.tolist()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, epoch_order(indices, 0, 0))
