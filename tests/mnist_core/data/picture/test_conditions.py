"""Digits of MNIST, drawn as people photograph and scan them, become themselves again; empty sheets are blank."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.data.dataset import Dataset, UInt8Array
from mnist_core.data.digit_image import find_digit
from mnist_core.data.picture.decoding import Grey, decode_grey
from mnist_core.data.picture.paper import darkness
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


def drawn(*strokes: list[tuple[float, float]]) -> Grey:
    page = Image.new("L", (260, 300), 240)
    for stroke in strokes:
        ImageDraw.Draw(page).line(stroke, fill=60, width=12, joint="curve")
    return decode_grey(page)


def shaded(page: Grey, softness: float, depth: float, place: tuple[int, int], radii: tuple[int, int]) -> Grey:
    """Lays the shadow of a hand on a page."""
    rows, columns = np.mgrid[: page.shape[0], : page.shape[1]]
    distance = np.hypot((rows - place[0]) / radii[0], (columns - place[1]) / radii[1])
    return np.asarray(page * (1 - depth / (1 + np.exp((distance - 1) / softness))), np.float32)


@pytest.mark.parametrize("depth", [0.3, 0.4])
def test_shadow_that_touches_the_digit_is_not_part_of_it(depth: float) -> None:
    page = drawn([(70.0, 60.0), (160, 60), (80, 200)])
    found, expected = find_digit(shaded(page, 0.06, depth, (220, 20), (55, 75))), find_digit(page)
    assert found is not None
    assert expected is not None
    assert found.warning is None
    assert difference(found.image, expected.image) < 6


@pytest.mark.parametrize("left", [0, 20])
def test_soft_shadow_alone_is_blank(left: int) -> None:
    noise = np.random.default_rng(7).normal(0, 2, (300, 260))
    page = shaded(drawn(), 0.1, 0.3, (60, left), (100, 70)) + noise
    assert find_digit(page.clip(0, 255).astype(np.float32)) is None


def in_shadow(page: Grey, corner: tuple[float, float]) -> Grey:
    """Lays a shadow on a page, except on its corner above these points of its left side and its top."""
    rows, columns = np.mgrid[: page.shape[0], : page.shape[1]]
    beyond = rows / corner[0] + columns / corner[1] - 1
    return np.asarray(page * (1 - 0.35 / (1 + np.exp(-beyond / 0.02))), np.float32)


@pytest.mark.parametrize("corner", [(200.0, 130.0), (130.0, 200.0), (1200.0, 80.0)])
def test_paper_in_the_light_is_no_light_ink(corner: tuple[float, float]) -> None:
    page = drawn([(90.0, 130.0), (190, 130), (110, 270)])
    found, expected = find_digit(in_shadow(page, corner)), find_digit(page)
    assert found is not None
    assert expected is not None
    assert difference(found.image, expected.image) < 6
    noise = np.random.default_rng(7).normal(0, 6, (300, 260))
    assert find_digit(np.asarray((in_shadow(drawn(), corner) + noise).clip(0, 255), np.float32)) is None


def test_folds_that_cross_at_a_small_angle_are_blank() -> None:
    rows, columns = np.mgrid[:300, :260]
    page = np.full((300, 260), 235.0)
    for slope in (0.04, -0.08):
        page -= 35 * np.exp(-(((rows - 120 + slope * (columns - 100)) / 1.5) ** 2))
    assert find_digit(page.astype(np.float32)) is None


@pytest.mark.parametrize("widths", [[7], [1, 1]])
@pytest.mark.parametrize("strokes", [[(130.0, 100.0), (126, 200)], [(105.0, 100.0), (160, 100), (120, 200)]])
def test_narrow_box_is_removed(widths: list[int], strokes: list[tuple[float, float]]) -> None:
    (left, top), (right, bottom) = np.min(strokes, axis=0) - 15, np.max(strokes, axis=0) + 15
    page = Image.fromarray(drawn(strokes)).convert("L")
    for number, width in enumerate(widths):
        far = 8 * number + width
        ImageDraw.Draw(page).rectangle((left - far, top - far, right + far, bottom + far), outline=60, width=width)
    found, expected = find_digit(decode_grey(page)), find_digit(drawn(strokes))
    assert found is not None
    assert expected is not None
    assert found.warning is None
    assert difference(found.image, expected.image) < 6


def test_paper_is_known_where_most_of_the_picture_is_ink() -> None:
    page = np.full((100, 100), 240, np.float32)
    for top in (5, 40, 75):
        page[top : top + 19, 5:94] = 60
    page[5:94, 5:24] = 60
    assert (page == 60).mean() > 0.5
    dark, noise = darkness(page)
    assert noise < 0.01
    assert dark.max() > 0.7


def test_stroke_that_stands_apart_is_no_second_digit() -> None:
    body = [(100.0, 105.0), (95, 150), (150, 150), (165, 185), (140, 220), (90, 210)]
    found = find_digit(drawn(body, [(104.0, 82.0), (190.0, 76.0)]))
    assert found is not None
    assert found.warning is None


def test_halves_of_a_broken_digit_are_no_two_digits() -> None:
    upper = [(90.0, 80.0), (150, 75), (160, 105), (125, 135)]
    lower = [(120.0, 156.0), (165, 175), (150, 215), (90, 220)]
    found = find_digit(drawn(upper, lower))
    assert found is not None
    assert found.warning is None


@pytest.mark.parametrize(("down", "right"), [(0, 75), (110, 0), (110, 60)])
def test_second_digit_at_any_side_is_warned_of(down: int, right: int) -> None:
    first = [(60.0, 30.0), (110, 30), (80, 110)]
    found = find_digit(drawn(first, [(x + right, y + down) for x, y in first]))
    assert found is not None
    assert found.warning is not None


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
