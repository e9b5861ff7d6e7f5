"""Image files of every format and mode give the same digit; other files give an error of one sentence."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_core.data.dataset import Dataset
from mnist_core.data.image_files import read_digit
from mnist_core.errors import ImageError

STROKE = (40, 20, 60, 120)  # left, top, right, bottom
FORMATS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF", "webp": "WEBP", "tif": "TIFF", "pgm": "PPM"}


def picture(mode: str = "L", paper: str = "white", pen: str = "black") -> Image.Image:
    """A vertical stroke, 100 x 20, in a picture of 140 x 100."""
    drawn = Image.new("RGB", (100, 140), paper)
    drawn.paste(pen, STROKE)
    return drawn.convert(mode)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def is_the_stroke(path: Path) -> bool:
    rows, columns = np.nonzero(read_digit(path).image > 100)
    return (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1) == (20, 4)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and contains no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + check + struct.pack(">I", 99) + b"IDAT"


def error_message(path: Path) -> str:
    with pytest.raises(ImageError) as error:
        read_digit(path)
    sentence = str(error.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path} ")


@pytest.mark.parametrize("suffix", FORMATS)
def test_format_is_recognised_by_its_content(suffix: str, tmp_path: Path) -> None:
    assert is_the_stroke(saved(picture(), tmp_path / "digit", format=FORMATS[suffix]))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_mode_does_not_matter(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        deep = Image.fromarray(np.asarray(picture()).astype(np.uint16) * 257)
        assert is_the_stroke(saved(deep, tmp_path / "digit.png"))
    else:
        assert is_the_stroke(saved(picture(mode), tmp_path / "digit.png"))


@pytest.mark.parametrize("mode", ["CMYK", "F", "I"])
def test_mode_of_a_tiff_does_not_matter(mode: str, tmp_path: Path) -> None:
    assert is_the_stroke(saved(picture(mode), tmp_path / "digit.tif"))


@pytest.mark.parametrize(("paper", "pen"), [("black", "white"), ("lightyellow", "navy"), ("dimgrey", "orange")])
def test_colours_do_not_matter(paper: str, pen: str, tmp_path: Path) -> None:
    assert is_the_stroke(saved(picture("RGB", paper, pen), tmp_path / "digit.png"))


def test_transparent_paper_counts_as_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (100, 140), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), STROKE)

    assert is_the_stroke(saved(clear, tmp_path / "digit.png"))


def test_colour_named_transparent_in_a_palette_counts_as_white(tmp_path: Path) -> None:
    indexed = Image.new("P", (100, 140), 0)
    indexed.putpalette([90, 0, 0, 0, 0, 0])
    indexed.paste(1, STROKE)

    assert is_the_stroke(saved(indexed, tmp_path / "digit.gif", transparency=0))


def test_rotated_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    lying = picture().transpose(Image.Transpose.ROTATE_90)

    assert is_the_stroke(saved(lying, tmp_path / "digit.jpg", exif=exif))


def test_mnist_image_saved_as_png_is_returned_unchanged(small_dataset: Dataset, tmp_path: Path) -> None:
    image = small_dataset.test.images[0]

    assert np.array_equal(read_digit(saved(Image.fromarray(image), tmp_path / "digit.png")).image, image)


def test_missing_file_is_rejected(tmp_path: Path) -> None:
    assert error_message(tmp_path / "no.png") == "does not exist: give an image file"


def test_folder_is_rejected(tmp_path: Path) -> None:
    assert error_message(tmp_path) == "is a folder without images: give an image file"


def test_device_is_rejected() -> None:
    assert error_message(Path("/dev/null")) == "is not a file: give an image file"


def test_impossible_file_name_is_rejected(tmp_path: Path) -> None:
    assert "File name too long" in error_message(tmp_path / ("d" * 300))


@pytest.mark.parametrize("content", [b"", b"digit seven", bytes(range(256)) * 9])
def test_file_that_is_not_an_image_is_rejected(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_bytes(content)

    assert error_message(path).startswith("is not an image")


def test_postscript_is_not_an_image_because_reading_it_would_run_a_program(tmp_path: Path) -> None:
    assert error_message(saved(picture(), tmp_path / "digit.eps")).startswith("is not an image")


def test_half_an_image_is_rejected(tmp_path: Path) -> None:
    path = saved(picture(), tmp_path / "digit.jpg")
    path.write_bytes(path.read_bytes()[:400])

    assert error_message(path).startswith("cannot be read as an image (image file is truncated")


def test_blank_image_is_rejected(tmp_path: Path) -> None:
    assert error_message(saved(Image.new("RGB", (90, 90), "white"), tmp_path / "digit.png")).startswith("is blank")


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (20_000, 5000), (60_000, 60_000)])
def test_image_of_more_than_64_megapixels_is_rejected_before_it_is_decoded(
    width: int, height: int, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))  # decoding it would report that it is truncated

    assert error_message(path).endswith("give one of at most 64 megapixels")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(FORMATS.values())), data=st.data())
def test_damaged_image_is_read_or_rejected_in_one_sentence(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    content = io.BytesIO()
    picture().save(content, kind)
    damaged = bytearray(content.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        digit = read_digit(path).image
    except ImageError:
        error_message(path)
    else:
        assert digit.shape == (28, 28)
