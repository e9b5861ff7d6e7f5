"""Makes any grey picture of one digit look like an image of MNIST. Pure; image_files.py reads the files.

Follows MNIST itself (LeCun, Cortes and Burges, the dataset's page): the digit is scaled into 20x20 with its aspect
ratio kept, has grey edges from anti-aliasing, and its centre of mass is in the middle of 28x28.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from mnist_core.data.dataset import IMAGE_SIDE, PIXEL_MAX, UInt8Array

DIGIT_SIDE = 20
# The row and column around which MNIST's centres of mass lie.
_MIDDLE = IMAGE_SIDE // 2
# Out of 255: smaller differences are blank paper or compression noise.
_LEAST_CONTRAST = 25
# Ink differs from the paper by at least this share of the contrast, and by this multiple of the paper's unevenness.
_LEAST_INK = 0.1
_UNEVENNESS = 6.0

_Grey = npt.NDArray[np.float32]


def prepare_digit(grey: UInt8Array) -> UInt8Array | None:
    """Turns a picture of a digit into an image like MNIST's.

    Args:
        grey: (H, W) uint8, dark on light or light on dark; the border of the picture decides which.

    Returns:
        (28, 28) uint8, light on a background of 0; the picture itself if it is 28x28 and light on dark; None if nothing
        stands out from the background.
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
    """Returns the picture with its background, even if uneven, at 0 and its lightest pixel at 1."""
    border = _border(grey).astype(np.float32)
    background = np.median(border)
    unevenness = np.median(np.abs(border - background))
    above = grey.astype(np.float32) - background
    contrast = above.max()
    threshold = max(_LEAST_INK * contrast, _UNEVENNESS * unevenness)
    return np.where(above > threshold, above / contrast, np.float32(0))


def _cut_to_ink(picture: _Grey) -> _Grey | None:
    """Returns the smallest rectangle that contains all ink; None if there is none."""
    rows = np.flatnonzero(picture.any(axis=1))
    columns = np.flatnonzero(picture.any(axis=0))
    if not len(rows):
        return None
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: _Grey) -> UInt8Array:
    """Scales ink to (h, w) uint8 with max(h, w) = 20; its lightest pixel is 255."""
    height, width = ink.shape
    scale = DIGIT_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    grey: UInt8Array = np.clip(np.rint(small * (PIXEL_MAX / small.max())), 0, PIXEL_MAX).astype(np.uint8)
    return grey


def _centred(digit: UInt8Array) -> UInt8Array:
    """Places the digit in 28x28, its centre of mass as close to the middle as whole pixels and the edges allow."""
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    top = _offset(digit.sum(axis=1, dtype=np.float64))
    left = _offset(digit.sum(axis=0, dtype=np.float64))
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def _offset(mass: npt.NDArray[np.float64]) -> int:
    """Returns where pixels with these masses must start so that their centre of mass is in the middle."""
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return min(max(round(_MIDDLE - centre), 0), IMAGE_SIDE - len(mass))
