"""Digits of MNIST, drawn as people photograph and scan them, become themselves again; empty sheets are blank."""

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.dataset import Dataset, UInt8Array
from mnist_core.data.digit_image import find_digit
from mnist_core.data.picture.decoding import Grey, decode_grey
from tests.pictures.conditions import BLANK, CONDITIONS, SHAPE, Array, Condition, as_image, ink_of

ALL = {name: condition for kind in CONDITIONS.values() for name, condition in kind.items()} | dict(BLANK)
DIGITS = 8
MOST_MISSED = 1


def grey_of(picture: Array) -> Grey:
    return decode_grey(as_image(picture))


def difference(image: UInt8Array, expected: UInt8Array) -> float:
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(float(np.abs(np.roll(image, move, (0, 1)).astype(float) - expected).mean()) for move in moves)


@pytest.mark.parametrize("name", ALL)
def test_digit_is_closest_to_itself_among_others(name: str, small_dataset: Dataset) -> None:
    images = small_dataset.test.images[:DIGITS]
    rng = np.random.default_rng(7)
    missed = 0
    for number, image in enumerate(images):
        found = find_digit(grey_of(ALL[name](ink_of(image, rng), rng)))
        missed += found is None or int(np.argmin([difference(found.image, other) for other in images])) != number
    assert missed <= MOST_MISSED


@pytest.mark.parametrize("name", ALL)
def test_empty_sheet_is_blank(name: str) -> None:
    rng = np.random.default_rng(7)
    read = sum(find_digit(grey_of(ALL[name](np.zeros(SHAPE), rng))) is not None for _ in range(DIGITS))
    assert read <= MOST_MISSED


@pytest.mark.parametrize("condition", [CONDITIONS["clean"]["clean"], CONDITIONS["light and noise"]["ramp 225 to 150"]])
def test_two_digits_are_warned_of(condition: Condition, small_dataset: Dataset) -> None:
    rng = np.random.default_rng(7)
    ink = np.zeros(SHAPE)
    for number, left in ((0, 0), (1, 130)):
        digit = Image.fromarray(small_dataset.test.images[number]).resize((130, 130))
        ink[80:210, left : left + 130] = np.asarray(digit, float) / 255
    found = find_digit(grey_of(condition(ink, rng)))
    assert found is not None
    assert found.warning == "shows 2 shapes that may be digits: only the largest was read"


def test_images_of_mnist_are_returned_to_the_bit(small_dataset: Dataset) -> None:
    for image in (*small_dataset.train.images, *small_dataset.test.images):
        found = find_digit(image)
        assert found is not None
        assert np.array_equal(found.image, image)


@pytest.mark.parametrize(("down", "right"), [(-4, 0), (4, 4), (0, -3)])
def test_small_image_that_is_not_placed_as_mnists_is_moved(down: int, right: int, small_dataset: Dataset) -> None:
    for image in small_dataset.test.images[:DIGITS]:
        moved = np.zeros_like(image)
        rows, columns = np.nonzero(image)
        inside = (rows + down >= 0) & (rows + down < 28) & (columns + right >= 0) & (columns + right < 28)
        if not inside.all():
            continue
        moved[rows + down, columns + right] = image[rows, columns]
        found = find_digit(moved)
        assert found is not None
        assert difference(found.image, image) < 6


@pytest.mark.parametrize("side", [12, 28])
def test_small_image_with_a_digit_of_another_size_is_scaled(side: int, small_dataset: Dataset) -> None:
    for image in small_dataset.test.images[:DIGITS]:
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        cut = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        scale = side / max(cut.size)
        digit = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))))
        page = Image.new("L", (28, 28))
        page.paste(digit, (0, 28 - digit.height))
        found = find_digit(np.asarray(page))
        assert found is not None
        assert difference(found.image, image) < 18
