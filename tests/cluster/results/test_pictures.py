"""Pictures, checked by their pixels: right is blue, wrong is red, and empty cells stay pale."""

import io

import numpy as np
import pytest
from PIL import Image

from cluster.results import pictures
from cluster.results.pictures import Picture, confusion_picture, labelled_digits, predicted_digits
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import ConfusionMatrix

GOOD: ConfusionMatrix = tuple(tuple(970 if label == guess else 3 for guess in range(10)) for label in range(10))
NOTHING: ConfusionMatrix = ((0,) * 10,) * 10


def test_picture_has_the_size_that_it_states() -> None:
    picture = confusion_picture(GOOD, "digit")

    assert decoded(picture).size == (picture.width, picture.height)


def test_right_cell_is_blue_and_wrong_one_red_by_its_share_of_the_row() -> None:
    image = decoded(confusion_picture(((9, 1), (5, 5)), "parity"))

    assert bluer(cell(image, 0, 0), cell(image, 1, 1))
    assert redder(cell(image, 1, 0), cell(image, 0, 1))


def test_one_mistake_in_a_hundred_is_visible() -> None:
    image = decoded(confusion_picture(((99, 1), (0, 100)), "parity"))

    red, green, blue = cell(image, 0, 1)
    assert red - max(green, blue) >= 30
    assert max(cell(image, 1, 0)) - min(cell(image, 1, 0)) < 5


@pytest.mark.parametrize("confusion", [NOTHING, ((1000,) + (0,) * 9,) * 10, ((10**9,) * 10,) * 10])
def test_extreme_matrix_is_drawn(confusion: ConfusionMatrix) -> None:
    assert confusion_picture(confusion, "digit").png


def test_same_matrix_gives_the_same_picture() -> None:
    assert confusion_picture(GOOD, "digit") == confusion_picture(GOOD, "digit")


def test_confusion_picture_is_small_and_draws_no_text_twice() -> None:
    first = confusion_picture(GOOD, "digit")
    drawn = pictures._stamp.cache_info().misses
    assert 0 < drawn < 100

    confusion_picture(GOOD, "digit")

    assert pictures._stamp.cache_info().misses == drawn
    assert len(first.png) < 12_000


def test_digits_are_drawn_dark_on_light(small_dataset: Dataset) -> None:
    train = small_dataset.train

    image = decoded(labelled_digits(train.images[:10], train.labels[:10]))

    first = digit_area(image, 0)
    assert np.array_equal(first[1 :: pictures.ZOOM, 1 :: pictures.ZOOM, 0], 255 - train.images[0])


def test_only_wrong_predictions_are_framed_in_red(small_dataset: Dataset) -> None:
    test = small_dataset.test
    guesses = test.labels[:7].copy()
    guesses[4] = (guesses[4] + 1) % 10

    image = decoded(predicted_digits(test.images[:7], test.labels[:7], guesses, np.full(7, 0.5)))

    frames = [frame(image, index) for index in range(7)]
    assert [colour == pictures.WRONG for colour in frames] == [index == 4 for index in range(7)]


def test_picture_of_no_digits_is_valid() -> None:
    nothing = np.zeros((0, 28, 28), np.uint8)

    assert decoded(labelled_digits(nothing, np.zeros(0, np.uint8))).width > 0


def test_image_without_a_label_is_rejected(small_dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="shorter"):
        labelled_digits(small_dataset.test.images[:3], small_dataset.test.labels[:2])


def decoded(picture: Picture) -> Image.Image:
    """The picture as a viewer shows it."""
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def cell(image: Image.Image, label: int, guess: int) -> tuple[int, int, int]:
    """The background colour of a cell, near its corner, where no count is written."""
    x = pictures.MARGIN_LEFT + guess * pictures.CELL_WIDTH + 2
    return colour_at(image, x, pictures.MARGIN_TOP + label * pictures.CELL_HEIGHT + 2)


def frame(image: Image.Image, index: int) -> tuple[int, int, int]:
    """The colour of a digit's frame, at its corner."""
    return colour_at(image, *corner(index))


def digit_area(image: Image.Image, index: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """The pixels of a digit: (84, 84, 3) uint8."""
    left, top = (edge + pictures.FRAME for edge in corner(index))
    side = 28 * pictures.ZOOM
    return np.asarray(image)[top : top + side, left : left + side]


def corner(index: int) -> tuple[int, int]:
    """Left and top of a digit's frame in a grid with two lines of captions."""
    row, column = divmod(index, pictures.GRID_COLUMNS)
    side = 28 * pictures.ZOOM + 2 * pictures.FRAME
    gap = pictures.GRID_GAP
    return gap + column * (side + gap), gap + row * (side + 2 * pictures.LINE_HEIGHT + gap)


def colour_at(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = np.asarray(image)[y, x]
    return int(red), int(green), int(blue)


def bluer(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[2] - one[0] > other[2] - other[0] > 0


def redder(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[0] - one[2] > other[0] - other[2] > 0
