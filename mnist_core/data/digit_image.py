"""Makes any grey picture of one digit look like an image of MNIST. Pure; image_files.py reads the files.

Follows MNIST itself (LeCun, Cortes and Burges, the dataset's page): the digit is scaled into 20x20 with its aspect
ratio kept, has grey edges from anti-aliasing, and its centre of mass is in the middle of 28x28.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from mnist_core.data.dataset import IMAGE_SIDE, PIXEL_MAX, UInt8Array
from mnist_core.data.picture.decoding import Grey
from mnist_core.data.picture.lines import without_lines
from mnist_core.data.picture.paper import Mask, cut_to_sheet, darkness, is_light_on_dark, trim_edges, without_gradient
from mnist_core.data.picture.shapes import choose_digit, share_at_border, strength, without_shadows

DIGIT_SIDE = 20
# The row and column around which MNIST's centres of mass lie, and how far some are from it.
_MIDDLE = IMAGE_SIDE // 2
_OFF_MIDDLE = 0.6
# Out of 255: smaller differences are blank paper or compression noise.
_LEAST_CONTRAST = 25
# Ink is darker than the paper by at least this share of the darkest ink, and by this multiple of the paper's noise.
_LEAST_INK = 0.1
_UNEVENNESS = 6.0
# A shape with more than this share of its side at the picture's border is a shadow, unless it is as dark as ink.
_CUT_OFF = 0.25
_SHADOW = 0.5
# Lines that are lighter than this share of the ink vanish without being found.
_SURE_INK = 0.35


@dataclass(frozen=True)
class FoundDigit:
    """A digit in a picture.

    Attributes:
        image: (28, 28) uint8, light on a background of 0.
        warning: what may be wrong with it, one sentence; None if nothing is.
    """

    image: UInt8Array
    warning: str | None = None


def find_digit(grey: Grey | UInt8Array) -> FoundDigit | None:
    """Turns a picture of a digit into an image like MNIST's.

    Args:
        grey: (H, W) in 0..255, dark on light or light on dark.

    Returns:
        The digit, unchanged if the picture is 28x28, light on dark and placed as MNIST's images are; None if nothing
        stands out from the background.
    """
    if float(grey.max()) - float(grey.min()) < _LEAST_CONTRAST:
        return None
    if _is_placed_like_mnist(grey):
        return FoundDigit(np.rint(grey).astype(np.uint8))
    values = np.asarray(grey, np.float32)
    if grey.shape == (IMAGE_SIDE, IMAGE_SIDE):
        return _placed(_small_ink(values), 1)
    found = _find_ink(*darkness(_dark_on_light(cut_to_sheet(values))))
    return None if found is None else _placed(*found)


def _is_placed_like_mnist(grey: Grey | UInt8Array) -> bool:
    """Checks whether a picture is one of MNIST already: ink within 20x20, its centre of mass in the middle."""
    if grey.shape != (IMAGE_SIDE, IMAGE_SIDE) or (grey != np.rint(grey)).any():
        return False
    for axis in (0, 1):
        mass = grey.sum(axis=axis, dtype=np.float64)
        filled = np.flatnonzero(mass)
        if not len(filled) or np.ptp(filled) >= DIGIT_SIDE:
            return False
        if abs(float(mass @ np.arange(IMAGE_SIDE) / mass.sum()) - _MIDDLE) > _OFF_MIDDLE:
            return False
    return True


def _small_ink(grey: Grey) -> Grey:
    """Returns the ink of a picture as small as MNIST's, 0..1: there is no room in it for anything but a digit."""
    border = _border(grey)
    background = float(np.median(border))
    sign = -1 if background > (float(grey.min()) + float(grey.max())) / 2 else 1
    above = sign * (grey - background)
    contrast = float(above.max())
    unevenness = float(np.median(np.abs(border - background)))
    return np.where(above > max(_LEAST_INK * contrast, _UNEVENNESS * unevenness), above / contrast, np.float32(0))


def _dark_on_light(sheet: Grey) -> Grey:
    """Returns the sheet evenly lit, with dark ink, and without the dark strips at its sides."""
    if is_light_on_dark(sheet):
        return 255 - without_gradient(sheet)
    return without_gradient(trim_edges(sheet))


def _find_ink(dark: Grey, noise: float) -> tuple[Grey, int] | None:
    """Returns the digit's ink, 0..1, cut off from everything else, and the number of digits; None if there is none."""
    least = max(_LEAST_CONTRAST / PIXEL_MAX, _UNEVENNESS * noise)
    ink = without_lines(dark > max(least * 0.7, _LEAST_INK * float(dark.max())))
    if not ink.any():
        return None
    typical = float(np.percentile(dark[ink], 97))
    sharp = without_shadows(ink & (dark > _SURE_INK * typical), dark, typical)
    sure = choose_digit(sharp, dark)
    if sure is None:
        return None
    digit, count = sure
    if strength(dark, digit) < (_SHADOW if share_at_border(digit) > _CUT_OFF else least):
        return None
    return _with_soft_edges(dark, digit, ink), count


def _with_soft_edges(dark: Grey, digit: Mask, ink: Mask) -> Grey:
    near = digit | (ndimage.binary_dilation(digit, np.ones((3, 3)), iterations=2) & ink)
    level = strength(dark, digit)
    return np.where(near, (dark / level).clip(0, 1), 0).astype(np.float32)


def _placed(picture: Grey, count: int) -> FoundDigit | None:
    ink = _cut_to_ink(picture)
    if ink is None:
        return None
    several = f"shows {count} shapes that may be digits: only the largest was read" if count > 1 else None
    return FoundDigit(_centred(_scaled(ink)), several)


def _border(grey: Grey) -> Grey:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _cut_to_ink(picture: Grey) -> Grey | None:
    """Returns the smallest rectangle that contains all ink; None if there is none."""
    rows = np.flatnonzero(picture.any(axis=1))
    columns = np.flatnonzero(picture.any(axis=0))
    if not len(rows):
        return None
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: Grey) -> UInt8Array:
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
