"""Reads untrusted image files of any format that Pillow knows; digit_image.py turns them into images like MNIST's."""

import struct
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from mnist_core.data.digit_image import FoundDigit, find_digit
from mnist_core.data.picture.decoding import Grey, decode_grey
from mnist_core.errors import ImageError

MAX_PIXELS = 64_000_000  # a photo of 48 or 50 megapixels, with room

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
_OTHER_SUFFIXES = frozenset({".heic", ".heif", ".svg", ".jxl"})
_START = 512  # bytes, in which every known format names itself
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def read_digit(path: Path) -> FoundDigit:
    """Reads a picture of one digit as an image like MNIST's.

    Args:
        path: dark on light or light on dark, of any size up to 64 megapixels. If the file contains several pictures,
            only the first is read.

    Raises:
        ImageError: the file is missing, not an image, too large, or blank.
    """
    _check_is_file(path)
    try:
        file = path.open("rb")
    except OSError as err:
        raise ImageError(f"{path} cannot be read ({err.strerror}): give an image file that you can read") from err
    with file:
        return read_opened_digit(file, str(path))


def is_named_like_an_image(path: Path) -> bool:
    """Checks whether the name of a file ends as those of images do, even of a format that is not read."""
    Image.init()
    suffix = path.suffix.lower()
    return suffix in Image.EXTENSION or suffix in _OTHER_SUFFIXES


def read_opened_digit(file: BinaryIO, name: str) -> FoundDigit:
    """Reads a picture of one digit from an open file, which `name` calls in messages; see `read_digit`."""
    grey, frames = _read_grey(file, name)
    found = find_digit(grey)
    if found is not None:
        return found
    if frames > 1:
        raise ImageError(f"the first of the {frames} pictures in {name} is blank: save the one with the digit alone")
    raise ImageError(f"{name} is blank: give an image with a digit that stands out from its background")


def _read_grey(file: BinaryIO, name: str) -> tuple[Grey, int]:
    """Returns the first picture, and how many there are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about damage that it can read past
            return _decode(file, name)
    except UnidentifiedImageError as err:
        raise ImageError(f"{name} {_what_it_is_instead(file)}") from err
    except Image.DecompressionBombError as err:
        raise ImageError(f"{name} is far too large ({err}): {_REMEDY}") from err
    except _DAMAGE as err:
        raise ImageError(f"{name} cannot be read as an image ({err}): give an undamaged one") from err


def _check_is_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        kind = "is a folder without images" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    except OSError as err:
        raise ImageError(f"{path} cannot be read ({err.strerror}): give an image file that you can read") from err
    raise ImageError(f"{path} {kind}: give an image file")


def _decode(file: BinaryIO, name: str) -> tuple[Grey, int]:
    """Opens the file object, not its path: Pillow maps some TIFFs into memory by path, and then turns them wrongly."""
    Image.init()
    with Image.open(file, formats=[known for known in Image.ID if known not in _UNSAFE_FORMATS]) as image:
        width, height = image.size
        if not 0 < width * height <= MAX_PIXELS:  # known from the header, before anything is decoded
            raise ImageError(f"{name} has {width} x {height} pixels: {_REMEDY}")
        frames = int(getattr(image, "n_frames", 1))
        return decode_grey(image), frames


def _what_it_is_instead(file: BinaryIO) -> str:
    """Names a file that Pillow does not recognise, and says what to do."""
    file.seek(0)
    start = file.read(_START)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        return "is a HEIC photo, which is not read: export it as JPEG or PNG"
    if start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis"):
        return "is an AVIF image, which this Pillow does not read: export it as JPEG or PNG"
    if start.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "is a JPEG XL image, which is not read: export it as JPEG or PNG"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or b"<svg" in text or (text.startswith(b"<?xml") and b"svg" in text):
        return "is an SVG drawing, which is not read: export it as PNG"
    if start.startswith((b"%PDF", b"%!PS", b"\xc5\xd0\xd3\xc6")):
        kind = "a PDF document" if start.startswith(b"%PDF") else "a PostScript file"
        return f"is not an image but {kind}, which is not read: export the page as PNG"
    return "is not an image: give a PNG, a JPEG, or another format that Pillow reads"
