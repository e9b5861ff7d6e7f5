"""Pictures, checked by their pixels: as TensorBoard shows them, mistakes stand out, and every text is there."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from cluster.results.pictures import (
    MISTAKES_PER_PICTURE,
    Picture,
    confusion_picture,
    labelled_digits,
    mistake_pictures,
)
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import ConfusionMatrix

GOOD: ConfusionMatrix = tuple(tuple(970 if label == guess else 3 for guess in range(10)) for label in range(10))
NOTHING: ConfusionMatrix = ((0,) * 10,) * 10
# What TensorBoard shows without scaling, on the page Images and on Time Series.
AS_SHOWN = (350, 215)


def test_pictures_have_the_size_at_which_tensorboard_shows_them(small_dataset: Dataset) -> None:
    test = small_dataset.test
    pictures = [
        confusion_picture(GOOD, "digit"),
        confusion_picture(((9, 1), (1, 9)), "parity"),
        labelled_digits(test.images[:10], test.labels[:10]),
        *mistake_pictures(test.images[:14], test.labels[:14], test.labels[:14], np.ones(14)),
    ]

    assert [decoded(picture).size for picture in pictures] == [AS_SHOWN] * 5
    assert {(picture.width, picture.height) for picture in pictures} == {AS_SHOWN}


def test_more_mistakes_are_redder_and_the_diagonal_is_pale() -> None:
    counts = np.diag([100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    counts[2, 7], counts[5, 1] = 16, 4

    image = decoded(confusion_picture(as_matrix(counts), "digit"))
    most, fewer, none, right = (cell_colour(image, *cell) for cell in ((2, 7), (5, 1), (8, 0), (4, 4)))

    assert redness(most) > redness(fewer) + 50 > redness(none) + 100
    assert min(right) > 200
    assert abs(redness(none)) < 5


def test_single_mistake_is_as_red_as_any_if_there_are_no_others() -> None:
    counts = np.diag([1000] * 10)
    counts[0, 9] = 1

    image = decoded(confusion_picture(as_matrix(counts), "digit"))

    assert redness(cell_colour(image, 0, 9)) > 100


@pytest.mark.parametrize("confusion", [NOTHING, ((1000,) + (0,) * 9,) * 10, ((10**9,) * 10,) * 10])
def test_extreme_matrix_is_drawn(confusion: ConfusionMatrix) -> None:
    assert decoded(confusion_picture(confusion, "digit")).size == AS_SHOWN


def test_same_matrix_gives_the_same_picture() -> None:
    assert confusion_picture(GOOD, "digit") == confusion_picture(GOOD, "digit")


def test_digits_are_drawn_dark_on_light(small_dataset: Dataset) -> None:
    image = small_dataset.train.images[0]

    drawn = np.asarray(decoded(labelled_digits(image[None], small_dataset.train.labels[:1])))[:, :, 0]

    assert contains(drawn, 255 - image.repeat(2, axis=0).repeat(2, axis=1))


def test_mistakes_are_drawn_twelve_in_a_picture(small_dataset: Dataset) -> None:
    images, labels = small_dataset.test.images[:30], small_dataset.test.labels[:30]

    pictures = mistake_pictures(images, labels, (labels + 1) % 10, np.linspace(1, 0.5, 30))

    assert [MISTAKES_PER_PICTURE, len(pictures)] == [12, 3]
    for index in (0, 11, 12, 29):
        drawn = np.asarray(decoded(pictures[index // 12]))[:, :, 0]
        assert contains(drawn, 255 - images[index].repeat(2, axis=0).repeat(2, axis=1))


def test_caption_of_a_mistake_depends_on_truth_prediction_and_probability(small_dataset: Dataset) -> None:
    image = small_dataset.test.images[:1]

    drawn = {
        mistake_pictures(image, np.array([label]), np.array([guess]), np.array([probability]))[0].png
        for label, guess, probability in ((4, 9, 0.9), (7, 9, 0.9), (4, 8, 0.9), (4, 9, 0.8))
    }

    assert len(drawn) == 4


def test_network_without_mistakes_has_no_picture_of_them() -> None:
    nothing = np.zeros(0, np.int64)

    assert mistake_pictures(np.zeros((0, 28, 28), np.uint8), nothing, nothing, np.zeros(0)) == []


def test_picture_of_no_digits_is_valid() -> None:
    nothing = np.zeros((0, 28, 28), np.uint8)

    assert decoded(labelled_digits(nothing, np.zeros(0, np.uint8))).size == AS_SHOWN


def test_image_without_a_label_is_rejected(small_dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="shorter"):
        labelled_digits(small_dataset.test.images[:3], small_dataset.test.labels[:2])


def decoded(picture: Picture) -> Image.Image:
    """The picture as a viewer shows it."""
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def as_matrix(counts: npt.NDArray[np.int64]) -> ConfusionMatrix:
    return tuple(map(tuple, counts.tolist()))


def cell_colour(image: Image.Image, label: int, guess: int) -> tuple[int, int, int]:
    """The colour of a cell's ground, near its upper left corner, where no count is written."""
    width, height = (AS_SHOWN[0] - 19 - 46) / 10, (AS_SHOWN[1] - 19 - 31) / 10  # beside names, shares and heading
    left, top = 19 + round(width * guess), 19 + round(height * label)
    red, green, blue = np.asarray(image)[top + 1, left + 1]
    return int(red), int(green), int(blue)


def redness(colour: tuple[int, int, int]) -> int:
    return colour[0] - max(colour[1:])


def contains(drawn: npt.NDArray[np.uint8], part: npt.NDArray[np.uint8]) -> bool:
    """Whether a part is somewhere in a drawing."""
    windows = np.lib.stride_tricks.sliding_window_view(drawn, part.shape)
    return bool((windows == part).all(axis=(2, 3)).any())
