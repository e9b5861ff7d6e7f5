"""Reads untrusted image files of any format that Pillow knows; digit_image.py turns them into images like MNIST's."""

import struct
import warnings
import zlib
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_core.data.dataset import UInt8Array
from mnist_core.data.digit_image import prepare_digit
from mnist_core.errors import ImageError

MAX_PIXELS = 20_000_000

_REMEDY = f"give one of at most {MAX_PIXELS // 1_000_000} megapixels"
# For PostScript, Pillow runs Ghostscript, which executes the program in the file.
_UNSAFE_FORMATS = frozenset({"EPS"})
# The errors that Pillow's readers have been seen to raise for damaged files.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_digit(path: Path) -> UInt8Array:
    """Reads a picture of one digit as an image like MNIST's.

    Args:
        path: dark on light or light on dark, of any size; transparency counts as white. If the file contains several
            pictures, only the first is read.

    Returns:
        (28, 28) uint8, light on a background of 0; see `prepare_digit`.

    Raises:
        ImageError: the file is missing, not an image, larger than 20 megapixels, or blank.
    """
    digit = prepare_digit(_read_grey(path))
    if digit is None:
        raise ImageError(f"{path} is blank: give an image with a digit that stands out from its background")
    return digit


def _read_grey(path: Path) -> UInt8Array:
    """Reads the picture as (H, W) uint8."""
    _check_is_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about damage that it can read past
            return _decode(path)
    except UnidentifiedImageError as err:
        raise ImageError(f"{path} is not an image: give a PNG, a JPEG, or another format that Pillow reads") from err
    except Image.DecompressionBombError as err:
        raise ImageError(f"{path} is far too large ({err}): {_REMEDY}") from err
    except _DAMAGE as err:
        raise ImageError(f"{path} cannot be read as an image ({err}): give an undamaged one") from err


def _check_is_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        kind = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    except OSError as err:
        raise ImageError(f"{path} cannot be read ({err.strerror}): give an image file that you can read") from err
    raise ImageError(f"{path} {kind}: give an image file")


def _decode(path: Path) -> UInt8Array:
    Image.init()
    with Image.open(path, formats=[name for name in Image.ID if name not in _UNSAFE_FORMATS]) as image:
        width, height = image.size
        if not 0 < width * height <= MAX_PIXELS:  # known from the header, before anything is decoded
            raise ImageError(f"{path} has {width} x {height} pixels: {_REMEDY}")
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith(("I", "F")):
            return _deep_to_grey(np.asarray(upright), upright.mode)
        picture = upright.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        return np.asarray(Image.alpha_composite(paper, picture).convert("L"))


def _deep_to_grey(values: npt.NDArray[Any], mode: str) -> UInt8Array:
    """Converts pixels of more than 8 bits to (H, W) uint8; Pillow's own conversion would clip them at 255."""
    if mode.startswith("I;16"):
        return (values // 257).astype(np.uint8)
    # Such a file does not define black and white, so they are the lowest and the highest number.
    lowest = float(values.min())
    highest = float(values.max())
    if not isfinite(highest - lowest):
        raise ValueError("some pixels are not numbers")
    return ((values - lowest) * (255 / (highest - lowest or 1))).astype(np.uint8)
