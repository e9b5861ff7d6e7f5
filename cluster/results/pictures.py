"""Draws the pictures of a study as PNGs: confusion matrices and grids of digits. Writes no files."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mnist_core.config import CLASS_NAMES
from mnist_core.data.dataset import IMAGE_SIDE, IndexArray, UInt8Array
from mnist_core.errors import MissingLibrary
from mnist_core.measurement import ConfusionMatrix

Integers = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]
Colour = tuple[int, int, int]

WHITE, PAPER, INK, GREY = (255, 255, 255), (244, 245, 247), (32, 33, 36), (95, 99, 104)
RIGHT, WRONG = (23, 78, 166), (197, 34, 31)

TEXT_PX, HEADING_PX = 12, 13
CELL_WIDTH, CELL_HEIGHT, CELL_GAP = 40, 26, 1
MARGIN_LEFT, MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 54, 34, 64, 44
MIN_WIDTH = 300

# A pixel of a confusion matrix combines a background with a strength of ink, so its palette contains every possible
# colour and no colours need to be quantized: 2 + 31 + 31 backgrounds by 4 strengths of ink.
MARGIN, SIDE_NOTE, RIGHT_CELL, WRONG_CELL = 0, 1, 2, 33
SHADES, INK_STRENGTHS = 31, 4

ZOOM, FRAME, GRID_GAP, LINE_HEIGHT, GRID_COLUMNS = 3, 3, 8, 16, 5


@dataclass(frozen=True)
class Picture:
    """An image in the form that TensorBoard expects. width, height: in pixels; png: the encoded file."""

    width: int
    height: int
    png: bytes


@dataclass(frozen=True)
class _Tile:
    image: UInt8Array
    captions: tuple[str, ...]
    wrong: bool


def confusion_picture(confusion: ConfusionMatrix, head: str) -> Picture:
    """Draws a confusion matrix: rows are labels, columns predictions, with each label's recall at the right.

    A cell's colour shows its share of its row: blue if the prediction is correct, red if wrong. Red uses the cube root
    of the share, so that one mistake in a hundred is visible.

    Args:
        confusion: (classes, classes), [label][prediction] counts images.
        head: `digit` or `parity`, for the axes.
    """
    counts = np.asarray(confusion, dtype=np.int64)  # (classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # 0 for a label without images
    side = len(counts)
    width, height = MARGIN_LEFT + side * CELL_WIDTH + MARGIN_RIGHT, MARGIN_TOP + side * CELL_HEIGHT + MARGIN_BOTTOM
    ground = Image.new("L", (max(width, MIN_WIDTH), height), MARGIN)
    ink = Image.new("L", ground.size, 0)
    _draw_cells(ImageDraw.Draw(ground), ink, counts, shares)
    _draw_axes(ImageDraw.Draw(ground), ink, head, shares.diagonal())
    ImageDraw.Draw(ink).text((MARGIN_LEFT, 9), _heading(head, counts), 255, _font(HEADING_PX))
    strengths = np.asarray(ink) // (256 // INK_STRENGTHS)
    image = Image.fromarray(np.asarray(ground) * np.uint8(INK_STRENGTHS) + strengths)
    image.putpalette(_confusion_palette())
    return _encode(image)


def labelled_digits(images: UInt8Array, labels: Integers) -> Picture:
    """Draws digits, dark on light, in rows of five, with their labels below.

    Args:
        images: (n, 28, 28) uint8, 0 is background.
        labels: (n,) 0..9.
    """
    return _grid([_Tile(image, (str(digit),), False) for image, digit in zip(images, labels, strict=True)])


def predicted_digits(images: UInt8Array, labels: Integers, predicted: Integers, probability: Floats) -> Picture:
    """Draws digits with their labels and predictions; wrong ones are framed and written in red.

    Args:
        images: (n, 28, 28) uint8, 0 is background.
        labels: (n,) 0..9.
        predicted: (n,) 0..9.
        probability: (n,) of the predicted digit, in [0, 1].
    """
    rows = zip(images, labels, predicted, probability, strict=True)
    return _grid(
        [
            _Tile(image, (f"label {digit}", f"read {guess}, {share:.0%}"), bool(digit != guess))
            for image, digit, guess, share in rows
        ]
    )


def _draw_cells(
    ground: ImageDraw.ImageDraw, ink: Image.Image, counts: IndexArray, shares: npt.NDArray[np.float64]
) -> None:
    for label, prediction in np.ndindex(counts.shape):
        left, top = MARGIN_LEFT + prediction * CELL_WIDTH, MARGIN_TOP + label * CELL_HEIGHT
        right, bottom = left + CELL_WIDTH - CELL_GAP, top + CELL_HEIGHT - CELL_GAP
        share = float(shares[label, prediction])
        first, depth = (RIGHT_CELL, share) if label == prediction else (WRONG_CELL, share ** (1 / 3))
        ground.rectangle((left, top, right - 1, bottom - 1), first + round(depth * (SHADES - 1)))
        if counts[label, prediction]:  # cells with zero stay empty, which makes the mistakes stand out
            middle = ((left + right) / 2, (top + bottom) / 2)
            _write(ink, middle, str(counts[label, prediction]))


def _draw_axes(ground: ImageDraw.ImageDraw, ink: Image.Image, head: str, recalls: npt.NDArray[np.float64]) -> None:
    side = len(recalls)
    right, bottom = MARGIN_LEFT + side * CELL_WIDTH, MARGIN_TOP + side * CELL_HEIGHT
    ground.rectangle((right, MARGIN_TOP, right + MARGIN_RIGHT, bottom + 20), SIDE_NOTE)
    for number, recall in enumerate(recalls):
        name = CLASS_NAMES[head][number]
        x, y = MARGIN_LEFT + (number + 0.5) * CELL_WIDTH, MARGIN_TOP + (number + 0.5) * CELL_HEIGHT
        _write(ink, (MARGIN_LEFT - 8, y), name, "rm")
        _write(ink, (x, bottom + 10), name)
        _write(ink, (right + 52, y), f"{recall:.1%}", "rm")
    _write(ink, (8, MARGIN_TOP - 10), "label", "lm")
    _write(ink, ((MARGIN_LEFT + right) / 2, bottom + 29), "predicted")
    _write(ink, (right + 52, bottom + 10), "recall", "rm")


def _write(ink: Image.Image, position: tuple[float, float], text: str, anchor: str = "mm") -> None:
    stamp, left, top = _stamp(text, anchor)
    ink.paste(stamp, (round(position[0]) + left, round(position[1]) + top))


@lru_cache(maxsize=1024)
def _stamp(text: str, anchor: str) -> tuple[Image.Image, int, int]:
    # Cached: most counts are small and repeat, and drawing text takes longer than the rest of a picture.
    left, top, right, bottom = (round(edge) for edge in _font(TEXT_PX).getbbox(text, anchor=anchor))
    stamp = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(stamp).text((-left, -top), text, 255, _font(TEXT_PX), anchor=anchor)
    return stamp, left, top


def _heading(head: str, counts: IndexArray) -> str:
    total, right = int(counts.sum()), int(counts.trace())
    share = f" ({right / total:.2%})" if total else ""
    return f"{head}: {right:,} of {total:,} right{share}"


@cache
def _confusion_palette() -> bytes:
    ramps = [(full, float(depth)) for full in (RIGHT, WRONG) for depth in np.linspace(0, 1, SHADES)]
    cells = [(_blend(PAPER, full, depth), WHITE if depth > 0.5 else INK) for full, depth in ramps]
    strengths = [step / (INK_STRENGTHS - 1) for step in range(INK_STRENGTHS)]
    pairs = [(WHITE, INK), (WHITE, GREY), *cells]
    return bytes(
        channel for ground, ink in pairs for strength in strengths for channel in _blend(ground, ink, strength)
    )


def _grid(tiles: Sequence[_Tile]) -> Picture:
    lines = max((len(tile.captions) for tile in tiles), default=0)
    tile_width = IMAGE_SIDE * ZOOM + 2 * FRAME
    tile_height = tile_width + lines * LINE_HEIGHT
    columns, rows = min(max(len(tiles), 1), GRID_COLUMNS), max(-(-len(tiles) // GRID_COLUMNS), 1)
    step_x, step_y = tile_width + GRID_GAP, tile_height + GRID_GAP
    image = Image.new("RGB", (columns * step_x + GRID_GAP, rows * step_y + GRID_GAP), WHITE)
    draw = ImageDraw.Draw(image)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, GRID_COLUMNS)
        _draw_tile(image, draw, (GRID_GAP + column * step_x, GRID_GAP + row * step_y), tile)
    return _encode(image)


def _draw_tile(image: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], tile: _Tile) -> None:
    left, top = corner
    side = IMAGE_SIDE * ZOOM + 2 * FRAME
    draw.rectangle((left, top, left + side - 1, top + side - 1), WRONG if tile.wrong else PAPER)
    digit = Image.fromarray(255 - tile.image).resize((side - 2 * FRAME, side - 2 * FRAME), Image.Resampling.NEAREST)
    image.paste(digit, (left + FRAME, top + FRAME))
    for number, caption in enumerate(tile.captions):
        position = (left + side / 2, top + side + (number + 0.5) * LINE_HEIGHT)
        draw.text(position, caption, WRONG if tile.wrong else INK, _font(TEXT_PX), anchor="mm")


def _encode(image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture(image.width, image.height, file.getvalue())


def _blend(ground: Colour, full: Colour, depth: float) -> Colour:
    red, green, blue = (round(a + (b - a) * depth) for a, b in zip(ground, full, strict=True))
    return red, green, blue


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MissingLibrary("Pillow was built without FreeType, which draws text: install Pillow from its wheel")
    # Digits and plain words need no text shaping, which would take most of the time.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
