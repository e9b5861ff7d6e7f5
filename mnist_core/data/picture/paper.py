"""Finds the paper in a grey picture, and how dark each pixel is against it: sheets on a table, edges, light, shadows.

scipy.ndimage is imported here and beside it only, so that nothing but `predict` loads it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mnist_core.data.picture.decoding import Grey

Mask = npt.NDArray[np.bool_]

# The side to which a picture is reduced to see whether its ink is dark or light.
_THUMBNAIL = 64
# A stroke is thinner than this share of the picture's shorter side; broader changes of the light are the paper's.
_BROADEST_STROKE = 0.45
# The lightest 1 % and the darkest 1 % of the pixels span the picture's range; a sheet's edge steps by this share of it.
_STEP = 0.2
# Paper in a shadow is lighter than this share of paper in the light; a table or a scanner's edge is darker.
_SHADOW = 0.55
# Ink covers less than this share of a picture.
_MOST_INK = 0.4
# Out of 255: where nothing else decides, lighter paper than this is the background of dark ink.
_LIGHT = 128.0
# Paper beside a shadow is light along one stretch of the picture's border, of at least this share of it, and broad: the
# largest square in it has at least this share of the picture's shorter side.
_LEAST_STRETCH = 0.2
_BROAD_LIGHT = 0.25
# Slow changes of the light are made even if what is left of the paper's lightness varies by less than this share.
_FITTED = 0.03
# A sheet fills its rectangle, whatever the angle, by this share. A round digit fills 0.79.
_RECTANGULAR = 0.86
_SMALLEST_SHEET = 0.2
# Where darkness varies by more than this, or half of the pixels are darker than this, about half of the picture is ink:
# of a bold digit, cut out closely.
_MOST_NOISE = 0.1
_INK = 0.3
# The paper is never taken for darker than this share of its lightest part: below, noise would look like ink.
_DARKEST_PAPER = 0.35


def cut_to_sheet(grey: Grey) -> Grey:
    """Cuts the picture to the light sheet that lies on a dark table; returns it unchanged if there is none."""
    level = otsu_threshold(grey)
    light = grey > level
    if min(grey.shape) < _THUMBNAIL or light.mean() < _SMALLEST_SHEET or _border(light).mean() > 0.5:
        return grey
    labels, count = ndimage.label(light)
    if not count:
        return grey
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    sheet = ndimage.binary_fill_holes(largest)
    if not _is_sheet(sheet, largest, grey):
        return grey
    margin = 2 + round(0.01 * max(grey.shape))
    inside = ndimage.binary_erosion(sheet, iterations=margin)
    if not inside.any():
        return grey
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    continued: Grey = grey[tuple(nearest)]
    return np.asarray(continued[ndimage.find_objects(inside.astype(np.int8))[0]])


def _is_sheet(sheet: Mask, light: Mask, grey: Grey) -> bool:
    """Checks that a filled region is a large rectangle, mostly light, with a sharp edge."""
    area = sheet.mean()
    if area < _SMALLEST_SHEET or light.sum() < 0.7 * sheet.sum() or _rectangularity(sheet) < _RECTANGULAR:
        return False
    rim = ndimage.binary_erosion(sheet, iterations=2) & ~ndimage.binary_erosion(sheet, iterations=5)
    around = ndimage.binary_dilation(sheet, iterations=5) & ~ndimage.binary_dilation(sheet, iterations=2)
    if not around.any() or not rim.any():
        return False
    level, outside = float(np.median(grey[rim])), float(np.median(grey[around]))
    return level - outside > _STEP * _range(grey) and (outside < _SHADOW * level or not _border(sheet).any())


def _rectangularity(region: Mask) -> float:
    """Returns the share of the smallest rectangle around a region, at any angle, that the region fills."""
    rows, columns = np.nonzero(region & ~ndimage.binary_erosion(region))
    angles = np.radians(np.arange(0, 90, 2))
    across = np.cos(angles)[:, None] * columns + np.sin(angles)[:, None] * rows
    down = np.cos(angles)[:, None] * rows - np.sin(angles)[:, None] * columns
    return float(region.sum() / ((np.ptp(across, axis=1) + 1) * (np.ptp(down, axis=1) + 1)).min())


def is_light_on_dark(grey: Grey) -> bool:
    """Decides whether the ink is lighter than the paper, by the first of these that is clear.

    The range on both sides of the paper's lightness, thin shapes, broad shapes, the border.
    """
    zoom = min(1.0, _THUMBNAIL / max(grey.shape))
    small = ndimage.zoom(ndimage.uniform_filter(grey, max(1, round(1 / zoom))), zoom, order=1)
    even = without_gradient(small)
    if _is_beside_shadow(even > otsu_threshold(even)):
        return False
    darkest, paper, lightest = np.percentile(even, (0.2, 50, 99.8))
    if max(lightest - paper, paper - darkest) > 2 * min(lightest - paper, paper - darkest):
        return bool(lightest - paper > paper - darkest)
    width = max(3, min(small.shape) // 5)
    filled = ndimage.grey_closing(_continued(small, width), (width, width))[width:-width, width:-width]
    opened = -ndimage.grey_closing(_continued(-small, width), (width, width))[width:-width, width:-width]
    lighter, darker = (_energy_of_strokes(part) for part in (small - opened, filled - small))
    if max(lighter, darker) > 2 * min(lighter, darker):
        return lighter > darker
    size = tuple(side // 2 | 1 for side in small.shape)
    above = small - ndimage.median_filter(small, size=size, mode="nearest")
    lighter, darker = (float((part**2).sum()) for part in (above.clip(0), above.clip(None, 0)))
    if max(lighter, darker) > 3 * min(lighter, darker):
        return lighter > darker
    return float(np.median(_border(grey))) <= min((float(grey.min()) + float(grey.max())) / 2, _LIGHT)


def _is_beside_shadow(light: Mask) -> bool:
    """Checks whether the light part of a picture is paper in the light, and the dark part paper in a shadow."""
    border = np.concatenate([light[0], light[1:, -1], light[-1, -2::-1], light[-2:0:-1, 0]])
    if (border != np.roll(border, 1)).sum() != 2 or border.mean() < _LEAST_STRETCH:
        return False
    side = max(1, round(_BROAD_LIGHT * min(light.shape)))
    broad = ndimage.binary_erosion(light, np.ones((side, side)), border_value=1)
    return bool(_border(broad & light).any())


def _energy_of_strokes(contrast: Grey) -> float:
    """Returns the energy of thin shapes; 0 if they cover so much that they are the paper between lines."""
    return float((contrast**2).sum()) if (contrast > contrast.max() / 2).mean() < _MOST_INK else 0.0


def trim_edges(grey: Grey) -> Grey:
    """Cuts off the dark strips at the sides that scanners leave, or that show a table."""
    for turn in range(4):
        turned = np.rot90(grey, turn)
        depth = _depth_of_strip(turned)
        grey = np.rot90(turned[depth:], -turn)
    return np.ascontiguousarray(grey)


def _depth_of_strip(grey: Grey) -> int:
    """Returns how many rows at the top are a dark strip with a sharp edge, 0 if there is none."""
    height, width = grey.shape
    if min(height, width) < _THUMBNAIL:
        return 0
    dark = ndimage.median_filter(grey, 3) < otsu_threshold(grey)
    columns = slice(width // 8, width - width // 8)
    depths = np.where(dark.all(axis=0), height, np.argmin(dark, axis=0))[columns]
    middle = int(np.median(depths))
    if (depths > 0).mean() < 0.9 or np.percentile(depths, 90) > 3 * middle + 3 or middle > height // 2:
        return 0
    at = np.arange(width)[columns]
    inner = grey[np.minimum(depths + 4, height - 1), at]
    outer = grey[np.maximum(depths - 4, 0), at]
    if np.median(inner - outer) < _STEP * _range(grey) or np.median(outer) > _SHADOW * np.median(inner):
        return 0
    return min(int(depths.max()), 3 * middle + 3, height // 2) + 3


def darkness(grey: Grey) -> tuple[Grey, float]:
    """Returns how much darker than the paper each pixel is, 0..1, and the standard deviation of that on blank paper."""
    smooth = _without_noise(grey)
    paper = _paper(smooth)
    floor = max(_DARKEST_PAPER * float(paper.max()), 1.0)
    dark = (paper - smooth) / np.maximum(paper, floor)
    level, noise = _level_and_noise(dark)
    if noise > _MOST_NOISE or level > _INK:
        level, noise = _level_and_noise(dark[dark <= otsu_threshold(dark)])
    return np.clip(dark - level, 0, 1).astype(np.float32), noise


def _level_and_noise(dark: Grey) -> tuple[float, float]:
    level = float(np.median(dark))
    return level, 1.4826 * float(np.median(np.abs(dark - level)))


def _without_noise(grey: Grey) -> Grey:
    """Smooths the picture if it is noisy, the more so the noisier it is."""
    if min(grey.shape) < _THUMBNAIL:
        return grey
    noise = 1.4826 * float(np.median(np.abs(grey - ndimage.median_filter(grey, 3))))
    if noise < 0.5:
        return grey
    return np.asarray(ndimage.gaussian_filter(grey, min(0.7 + noise / 10, 2.0)), np.float32)


def without_gradient(grey: Grey) -> Grey:
    """Makes light even that changes slowly over the whole picture, as a quadratic function of the place."""
    rows, columns = (np.linspace(-1, 1, side) for side in grey.shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    step = max(1, max(grey.shape) // _THUMBNAIL)
    chosen, values = (
        terms[:, ::step, ::step].reshape(6, -1).T,
        ndimage.uniform_filter(grey, step)[::step, ::step].ravel(),
    )
    used = np.ones(len(values), np.bool_)
    level = np.median(values)
    before = float(np.median(np.abs(values - level)))
    for _ in range(8):
        factors = np.linalg.lstsq(chosen[used], values[used], rcond=None)[0]
        rest = values - chosen @ factors
        spread = 1.4826 * float(np.median(np.abs(rest)))
        used = np.abs(rest) <= max(2.5 * spread, 1.0)
        if used.sum() < len(values) // 3:
            return grey
    light = np.tensordot(factors, terms, 1)
    if spread >= 0.7 * before or spread > _FITTED * level or light.min() <= max(1.0, _DARKEST_PAPER * light.max()):
        return grey
    return np.asarray(grey * (float(level) / light), np.float32)


def _paper(smooth: Grey) -> Grey:
    """Returns the lightness that the paper has or would have at each pixel: dark strokes are closed over."""
    size = max(3, round(_BROADEST_STROKE * min(smooth.shape)))
    height, width = smooth.shape
    closed = ndimage.grey_closing(_continued(smooth, size), size=(size, size), mode="nearest")
    calm = ndimage.gaussian_filter(closed, 2.0, mode="nearest") if min(smooth.shape) >= _THUMBNAIL else closed
    calm = np.minimum(calm, closed)  # beside a shadow's edge, the paper is not lighter than it is
    return np.asarray(calm[size : size + height, size : size + width], np.float32)


def _continued(smooth: Grey, margin: int) -> Grey:
    """Continues the paper beyond the picture, but not the ink that touches the picture's border."""
    for axis in (0, 1):
        first, last = (_closed_line(line) for line in (np.take(smooth, 0, axis), np.take(smooth, -1, axis)))
        parts = [np.repeat(np.expand_dims(line, axis), margin, axis) for line in (first, last)]
        smooth = np.concatenate([parts[0], smooth, parts[1]], axis)
    return smooth


def _closed_line(line: Grey) -> Grey:
    """Returns a line along the border without its ink: dark parts, unless they reach its end."""
    size = max(3, round(0.9 * len(line)))
    closed = ndimage.grey_closing(np.pad(line, size, mode="edge"), size, mode="nearest")
    return np.asarray(closed[size:-size], np.float32)


def otsu_threshold(grey: Grey) -> float:
    """Returns the level that separates dark from light best (N. Otsu, 1979); of a single level, that level."""
    if grey.size == 0 or grey.min() == grey.max():
        return float(grey.max(initial=0.0))
    counts, edges = np.histogram(grey, 256)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1:][int(np.nanargmax(between[:-1]))])


def _border(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _range(grey: Grey) -> float:
    return float(np.subtract(*np.percentile(grey, (99, 1))))
