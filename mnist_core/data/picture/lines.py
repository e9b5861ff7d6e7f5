"""Removes printed lines from a mask of ink: ruled and squared paper, folds, and the box of a form."""

from dataclasses import dataclass
from typing import Any

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
# Two folds cross: their slopes differ by this at least.
_APART = 0.03
# Lines that leave the picture at its side are seen in part: of so much of the width at least.
_COVERAGE_OF_PART = 0.15
# A line is no thicker than this share of the picture's side, the mean of both, or this many pixels.
_THICKEST = 0.035
_LEAST_THICKNESS = 4
# A box is at least this share of the picture's side long, in the mean of width and height, and its sides are no thicker
# than this share of its own. It may be empty, or have thick sides, if they are as straight as this. Its corners may be
# round.
_SMALLEST_BOX = 0.25
_THICKEST_SIDE = 0.1
_COVERAGE_OF_SIDE = 0.95
_COVERAGE_OF_ROUNDED_SIDE = 0.7
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


@dataclass(frozen=True)
class _Direction:
    """What lies on the parallel lines of one slope.

    Attributes:
        slope: the rise over a width of 1.
        coverage: for each line, the share of its columns with ink on it; the first lies `_margin` above the picture.
        score: how clearly there are lines.
    """

    slope: float
    coverage: npt.NDArray[np.float64]
    score: float


def without_lines(ink: Mask) -> Mask:
    """Returns the ink without the lines that run through the picture, and without a box around the digit."""
    free = _without_boxes(ink)
    across, down = _directions(free), _directions(free.T)
    rest = _without(free, *_accepted(_clearest(free, across), _clearest(free.T, down)))
    rest = rest & _without(free, _crossing(free, across), _crossing(free.T, down))
    return rest if (rest == free).all() else _without_boxes(rest)


def _without_boxes(ink: Mask) -> Mask:
    rest = ink
    for _ in range(_BOXES):
        before, rest = rest, rest.copy()
        labels, _ = ndimage.label(before, np.ones((3, 3)))
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            if _mean_side(labels[box]) >= _SMALLEST_BOX * _mean_side(ink):
                rest[box] = _without_box(rest[box], labels[box] == number)
        if (rest == before).all():
            break
    return rest


def _mean_side(mask: npt.NDArray[Any]) -> float:
    return float(np.sqrt(mask.size))


def _without_box(ink: Mask, shape: Mask) -> Mask:
    """Removes the sides of a box that touches all sides of the mask, if something is inside or they are straight."""
    sides = _sides(shape)
    if sides is None:
        return ink
    rest = _without(ink, *sides)
    is_straight = all(line.coverage >= _COVERAGE_OF_SIDE for line in (*sides[0], *sides[1]))
    return rest if is_straight or rest.sum() > 0.1 * ink.sum() else ink


def _sides(shape: Mask) -> tuple[list[_Line], list[_Line]] | None:
    """Finds the lines across and down of a box; None if the shape is not a box."""
    across = _directions(shape)
    thin, thick = _thin_sides(shape, across), _thick_sides(shape, across)
    if max(len(thin), len(thick)) < 2:
        return None
    down = _directions(shape.T)
    for sides in ((thin, _thin_sides(shape.T, down)), (thick, _thick_sides(shape.T, down))):
        if min(len(sides[0]), len(sides[1])) >= 2:
            return sides
    return None


def _thin_sides(shape: Mask, directions: list[_Direction]) -> list[_Line]:
    return [line for line in _clearest(shape, directions) if line.coverage >= _COVERAGE_OF_ROUNDED_SIDE]


def _thick_sides(shape: Mask, directions: list[_Direction]) -> list[_Line]:
    return [line for line in _clearest(shape, directions, _THICKEST_SIDE) if line.coverage >= _COVERAGE_OF_SIDE]


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


def _clearest(ink: Mask, directions: list[_Direction], thickest_share: float = _THICKEST) -> list[_Line]:
    """Finds thin lines from left to right in the direction in which there are most."""
    best = max(directions, key=lambda each: each.score, default=None)
    return [] if best is None else _lines_along(ink, best, thickest_share)


def _crossing(ink: Mask, directions: list[_Direction]) -> list[_Line]:
    """Finds lines that run through the picture in the clearest direction and in another one."""
    best = max(directions, key=lambda each: each.score, default=None)
    if best is None:
        return []
    others = [each for each in directions if abs(each.slope - best.slope) >= _APART]
    other = max(others, key=lambda each: float(each.coverage.max()))
    if other.coverage.max() < _FULL_COVERAGE:
        return []
    lines = [*_lines_along(ink, best, _THICKEST), *_lines_along(ink, other, _THICKEST)]
    return [line for line in lines if line.coverage >= _FULL_COVERAGE]


def _directions(ink: Mask) -> list[_Direction]:
    height, width = ink.shape
    if min(height, width) < 16:
        return []
    rows, columns = np.nonzero(ndimage.binary_dilation(ink, np.ones((3, 1))))
    margin = _margin(width)
    found = []
    for slope in _SLOPES:
        heights = rows - np.rint(slope * (columns - width / 2)).astype(int) + margin
        hits = np.bincount(heights, minlength=height + 2 * margin)
        coverage = hits / _visible(height, width, slope, margin).clip(_COVERAGE_OF_PART * width)
        found.append(_Direction(float(slope), coverage, float(((hits / width) ** 3).sum())))
    return found


def _lines_along(ink: Mask, direction: _Direction, thickest_share: float) -> list[_Line]:
    height, width = ink.shape
    shift = np.rint(direction.slope * (np.arange(width) - width / 2)).astype(int)
    bands, count = ndimage.label(direction.coverage > _COVERAGE)
    thickest = max(_LEAST_THICKNESS, round(thickest_share * _mean_side(ink)))
    found = []
    for band in range(1, count + 1):
        heights = np.flatnonzero(bands == band)
        thickness = max(1, len(heights) - 2)
        if thickness <= thickest:
            rows = np.clip(shift + round(float(heights.mean())) - _margin(width), 0, height - 1)
            found.append(_Line(rows, thickness, float(direction.coverage[heights].max())))
    return found


def _margin(width: int) -> int:
    """Returns how far beyond the picture the middle of a line can be."""
    return round(float(_SLOPES[-1]) * width) + 1


def _visible(height: int, width: int, slope: float, margin: int) -> npt.NDArray[np.int64]:
    """Returns how many columns of a line at each height, from -margin on, lie within the picture."""
    starts = margin - np.rint(slope * (np.arange(width) - width / 2)).astype(int)
    changes = np.bincount(starts, minlength=height + 2 * margin + 1)
    ends = np.bincount(starts + height, minlength=height + 2 * margin + 1)
    return np.asarray(np.cumsum(changes - ends)[: height + 2 * margin], np.int64)
