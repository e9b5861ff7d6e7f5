"""Images with labels as plain numpy arrays, and how a study splits them. Independent of files and of MXNet."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mnist_core.errors import DataError

IMAGE_SIDE = 28
CLASSES = 10
PIXEL_MAX = 255
# Images whose brightest pixel is below this are probably scaled to another range, such as 0..1.
_BRIGHT = 128
# The background of images that are dark on light is at least so light.
_LIGHT = 192

UInt8Array = npt.NDArray[np.uint8]
IndexArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels, usually read-only views of a mapped file.

    Attributes:
        images: (N, 28, 28) uint8, 0 is background.
        labels: (N,) uint8 in 0..9.
    """

    images: UInt8Array
    labels: UInt8Array

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """The training and the test images, and the SHA-256 (hex) of their content."""

    train: LabelledImages
    test: LabelledImages
    fingerprint: str


@dataclass(frozen=True)
class Subset:
    """A selection of images by index, without a copy; indices: (n,) int64."""

    source: LabelledImages
    indices: IndexArray

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class Split:
    """The images that a trial trains on, and those that it is validated on."""

    train: Subset
    validation: Subset


def scale_pixels(pixels: UInt8Array, out: FloatArray | None = None) -> FloatArray:
    """Scales pixels from 0..255 to [0, 1], as the tutorials do, into `out` or into a new array of the same shape."""
    scaled = np.empty(pixels.shape, np.float32) if out is None else out
    # Two passes are faster than one: numpy divides uint8 by converting it piece by piece.
    scaled[...] = pixels
    scaled /= PIXEL_MAX
    return scaled


def all_images(images: LabelledImages) -> Subset:
    """Returns all the images as a subset, in their order."""
    return Subset(images, np.arange(len(images), dtype=np.int64))


def split(dataset: Dataset, holdout: int | Literal["test"], seed: int) -> Split:
    """Splits the training images for validation, or validates on the test images as the tutorials do.

    Args:
        dataset: the images.
        holdout: how many training images to hold out for validation, or "test".
        seed: determines which images are held out.

    Raises:
        DataError: no image is left to train on, or none is held out.
    """
    if holdout == "test":
        return Split(all_images(dataset.train), all_images(dataset.test))
    count = len(dataset.train)
    if count == 1:
        raise DataError(
            f"data.holdout is {holdout}, but there is only 1 training image: add images, or validate on the test "
            "images with `--set data.holdout=test`"
        )
    if not 1 <= holdout < count:
        raise DataError(
            f"data.holdout is {holdout}, but there are {count} training images: hold out between 1 and {count - 1}, "
            f"for example a sixth of them, as of MNIST, with `--set data.holdout={max(1, count // 6)}`"
        )
    order = np.random.default_rng([seed, count]).permutation(count)
    return Split(
        Subset(dataset.train, np.sort(order[holdout:])),
        Subset(dataset.train, np.sort(order[:holdout])),
    )


def find_unusual_pixels(dataset: Dataset) -> str | None:
    """Returns a warning if the pixels of some images are not as MNIST's: in a smaller range, or dark on light."""
    for name, part in (("training", dataset.train), ("test", dataset.test)):
        largest = int(part.images.max())
        remedy = dim_pixels(largest)
        if remedy is not None:
            return (
                f"the largest pixel of the {name} images is {largest}, but MNIST's is {PIXEL_MAX}: "
                f"networks learn worse, and `predict` expects {PIXEL_MAX}: {remedy}"
            )
        background = int(np.median(part.images[:, (0, -1), :]))
        if background >= _LIGHT:
            return (
                f"the background of the {name} images is {background}, but MNIST's is 0: `predict` gives the network "
                f"light digits on 0: write yours as `{PIXEL_MAX} - images`"
            )
    return None


def dim_pixels(largest: int) -> str | None:
    """Returns what to do with images of which the largest pixel is too small for 0..255; None if it is not."""
    if largest >= _BRIGHT:
        return None
    return f"multiply them by {PIXEL_MAX // largest}" if largest else "check how they were written"


def largest_pixel(dataset: Dataset) -> int:
    """Returns the largest pixel of the training images or of the test images, whichever is less."""
    return min(int(part.images.max()) for part in (dataset.train, dataset.test))


def epoch_order(indices: IndexArray, seed: int, epoch: int) -> IndexArray:
    """Returns the indices in the order in which an epoch of a training visits them; `epoch` counts from 0."""
    return np.random.default_rng([seed, 1, epoch]).permutation(indices)
