"""Photos, scans and drawings of every kind are decoded upright, visible, and in bounded memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.image_files import read_digit
from mnist_core.errors import ImageError

ORIENTATION = 0x0112
# How a picture lies in the file, for each orientation that turns it: the inverse of what a reader must do.
LYING = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def seven() -> Image.Image:
    """A seven, 100 high and 60 wide, in a picture of 140 x 130."""
    drawn = Image.new("L", (130, 140), 250)
    drawn.paste(30, (30, 20, 90, 35))
    drawn.paste(30, (75, 20, 90, 120))
    return drawn


def is_the_seven(path: Path) -> bool:
    image = read_digit(path).image > 100
    rows, columns = np.nonzero(image)
    top, left = int(rows.min()), int(columns.min())
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    corner = image[top + height - 5 : top + height, left : left + width // 2]
    return (height, width) == (20, 12) and bool(image[top, left : left + width].all()) and not corner.any()


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "CMYK"])
@pytest.mark.parametrize("orientation", LYING)
def test_tiff_is_turned_upright(orientation: int, mode: str, compression: str | None, tmp_path: Path) -> None:
    lying = seven().transpose(LYING[orientation])
    deep = Image.fromarray(np.asarray(lying).astype(np.uint16) * 257)
    lying = deep if mode == "I;16" else lying.convert(mode)
    path = tmp_path / "digit.tif"
    lying.save(path, compression=compression, tiffinfo={ORIENTATION: orientation})
    assert is_the_seven(path)


@pytest.mark.parametrize("orientation", LYING)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_large_photo_is_turned_upright(suffix: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"digit.{suffix}"
    lying = seven().resize((1300, 1400), Image.Resampling.NEAREST).transpose(LYING[orientation])
    lying.save(path, exif=exif)
    assert is_the_seven(path)


@pytest.mark.parametrize(("offset", "factor"), [(0, 1), (0, 4), (0, 16), (0, 64), (0, 257), (30_000, 3), (500, 1)])
def test_range_of_a_16_bit_picture_does_not_matter(offset: int, factor: int, tmp_path: Path) -> None:
    deep = np.asarray(seven()).astype(np.uint16) * factor + offset
    path = tmp_path / "digit.png"
    Image.fromarray(deep.astype(np.uint16)).save(path)
    assert is_the_seven(path)


@pytest.mark.parametrize("colour", ["white", "black", "orange"])
def test_ink_that_is_only_in_the_alpha_channel_is_seen(colour: str, tmp_path: Path) -> None:
    drawn = Image.new("RGBA", (130, 140), colour)
    drawn.putalpha(seven().point(lambda level: 255 if level < 128 else 0))
    path = tmp_path / "digit.png"
    drawn.save(path)
    assert is_the_seven(path)


@pytest.mark.parametrize(
    ("paper", "pen"), [((90, 150, 60), (230, 80, 80)), ((230, 80, 80), (90, 150, 60)), ((200, 120, 60), (90, 140, 220))]
)
def test_colours_of_one_lightness_are_told_apart(paper: Any, pen: Any, tmp_path: Path) -> None:
    drawn = Image.new("RGB", (130, 140), paper)
    drawn.paste(pen, mask=seven().point(lambda level: 255 if level < 128 else 0))
    path = tmp_path / "digit.png"
    drawn.save(path)
    assert is_the_seven(path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg/>', "SVG"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
    ],
)
def test_format_that_is_not_read_is_named_with_how_to_export_it(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / "digit.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=name) as error:
        read_digit(path)
    assert "export" in str(error.value)


def test_blank_first_picture_of_several_is_named(tmp_path: Path) -> None:
    path = tmp_path / "digit.gif"
    Image.new("L", (130, 140), 250).save(path, save_all=True, append_images=[seven()])
    with pytest.raises(ImageError, match="the first of the 2 pictures .* is blank"):
        read_digit(path)


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "mode", "most_mb"), [("jpg", "RGB", 150), ("png", "RGB", 350), ("png", "L", 200)])
def test_photo_of_48_megapixels_is_read_in_bounded_memory(suffix: str, mode: str, most_mb: int, tmp_path: Path) -> None:
    path = tmp_path / f"digit.{suffix}"
    drawn = Image.new(mode, (8064, 6048), "white")
    drawn.paste("black", (3000, 2000, 4500, 2400))
    drawn.paste("black", (4100, 2000, 4500, 4500))
    drawn.save(path)
    program = (
        "import resource, sys; from pathlib import Path; from mnist_core.data.image_files import read_digit;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = peak();"
        "read_digit(Path(sys.argv[1])); print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < most_mb
