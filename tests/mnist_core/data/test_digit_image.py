"""Any picture of a digit becomes an image like MNIST's, compared with MNIST itself."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mnist_core.data.dataset import Dataset, UInt8Array
from mnist_core.data.digit_image import DIGIT_SIDE, find_digit

PEN = 255


def prepared(grey: npt.NDArray[np.uint8]) -> UInt8Array:
    digit = find_digit(grey)
    assert digit is not None
    return digit.image


def drawn(shape: tuple[int, int], stroke: tuple[slice, slice], paper: int = 0, pen: int = PEN) -> UInt8Array:
    """A picture with one vertical or horizontal stroke."""
    picture = np.full(shape, paper, np.uint8)
    picture[stroke] = pen
    return picture


def enlarged(image: UInt8Array, times: int) -> UInt8Array:
    side = image.shape[0] * times
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def ink_size(digit: UInt8Array) -> tuple[int, int]:
    rows, columns = np.nonzero(digit)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def difference(image: UInt8Array, expected: UInt8Array) -> float:
    """Returns the mean over the pixels, 0 to 255, after moving the image by at most one, as rounding its centre may."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(float(np.abs(np.roll(image, move, (0, 1)).astype(float) - expected).mean()) for move in moves)


def test_light_image_of_mnists_size_is_returned_unchanged(small_dataset: Dataset) -> None:
    for image in small_dataset.test.images:
        assert np.array_equal(prepared(image), image)


def test_inverted_mnist_image_becomes_the_image_again(small_dataset: Dataset) -> None:
    for image in small_dataset.test.images:
        assert difference(prepared(np.invert(image)), image) < 5


def test_enlarged_and_moved_mnist_image_is_closest_to_itself(small_dataset: Dataset) -> None:
    images = small_dataset.test.images[:40]
    for number, image in enumerate(images):
        page = np.full((400, 500), 240, np.uint8)
        page[90:370, 20:300] -= (enlarged(image, 10) * 0.8).astype(np.uint8)
        digit = prepared(page)
        assert np.argmin([difference(digit, other) for other in images]) == number


def test_stroke_is_scaled_to_20_pixels_with_its_aspect_ratio() -> None:
    digit = prepared(drawn((300, 200), (slice(20, 220), slice(30, 80))))

    assert ink_size(digit) == (DIGIT_SIDE, 5)
    assert digit.max() == 255


def test_stroke_smaller_than_20_pixels_is_enlarged() -> None:
    assert ink_size(prepared(drawn((12, 30), (slice(4, 7), slice(5, 15))))) == (6, DIGIT_SIDE)


def test_very_thin_stroke_is_kept() -> None:
    digit = prepared(drawn((2000, 500), (slice(100, 1900), slice(250, 252))))

    assert ink_size(digit) == (DIGIT_SIDE, 1)
    assert digit.max() == 255


def test_grey_pen_on_grey_paper_is_as_light_as_mnists_ink() -> None:
    digit = prepared(drawn((100, 100), (slice(20, 80), slice(40, 60)), paper=110, pen=60))

    assert digit.max() == 255
    assert digit[0, 0] == 0


def test_paper_with_noise_and_a_shadow_is_background() -> None:
    rng = np.random.default_rng(0)
    shadow = 200 - np.linspace(0, 40, 300)[None, :] + rng.normal(0, 4, (400, 300))
    shadow[100:300, 130:170] = 60

    digit = prepared(shadow.astype(np.uint8))

    assert ink_size(digit) == (DIGIT_SIDE, 4)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_picture_of_one_colour_is_blank(level: int) -> None:
    assert find_digit(np.full((50, 60), level, np.uint8)) is None
    assert find_digit(np.full((28, 28), level, np.uint8)) is None


def test_picture_with_faint_noise_is_blank() -> None:
    noise = np.random.default_rng(0).normal(230, 3, (100, 100)).astype(np.uint8)

    assert find_digit(noise) is None


@given(
    arrays.arrays(
        np.uint8,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=60),
        elements=st.sampled_from([0, 10, 100, 200, 255]),
    )
)
def test_any_picture_is_blank_or_becomes_an_image_like_mnists(picture: npt.NDArray[np.uint8]) -> None:
    found = find_digit(picture)

    if found is not None:
        digit = found.image
        assert digit.shape == (28, 28)
        assert digit.dtype == np.uint8
        assert digit.any()


@given(top=st.integers(0, 80), left=st.integers(0, 80), invert=st.booleans())
def test_position_and_colour_of_the_paper_do_not_matter(top: int, left: int, invert: bool) -> None:
    shape = np.zeros((40, 30), np.uint8)
    shape[:10, :] = shape[:, 20:] = PEN  # a seven
    page: UInt8Array = np.zeros((140, 130), np.uint8)
    page[top + 5 : top + 45, left + 5 : left + 35] = shape
    straight = np.pad(shape, 5)

    assert np.array_equal(prepared(np.invert(page) if invert else page), prepared(straight))


@given(st.integers(0, 2**32 - 1))
def test_centre_of_mass_is_in_the_middle_if_the_edges_allow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.pad((rng.random((18, 18)) < 0.3).astype(np.uint8) * 255, 6)
    found = find_digit(picture)
    if found is None:
        return
    digit = found.image
    for axis in (0, 1):
        mass = digit.sum(axis=axis, dtype=float)
        filled = np.flatnonzero(mass)
        if filled[0] > 0 and filled[-1] < 27:
            assert abs(mass @ np.arange(28) / mass.sum() - 14) <= 0.5 + 1e-9
