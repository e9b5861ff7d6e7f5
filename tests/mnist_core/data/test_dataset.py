"""Images as arrays: how they are scaled and split, and in which order an epoch visits them."""

import numpy as np
import pytest

from mnist_core.data.dataset import Dataset, LabelledImages, epoch_order, find_unusual_pixels, scale_pixels, split
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


def test_holdout_that_does_not_fit_a_small_folder_is_rejected_with_one_that_fits(small_dataset: Dataset) -> None:
    few = Dataset(
        LabelledImages(small_dataset.train.images[:20], small_dataset.train.labels[:20]), small_dataset.test, ""
    )
    with pytest.raises(DataError, match=r"between 1 and 19, .*`--set data.holdout=3`"):
        split(few, 10_000, seed=0)
    assert len(split(few, 3, seed=0).validation) == 3


def test_holdout_may_be_one_image_or_all_but_one(small_dataset: Dataset) -> None:
    few = LabelledImages(small_dataset.train.images[:3], small_dataset.train.labels[:3])
    for holdout in (1, 2):
        halves = split(Dataset(few, few, ""), holdout, seed=0)
        assert (len(halves.train), len(halves.validation)) == (3 - holdout, holdout)
    with pytest.raises(DataError, match=r"between 1 and 2, .*`--set data.holdout=1`"):
        split(Dataset(few, few, ""), 3, seed=0)


def test_holdout_from_a_single_image_is_rejected_with_what_works(small_dataset: Dataset) -> None:
    one = Dataset(
        LabelledImages(small_dataset.train.images[:1], small_dataset.train.labels[:1]), small_dataset.test, ""
    )
    with pytest.raises(DataError, match=r"only 1 training image: .*`--set data.holdout=test`"):
        split(one, 1, seed=0)
    assert len(split(one, "test", seed=0).train) == 1


@pytest.mark.parametrize(
    ("largest", "says"),
    [
        (0, "check how they were written"),
        (1, "multiply them by 255"),
        (16, "by 15"),
        (127, "by 2"),
        (128, None),
        (255, None),
    ],
)
@pytest.mark.parametrize("part", ["training", "test"])
def test_images_whose_pixels_are_dim_are_warned_of(part: str, largest: int, says: str | None) -> None:
    stroke = np.zeros((2, 28, 28), np.uint8)
    stroke[:, 8:20, 14] = 1
    bright, dim = (LabelledImages(stroke * np.uint8(value), np.zeros(2, np.uint8)) for value in (255, largest))
    warning = find_unusual_pixels(Dataset(dim, bright, "") if part == "training" else Dataset(bright, dim, ""))
    if says is None:
        assert warning is None
    else:
        assert warning is not None
        assert warning.startswith(f"the largest pixel of the {part} images is {largest}, but MNIST's is 255: ")
        assert says in warning


@pytest.mark.parametrize("part", ["training", "test"])
def test_dark_digits_on_light_are_warned_of(part: str, small_dataset: Dataset) -> None:
    usual = small_dataset.test
    inverted = LabelledImages(np.uint8(255) - usual.images, usual.labels)
    dataset = Dataset(inverted, usual, "") if part == "training" else Dataset(usual, inverted, "")
    warning = find_unusual_pixels(dataset)
    assert warning is not None
    assert warning.startswith(f"the background of the {part} images is 255, but MNIST's is 0: ")
    assert warning.endswith("write yours as `255 - images`")


def test_bundled_images_are_not_warned_of(bundled_dataset: Dataset) -> None:
    assert find_unusual_pixels(bundled_dataset) is None


def test_trials_of_different_seeds_visit_the_images_in_different_orders() -> None:
    indices = np.arange(50)
    orders = {tuple(epoch_order(indices, seed, epoch).tolist()) for seed in range(5) for epoch in range(3)}
    assert len(orders) == 15


def test_order_of_an_epoch_and_hold_out_are_those_of_earlier_versions(small_dataset: Dataset) -> None:
    few = LabelledImages(small_dataset.train.images[:12], small_dataset.train.labels[:12])
    assert epoch_order(np.arange(10), seed=7, epoch=2).tolist() == [4, 1, 7, 2, 5, 3, 6, 8, 9, 0]
    assert split(Dataset(few, few, ""), 4, seed=7).validation.indices.tolist() == [2, 3, 5, 11]


def test_epoch_visits_each_image_once_in_another_order() -> None:
    indices = np.arange(10, 60)
    first, second = epoch_order(indices, 0, 0), epoch_order(indices, 0, 1)

    assert sorted(first.tolist()) == sorted(second.tolist()) == indices.tolist()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, epoch_order(indices, 0, 0))
