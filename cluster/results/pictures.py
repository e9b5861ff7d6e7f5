"""Draws the pictures of a study as PNGs: confusion matrices, first images, mistakes. Writes no files.

TensorBoard shows pictures 350 pixels wide on its page Images, and 215 high on Time Series, and scales others by nearest
neighbour, which breaks letters. So all have this size.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
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

WIDTH, HEIGHT = 350, 215
TEXT_PX, LINE_HEIGHT = 12, 15

WHITE, PAPER, INK, GREY = (255, 255, 255), (246, 247, 249), (32, 33, 36), (95, 99, 104)
RIGHT, WRONG = (222, 230, 240), (197, 34, 31)

HEADING_HEIGHT, NAMES_HEIGHT, NOTE_HEIGHT = 19, 15, 16
SHARE_WIDTH, NAME_GAP, CELL_GAP = 46, 6, 1

ZOOM, TILE_GAP, FRAME = 2, 2, 1
TILE = IMAGE_SIDE * ZOOM
MISTAKES_PER_PICTURE = 12
MISTAKE_COLUMNS, DIGIT_COLUMNS = 6, 5


@dataclass(frozen=True)
class Picture:
    """An image in the form that TensorBoard expects. width, height: in pixels; png: the encoded file."""

    width: int
    height: int
    png: bytes


@dataclass(frozen=True)
class _Grid:
    """Where the cells of a confusion matrix are."""

    left: int
    side: int

    def box(self, label: int, prediction: int) -> tuple[int, int, int, int]:
        """Returns the pixels of a cell: left, top, right and bottom, inclusive."""
        left, right = (self.left + round(self._width * edge) for edge in (prediction, prediction + 1))
        top, bottom = (HEADING_HEIGHT + round(self._height * edge) for edge in (label, label + 1))
        return left, top, right - 1 - CELL_GAP, bottom - 1 - CELL_GAP

    def middle(self, label: int, prediction: int) -> tuple[float, float]:
        """Returns the middle of a cell."""
        left, top, right, bottom = self.box(label, prediction)
        return (left + right + 1) / 2, (top + bottom + 1) / 2

    @property
    def bottom(self) -> int:
        """The first pixel below the cells."""
        return HEIGHT - NAMES_HEIGHT - NOTE_HEIGHT

    @property
    def _width(self) -> float:
        return (WIDTH - self.left - SHARE_WIDTH) / self.side

    @property
    def _height(self) -> float:
        return (self.bottom - HEADING_HEIGHT) / self.side


def confusion_picture(confusion: ConfusionMatrix, head: str) -> Picture:
    """Draws a confusion matrix: rows are labels, columns predictions, with each label's share of right ones beside it.

    The diagonal is pale, so that the mistakes stand out: the more there are in a cell, the darker is its red, up to the
    cell that has most.

    Args:
        confusion: (classes, classes), [label][prediction] counts images.
        head: `digit` or `parity`, for the names of the classes.
    """
    counts = np.asarray(confusion, dtype=np.int64)  # (classes, classes)
    names = CLASS_NAMES[head]
    grid = _Grid(max(round(_font().getlength(name)) for name in names) + 2 * NAME_GAP, len(counts))
    image, draw = _new_picture(_heading(head, counts))
    _draw_cells(draw, grid, counts)
    shares = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        (_, y), (x, _) = grid.middle(number, 0), grid.middle(0, number)
        _write(draw, (grid.left - NAME_GAP, y), name, INK, "rm")
        _write(draw, (x, grid.bottom + NAMES_HEIGHT / 2), name, INK)
        _write(draw, (WIDTH - 4, y), f"{share:.1%}", GREY, "rm")
    _write(draw, (grid.left, HEIGHT - NOTE_HEIGHT / 2), "rows: labels   columns: predictions", GREY, "lm")
    return _encode(image)


def labelled_digits(images: UInt8Array, labels: Integers) -> Picture:
    """Draws up to ten digits, dark on light, with their labels below.

    Args:
        images: (n, 28, 28) uint8, 0 is background.
        labels: (n,) 0..9.
    """
    captions = [(f"{label}",) for label in labels]
    return _draw_tiles("the first training images and their labels", images, captions, DIGIT_COLUMNS)


def mistake_pictures(images: UInt8Array, labels: Integers, predicted: Integers, probability: Floats) -> list[Picture]:
    """Draws misread digits, twelve in a picture: what each is, what it was read as, and how sure the network was.

    Args:
        images: (n, 28, 28) uint8, 0 is background.
        labels: (n,) 0..9.
        predicted: (n,) 0..9.
        probability: (n,) of the predicted digit, in [0, 1].
    """
    heading = "worst mistakes: what it is, what was read, how surely"
    captions = [
        (f"{label} read {guess}", f"{share:.1%}")
        for label, guess, share in zip(labels, predicted, probability, strict=True)
    ]
    starts = range(0, len(images), MISTAKES_PER_PICTURE)
    pages = [slice(start, start + MISTAKES_PER_PICTURE) for start in starts]
    return [_draw_tiles(heading, images[page], captions[page], MISTAKE_COLUMNS) for page in pages]


def _draw_cells(draw: ImageDraw.ImageDraw, grid: _Grid, counts: IndexArray) -> None:
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    depths = np.sqrt(mistakes / max(mistakes.max(), 1))
    for label, prediction in np.ndindex(counts.shape):
        count, depth = counts[label, prediction], float(depths[label, prediction])
        is_right = label == prediction
        draw.rectangle(grid.box(label, prediction), RIGHT if is_right else _blend(PAPER, WRONG, depth))
        if count:  # cells with zero stay empty
            ink = GREY if is_right else WHITE if depth > 0.6 else INK
            _write(draw, grid.middle(label, prediction), _short_count(int(count)), ink)


def _short_count(count: int) -> str:
    """Returns a count in at most four characters, which is how wide a cell is."""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= unit:
            return f"{count // (1000 if letter == 'k' else unit)}{letter}"
    return str(count)


def _heading(head: str, counts: IndexArray) -> str:
    total, right = int(counts.sum()), int(counts.trace())
    share = f" ({right / total:.2%})" if total else ""
    return f"{head}: {right:,} of {total:,} right{share}"


def _draw_tiles(heading: str, images: UInt8Array, captions: Sequence[tuple[str, ...]], columns: int) -> Picture:
    """Draws digits in rows, with the lines of their captions below."""
    lines = max(map(len, captions), default=0)
    step = WIDTH / columns
    row_height = TILE + lines * LINE_HEIGHT + 3 * TILE_GAP
    picture, draw = _new_picture(heading)
    for index, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(index, columns)
        x, y = round((column + 0.5) * step), HEADING_HEIGHT + row * row_height
        draw.rectangle((x - TILE // 2 - FRAME, y, x + TILE // 2 + FRAME - 1, y + TILE + 2 * FRAME - 1), outline=RIGHT)
        digit = Image.fromarray(255 - pixels).resize((TILE, TILE), Image.Resampling.NEAREST)
        picture.paste(digit, (x - TILE // 2, y + FRAME))
        for line, text in enumerate(caption):
            _write(draw, (x, y + TILE + 2 * FRAME + (line + 0.5) * LINE_HEIGHT), text, INK)
    return _encode(picture)


def _new_picture(heading: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (WIDTH, HEIGHT), WHITE)
    draw = ImageDraw.Draw(image)
    _write(draw, (4, HEADING_HEIGHT / 2), heading, INK, "lm")
    return image, draw


def _write(
    draw: ImageDraw.ImageDraw, position: tuple[float, float], text: str, ink: Colour, anchor: str = "mm"
) -> None:
    draw.text((round(position[0]), round(position[1])), text, ink, _font(), anchor=anchor)


def _encode(image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture(image.width, image.height, file.getvalue())


def _blend(ground: Colour, full: Colour, depth: float) -> Colour:
    red, green, blue = (round(a + (b - a) * depth) for a, b in zip(ground, full, strict=True))
    return red, green, blue


@cache
def _font() -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(TEXT_PX)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MissingLibrary("Pillow was built without FreeType, which draws text: install Pillow from its wheel")
    # Digits and plain words need no text shaping, which would take most of the time.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
