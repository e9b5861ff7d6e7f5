"""Makes any grey picture of one digit look as MNIST's do. Pure; image_files.py reads the files.

MNIST's own way (LeCun, Cortes and Burges, the dataset's page): the digit scaled into 20x20 with its aspect ratio kept,
grey at the edges from anti-aliasing, its centre of mass in the middle of 28x28.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from mnist_core.data.dataset import IMAGE_SIDE, PIXEL_MAX, UInt8Array

DIGIT_SIDE = 20
# The index of the row and column that MNIST's centres of mass lie around.
_MIDDLE = IMAGE_SIDE // 2
# Of 255: what differs by less is a sheet of paper, or the noise of its compression.
_LEAST_CONTRAST = 25
# Ink stands out from the paper by this share of the contrast, and by so many times the paper's own unevenness.
_LEAST_INK, _UNEVENNESS = 0.1, 6.0

_Grey = npt.NDArray[np.float32]


def prepare_digit(grey: UInt8Array) -> UInt8Array | None:
    """The digit on a picture as a network knows digits.

    Args:
        grey: (H, W) uint8, dark on light or light on dark, as the border of the picture tells.

    Returns:
        (28, 28) uint8, light on a background of 0; the picture itself where it is 28x28 and light on dark. None where
        nothing stands out from the background.
    """
    lowest, highest = int(grey.min()), int(grey.max())
    if highest - lowest < _LEAST_CONTRAST:
        return None
    if float(np.median(_border(grey))) > (lowest + highest) / 2:
        grey = np.invert(grey)
    elif grey.shape == (IMAGE_SIDE, IMAGE_SIDE):
        return grey
    ink = _cut_to_ink(_without_background(grey))
    return None if ink is None else _centred(_scaled(ink))


def _border(grey: UInt8Array) -> UInt8Array:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _without_background(grey: UInt8Array) -> _Grey:
    """The picture with its background, uneven as it may be, at 0 and its lightest pixel at 1."""
    border = _border(grey).astype(np.float32)
    background = np.median(border)
    unevenness = np.median(np.abs(border - background))
    above = grey.astype(np.float32) - background
    contrast = above.max()
    threshold = max(_LEAST_INK * contrast, _UNEVENNESS * unevenness)
    return np.where(above > threshold, above / contrast, np.float32(0))


def _cut_to_ink(picture: _Grey) -> _Grey | None:
    """The smallest rectangle that holds all that is not background; None where all is."""
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: _Grey) -> UInt8Array:
    """The ink in (h, w) uint8, the larger of them 20, its lightest pixel 255."""
    height, width = ink.shape
    scale = DIGIT_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    grey: UInt8Array = np.clip(np.rint(small * (PIXEL_MAX / small.max())), 0, PIXEL_MAX).astype(np.uint8)
    return grey


def _centred(digit: UInt8Array) -> UInt8Array:
    """The digit in 28x28, its centre of mass as near the middle as whole pixels and the edges allow."""
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    top, left = (_offset(digit.sum(axis=1, dtype=np.float64)), _offset(digit.sum(axis=0, dtype=np.float64)))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def _offset(mass: npt.NDArray[np.float64]) -> int:
    """Where a row of pixels of this mass begins, so that its centre of mass is in the middle."""
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return min(max(round(_MIDDLE - centre), 0), IMAGE_SIDE - len(mass))
