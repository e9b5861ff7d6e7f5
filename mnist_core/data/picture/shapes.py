"""Chooses, among the connected shapes of ink, those that are the digit, and notices a second one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mnist_core.data.picture.decoding import Grey
from mnist_core.data.picture.paper import Mask

Labels = npt.NDArray[np.int32]

# The longer side of a digit has at least so many pixels, and this share of the picture's longer side.
_FEWEST_PIXELS = 6
_SMALLEST_DIGIT = 0.04
# Of a blot, a speck or a shadow, the largest circle inside is nearly as large as the shape itself.
_BLOT = 0.62
# A shadow's edge is soft: per pixel, it rises by less than this share of the shadow's own darkness. Strokes that are as
# blurred are thinner, as a share of their length, or darker.
_SOFT = 0.08
_THICK = 0.2
_DARK = 0.7
# A fold runs straight from one side of the picture to the opposite one, and is lighter than this.
_FOLD = 0.45
_STRAIGHT = 0.05
# Ink is darker than this share of the darkest; what is lighter and broader than this many strokes is a shadow.
_CORE = 0.72
_BROAD = 1.5
# A piece belongs to the digit if it is no farther away than this share of the digit's height, and not tiny.
_NEAR = 0.15
_TINY = 0.01
# Another digit is at least this share of the first in height and in ink, and stands apart: at its side, or farther away
# above or below, where the strokes of a broken digit are.
_SECOND_HEIGHT = 0.5
_SECOND_INK = 0.15
_BESIDE = 0.04


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


def choose_digit(ink: Mask, dark: Grey) -> tuple[Mask, int] | None:
    """Chooses the largest digit.

    Args:
        ink: what may be a digit.
        dark: how much darker than the paper each pixel is, 0..1.

    Returns:
        The digit's pixels and the number of digits seen; None if no shape looks like a digit.
    """
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    shapes = _shapes(labels)
    least = max(_FEWEST_PIXELS, _SMALLEST_DIGIT * max(ink.shape))
    steps = _steps(dark)
    digits = [shape for shape in shapes if shape.long_side >= least and not _is_no_stroke(labels, shape, dark, steps)]
    if not digits:
        return None
    main = max(digits, key=lambda shape: shape.area * (0.2 if shape.at_border else 1.0))
    others = [shape for shape in digits if _is_another_digit(shape, main)]
    pieces = [shape.label for shape in shapes if shape not in others and _belongs_to(shape, main)]
    return np.isin(labels, [main.label, *pieces]), 1 + len(others)


def _shapes(labels: Labels) -> list[_Shape]:
    height, width = labels.shape
    areas = np.bincount(labels.ravel())
    found = []
    for label, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        at_border = rows.start == 0 or columns.start == 0 or rows.stop == height or columns.stop == width
        found.append(
            _Shape(label, int(areas[label]), rows.start, rows.stop, columns.start, columns.stop, bool(at_border))
        )
    return found


def _is_no_stroke(labels: Labels, shape: _Shape, dark: Grey, steps: Grey) -> bool:
    """Checks whether a shape is a blot, a shadow or a fold: too thick for its length, too soft, or too straight."""
    part = (slice(shape.top, shape.bottom), slice(shape.left, shape.right))
    drawn = labels[part] == shape.label
    thickness = 2 * float(ndimage.distance_transform_edt(np.pad(drawn, 1)).max()) - 1
    if thickness > _BLOT * shape.long_side:
        return True
    level = float(np.percentile(dark[part][drawn], 90))
    if level < _FOLD and _runs_through(drawn, dark.shape):
        return True
    if level >= _DARK or thickness <= _THICK * shape.long_side:
        return False
    return _is_soft(_edge(labels == shape.label), steps, level)


def _steps(dark: Grey) -> Grey:
    """Returns by how much the darkness changes from pixel to pixel."""
    return np.asarray(ndimage.gaussian_gradient_magnitude(dark, 1.0), np.float32)


def _edge(mask: Mask) -> Mask:
    """Returns the outermost pixels of shapes; where the picture ends, a shape has no edge."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=1), np.bool_)


def _is_soft(edge: Mask, steps: Grey, level: float) -> bool:
    return bool(edge.any()) and float(np.median(steps[edge])) < _SOFT * level


def _runs_through(mask: Mask, picture: tuple[int, ...]) -> bool:
    """Checks whether a shape is one straight line from side to side of a picture that is far broader than it."""
    height, width = picture
    if mask.shape[0] == height and mask.shape[1] <= width / 2:
        return _is_straight(mask)
    return mask.shape[1] == width and mask.shape[0] <= height / 2 and _is_straight(mask.T)


def _is_straight(mask: Mask) -> bool:
    """Checks whether a shape that reaches from top to bottom is about as straight as a ruler."""
    rows = np.arange(len(mask))
    breadths = mask.sum(axis=1)
    middles = (mask @ np.arange(mask.shape[1])) / breadths
    off = np.abs(middles - np.polyval(np.polyfit(rows, middles, 1), rows))
    return bool(np.percentile(off, 90) <= max(1.5, _STRAIGHT * float(breadths.max())))


def without_shadows(ink: Mask, dark: Grey, typical: float) -> Mask:
    """Removes from the ink what is lighter and far broader than its strokes: shadows that touch or cross them.

    Args:
        ink: what may be a digit.
        dark: how much darker than the paper each pixel is, 0..1.
        typical: how dark the ink is.
    """
    core = ink & (dark > _CORE * typical)
    if (ink & ~core).sum() < core.sum() / 4 or _is_soft(_edge(core), _steps(dark), typical):
        return ink
    stroke = 4 * float(ndimage.distance_transform_edt(np.pad(core, 1))[1:-1, 1:-1][core].mean())
    reach = _BROAD * stroke / 2 + 2
    broad = ndimage.distance_transform_edt(ink) > reach
    if not broad.any():
        return ink
    return np.asarray(ink & (core | (ndimage.distance_transform_edt(~broad) > reach)), np.bool_)


def _is_another_digit(shape: _Shape, main: _Shape) -> bool:
    if shape is main or shape.at_border:
        return False
    if shape.height < _SECOND_HEIGHT * main.height or shape.area < _SECOND_INK * main.area:
        return False
    down, across = shape.gap(main)
    return across > _BESIDE * main.long_side or down > _NEAR * main.long_side


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
