"""Decodes an opened image into one grey picture of bounded size. Paper and digit are found by other modules.

Whatever the format, the result is (H, W) float32 in 0..255 with at most `MAX_SIDE` pixels a side; colours of one
lightness and ink that is only in the alpha channel are made visible.
"""

from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Grey = npt.NDArray[np.float32]

# Pictures are reduced to this: more helps nothing, as a digit ends as 20 pixels.
MAX_SIDE = 480
# Out of 255. A smaller range of lightness is no drawing: it may be in the alpha channel, or in the colours.
_VISIBLE = 40
# Colours count if they differ by this many times what the lightness does.
_COLOURFUL = 2.0
_ORIENTATION = 0x0112  # the tag of EXIF and TIFF
# Widths, in bits, that cameras and scanners use for pixels which are stored in more.
_BITS = (8, 10, 12, 14, 16)


def decode_grey(image: Image.Image) -> Grey:
    """Decodes an image, turned upright as its orientation says.

    Memory: the decoded pixels once in the file's own mode, or a quarter or less of them for a large JPEG, and a second
    time only if the mode has a palette or more than 8 bits.
    """
    image.draft(None, (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at a fraction of its size, but never below this one
    upright = ImageOps.exif_transpose(_reduced(image))
    if upright.mode.startswith(("I", "F")):
        return _deep_to_grey(np.asarray(upright, np.float64))
    if "A" not in upright.mode and "transparency" not in upright.info:
        return _colours_to_grey(upright.convert("RGB"))
    return _transparent_to_grey(upright.convert("RGBA"))


def _reduced(image: Image.Image) -> Image.Image:
    """Averages blocks of pixels, so that no side is longer than `MAX_SIDE`; keeps the file's orientation."""
    factor = -(-max(image.size) // MAX_SIDE)
    if factor == 1:
        return image
    image.load()  # turns a TIFF upright, and forgets its orientation
    exif = Image.Exif()
    exif[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    mode = _averaged_mode(image)
    small = (image if image.mode == mode else image.convert(mode)).reduce(factor)
    small.info["exif"] = exif.tobytes()
    return small


def _averaged_mode(image: Image.Image) -> str:
    """Returns the mode in which the pixels of the image can be averaged."""
    if "transparency" in image.info or image.mode in ("PA", "LA", "La", "RGBa"):
        return "RGBA"
    if image.mode == "P":
        return "RGB"
    if image.mode.startswith("I;"):
        return "I"
    return "L" if image.mode == "1" else image.mode


def _deep_to_grey(values: npt.NDArray[np.float64]) -> Grey:
    """Converts pixels of more than 8 bits, whose files seldom say which number is white."""
    lowest, highest = float(values.min()), float(values.max())
    if not isfinite(highest - lowest):
        raise ValueError("some pixels are not numbers")
    white = next((2.0**bits - 1 for bits in _BITS if highest < 2**bits), highest)
    if lowest >= 0 and highest - lowest > white / 4:
        return (values * (255 / white)).astype(np.float32)
    return ((values - lowest) * (255 / (highest - lowest or 1))).astype(np.float32)


def _transparent_to_grey(picture: Image.Image) -> Grey:
    """Puts the picture on white; if nothing is visible there, on black."""
    on_white = _colours_to_grey(_on_paper(picture, "white"))
    if np.ptp(on_white) >= _VISIBLE or picture.getchannel("A").getextrema() == (255, 255):
        return on_white
    on_black = _colours_to_grey(_on_paper(picture, "black"))
    return on_black if np.ptp(on_black) > np.ptp(on_white) else on_white


def _on_paper(picture: Image.Image, colour: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture).convert("RGB")


def _colours_to_grey(picture: Image.Image) -> Grey:
    """Returns the lightness; if the colours differ far more than that, how far each is from the paper's."""
    lightness = np.asarray(picture.convert("L"), np.float32)
    colours: npt.NDArray[Any] = np.asarray(picture, np.float32).reshape(-1, 3)
    if np.ptp(colours, axis=1).max() < _VISIBLE:
        return lightness
    axis = _main_axis(colours)
    along = (colours @ axis).reshape(lightness.shape)
    spread = [float(np.subtract(*np.percentile(grey, (99, 1)))) for grey in (along, lightness)]
    if spread[0] < _COLOURFUL * spread[1]:
        return lightness
    shifted = along - along.min()
    return np.asarray(shifted * min(1.0, 255 / float(shifted.max())), np.float32)


def _main_axis(colours: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns the direction, (3,), in which colours, (N, 3), vary most; it points to the light ones."""
    _, vectors = np.linalg.eigh(np.cov(colours, rowvar=False))
    axis: npt.NDArray[np.float32] = vectors[:, -1].astype(np.float32)
    return axis if axis.sum() >= 0 else -axis
