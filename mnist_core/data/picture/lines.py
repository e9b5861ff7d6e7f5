"""Removes printed lines from a mask of ink: ruled and squared paper, folds, and the box of a form."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mnist_core.data.picture.paper import Mask

# Lines may be turned by so much: the rise over a width of 1.
_SLOPES = np.linspace(-0.12, 0.12, 49)
# A line covers so much of the width or height of the picture. It is accepted if it covers nearly all of it, or is one
# of so many parallel ones, or one of the four sides of a box: otherwise it may be a one, or the bar of a seven.
_COVERAGE = 0.55
_FULL_COVERAGE = 0.93
_PARALLEL = 3
# Lines that leave the picture at its side are seen in part: of so much of the width at least.
_COVERAGE_OF_PART = 0.15
# A line is no thicker than this share of the shorter side, or this many pixels.
_THICKEST = 0.035
_LEAST_THICKNESS = 4
# A box fills at least this share of the width and height of the picture, and its sides are no thicker than this share
# of its own. It may be empty if its sides are as straight as this.
_SMALLEST_BOX = 0.25
_THICKEST_SIDE = 0.1
_COVERAGE_OF_SIDE = 0.95
# Some boxes are drawn with two lines.
_BOXES = 2


@dataclass(frozen=True)
class _Line:
    """A line through a mask from left to right.

    Attributes:
        rows: (W,) its middle in each column.
        thickness: in pixels.
        coverage: the share of the columns with ink on it.
    """

    rows: npt.NDArray[np.int64]
    thickness: int
    coverage: float


def without_lines(ink: Mask) -> Mask:
    """Returns the ink without the lines that run through the picture, and without a box around the digit."""
    rest = _without(ink, *_accepted(_lines(ink), _lines(ink.T)))
    for _ in range(_BOXES):
        labels, _ = ndimage.label(rest, np.ones((3, 3)))
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            if all(part.stop - part.start >= _SMALLEST_BOX * side for part, side in zip(box, ink.shape, strict=True)):
                rest[box] = _without_box(rest[box], labels[box] == number)
    return rest


def _without_box(ink: Mask, shape: Mask) -> Mask:
    """Removes the sides of a box that touches all sides of the mask, if something is inside or they are straight."""
    across, down = _lines(shape), _lines(shape.T)
    if len(across) < 2 or len(down) < 2:
        across, down = _thick_sides(shape), _thick_sides(shape.T)
    if len(across) < 2 or len(down) < 2:
        return ink
    rest = _without(ink, across, down)
    is_straight = all(line.coverage >= _COVERAGE_OF_SIDE for line in (*across, *down))
    return rest if is_straight or rest.sum() > 0.1 * ink.sum() else ink


def _thick_sides(shape: Mask) -> list[_Line]:
    return [line for line in _lines(shape, _THICKEST_SIDE) if line.coverage >= _COVERAGE_OF_SIDE]


def _accepted(across: list[_Line], down: list[_Line]) -> tuple[list[_Line], list[_Line]]:
    if len(across) >= 2 and len(down) >= 2:
        return across, down
    return _accepted_alone(across), _accepted_alone(down)


def _accepted_alone(lines: list[_Line]) -> list[_Line]:
    return lines if len(lines) >= _PARALLEL else [line for line in lines if line.coverage >= _FULL_COVERAGE]


def _without(ink: Mask, across: list[_Line], down: list[_Line]) -> Mask:
    """Removes lines where they are alone: a stroke that crosses or follows one is thicker, and stays."""
    removed = _pixels(ink, across) | _pixels(ink.T, down).T
    rest = ink & ~removed
    if not removed.any():
        return rest
    size = 3 + max(line.thickness for line in (*across, *down))
    strokes = _without_crumbs(ndimage.binary_opening(rest, np.ones((2, 2))), 2 * size)
    healed = ndimage.binary_closing(np.pad(strokes, size), np.ones((size, size)))[size:-size, size:-size]
    return np.asarray(strokes | (healed & removed), np.bool_)


def _without_crumbs(ink: Mask, size: int) -> Mask:
    """Removes what is left where lines cross."""
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    small = [max(part.stop - part.start for part in box) <= size for box in ndimage.find_objects(labels)]
    return np.asarray(ink & ~np.array([False, *small])[labels], np.bool_)


def _pixels(ink: Mask, lines: list[_Line]) -> Mask:
    """Returns the ink that belongs to lines and to nothing else."""
    found = np.zeros_like(ink)
    columns = np.arange(ink.shape[1])
    for line in lines:
        reach = line.thickness + 2
        thick = ndimage.binary_opening(ink, np.ones((reach + 1, 1)))
        for step in range(-reach, reach + 1):
            rows = np.clip(line.rows + step, 0, len(ink) - 1)
            found[rows, columns] |= (ink & ~thick)[rows, columns]
    return found


def _lines(ink: Mask, thickest_share: float = _THICKEST) -> list[_Line]:
    """Finds thin lines from left to right, all turned by the same small angle."""
    height, width = ink.shape
    if min(height, width) < 16:
        return []
    rows, columns = np.nonzero(ndimage.binary_dilation(ink, np.ones((3, 1))))
    best: npt.NDArray[np.float64] = np.zeros(0)
    best_slope, best_score, margin = 0.0, -1.0, round(0.12 * width) + 1
    for slope in _SLOPES:
        heights = rows - np.rint(slope * (columns - width / 2)).astype(int) + margin
        hits = np.bincount(heights, minlength=height + 2 * margin)
        coverage = hits / _visible(height, width, slope, margin).clip(_COVERAGE_OF_PART * width)
        score = float(((hits / width) ** 3).sum())
        if score > best_score:
            best, best_slope, best_score = coverage, float(slope), score
    shift = np.rint(best_slope * (np.arange(width) - width / 2)).astype(int)
    bands, count = ndimage.label(best > _COVERAGE)
    thickest = max(_LEAST_THICKNESS, round(thickest_share * min(height, width)))
    found = []
    for band in range(1, count + 1):
        heights = np.flatnonzero(bands == band)
        thickness = max(1, len(heights) - 2)
        if thickness <= thickest:
            middle = round(float(heights.mean())) - margin
            found.append(_Line(np.clip(shift + middle, 0, height - 1), thickness, float(best[heights].max())))
    return found


def _visible(height: int, width: int, slope: float, margin: int) -> npt.NDArray[np.int64]:
    """Returns how many columns of a line at each height, from -margin on, lie within the picture."""
    starts = margin - np.rint(slope * (np.arange(width) - width / 2)).astype(int)
    changes = np.bincount(starts, minlength=height + 2 * margin + 1)
    ends = np.bincount(starts + height, minlength=height + 2 * margin + 1)
    return np.asarray(np.cumsum(changes - ends)[: height + 2 * margin], np.int64)
