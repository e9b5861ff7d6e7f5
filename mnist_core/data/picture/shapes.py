"""Chooses, among the connected shapes of ink, those that are the digit, and notices a second one."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mnist_core.data.picture.decoding import Grey
from mnist_core.data.picture.paper import Mask

# The longer side of a digit has at least so many pixels, and this share of the picture's longer side.
_FEWEST_PIXELS = 6
_SMALLEST_DIGIT = 0.04
# Of a blot, a speck or a shadow, the largest circle inside is nearly as large as the shape itself.
_BLOT = 0.62
# A piece belongs to the digit if it is no farther away than this share of the digit's height, and not tiny.
_NEAR = 0.15
_TINY = 0.01
# Another digit is at least this share of the first in height and in ink, and stands apart.
_SECOND_HEIGHT = 0.5
_SECOND_INK = 0.15
_APART = 0.04


@dataclass(frozen=True)
class _Shape:
    """A connected shape of ink: its label, area in pixels, rectangle, and whether it touches the picture's border."""

    label: int
    area: int
    top: int
    bottom: int
    left: int
    right: int
    at_border: bool

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def long_side(self) -> int:
        return max(self.height, self.right - self.left)

    def gap(self, other: "_Shape") -> tuple[int, int]:
        """Returns how far apart the rectangles are, down and across; negative if they overlap."""
        down = max(self.top, other.top) - min(self.bottom, other.bottom)
        across = max(self.left, other.left) - min(self.right, other.right)
        return down, across


def choose_digit(ink: Mask) -> tuple[Mask, int] | None:
    """Returns the pixels of the largest digit and the number of digits seen; None if no shape looks like a digit."""
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    shapes = _shapes(labels)
    least = max(_FEWEST_PIXELS, _SMALLEST_DIGIT * max(ink.shape))
    digits = [shape for shape in shapes if shape.long_side >= least and not _is_blot(labels, shape)]
    if not digits:
        return None
    main = max(digits, key=lambda shape: shape.area * (0.2 if shape.at_border else 1.0))
    others = [shape for shape in digits if _is_another_digit(shape, main)]
    pieces = [shape.label for shape in shapes if shape not in others and _belongs_to(shape, main)]
    return np.isin(labels, [main.label, *pieces]), 1 + len(others)


def _shapes(labels: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]") -> list[_Shape]:
    height, width = labels.shape
    areas = np.bincount(labels.ravel())
    found = []
    for label, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        at_border = rows.start == 0 or columns.start == 0 or rows.stop == height or columns.stop == width
        found.append(
            _Shape(label, int(areas[label]), rows.start, rows.stop, columns.start, columns.stop, bool(at_border))
        )
    return found


def _is_blot(labels: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]", shape: _Shape) -> bool:
    part = np.pad(labels[shape.top : shape.bottom, shape.left : shape.right] == shape.label, 1)
    return bool(2 * ndimage.distance_transform_edt(part).max() - 1 > _BLOT * shape.long_side)


def _is_another_digit(shape: _Shape, main: _Shape) -> bool:
    if shape is main or shape.at_border:
        return False
    if shape.long_side < _SECOND_HEIGHT * main.long_side or shape.area < _SECOND_INK * main.area:
        return False
    return max(shape.gap(main)) > _APART * main.long_side


def _belongs_to(shape: _Shape, main: _Shape) -> bool:
    if shape is main or shape.area < _TINY * main.area or (shape.at_border and not main.at_border):
        return False
    return max(shape.gap(main)) <= _NEAR * main.long_side


def strength(dark: Grey, digit: Mask) -> float:
    """Returns how dark the ink of the digit is, 0..1, without its soft edges."""
    return float(np.percentile(dark[digit], 90))


def share_at_border(digit: Mask) -> float:
    """Returns how many pixels of a shape are at the picture's border, as a share of its longer side."""
    at_border = sum(int(side.sum()) for side in (digit[0], digit[-1], digit[:, 0], digit[:, -1]))
    return at_border / max(int(np.ptp(each)) + 1 for each in np.nonzero(digit))
