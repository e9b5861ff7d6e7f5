"""Draws a digit on paper under the conditions that photos and scans have."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Array = npt.NDArray[np.float64]
Random = np.random.Generator
# Takes the ink, (H, W) in 0..1, all 0 for a blank sheet; returns the picture, (H, W) or (H, W, 3) in 0..255.
Condition = Callable[[Array, Random], Array]

SHAPE = (300, 260)


def ink_of(image: npt.NDArray[np.uint8], rng: Random, scale: tuple[float, float] = (4.5, 8.0)) -> Array:
    """Returns an MNIST image, enlarged, somewhere on a sheet, as ink in 0..1."""
    side = round(28 * rng.uniform(*scale))
    digit = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), float) / 255
    sheet = np.zeros(SHAPE)
    top, left = (int(rng.integers(0, length - side + 1)) for length in SHAPE)
    sheet[top : top + side, left : left + side] = digit
    # As sharp as a pen: MNIST's grey edges would be 5 pixels broad here.
    return np.clip((sheet - 0.5) * 3 + 0.5, 0, 1)


def _on_paper(ink: Array, paper: Array | float = 245.0, darkness: float = 0.75) -> Array:
    return paper * (1 - darkness * ink)


def _noisy(picture: Array, sigma: float, rng: Random) -> Array:
    return picture + rng.normal(0, sigma, picture.shape)


def _ramp(rng: Random, light: float, dark: float) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    along = np.cos(angle) * rows + np.sin(angle) * columns
    return np.asarray(light + (dark - light) * (along - along.min()) / np.ptp(along))


def _vignette(rng: Random) -> Array:
    rows, columns = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    distance = np.hypot(rows + rng.uniform(-0.3, 0.3), columns + rng.uniform(-0.3, 0.3))
    return np.asarray(235 - rng.uniform(50, 75) * distance**2)


def _shadow(rng: Random, softness: float) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    side = np.cos(angle) * (rows - SHAPE[0] / 2) + np.sin(angle) * (columns - SHAPE[1] / 2) + rng.uniform(-60, 60)
    return np.asarray(235 - 90 / (1 + np.exp(-side / softness)))


def _hand(rng: Random) -> Array:
    """The soft shadow of a hand: a round patch that reaches in from the side."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    distance = np.hypot(rows - rng.uniform(0, SHAPE[0]), (columns - rng.choice([0, SHAPE[1]])) * 0.7)
    return np.asarray(235 - 80 / (1 + np.exp((distance - 90) / 12)))


def _near_hand(rng: Random) -> Array:
    """The darker and sharper shadow of a hand near the paper, long and at any angle."""
    rows, columns = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    angle = rng.uniform(0, np.pi)
    down, across = rows - rng.uniform(-0.9, 0.9), columns - rng.choice([-1, 1]) * rng.uniform(0.75, 1.05)
    along = (np.cos(angle) * down + np.sin(angle) * across) / rng.uniform(0.45, 0.8)
    aside = (np.cos(angle) * across - np.sin(angle) * down) / rng.uniform(0.25, 0.5)
    depth = rng.uniform(0.25, 0.42) / (1 + np.exp((np.hypot(along, aside) - 1) / rng.uniform(0.06, 0.25)))
    return np.asarray(235 * (1 - depth))


def _lamp(rng: Random) -> Array:
    """Light in one spot, dusk around it."""
    rows, columns = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    distance = np.hypot(rows - rng.uniform(-0.6, 0.6), columns - rng.uniform(-0.6, 0.6)) / rng.uniform(0.7, 1.1)
    return np.asarray(120 + rng.uniform(80, 125) * np.exp(-(distance**2)))


def _lines(rng: Random, gap: float, grey: float, slope: float = 0.0, both: bool = False) -> Array:
    """Returns lines as paper, 245 between them."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    start = rng.uniform(0, gap)
    width = rng.choice([1.0, 2.0])
    lined = (rows - slope * columns + start) % gap < width
    if both:
        lined |= (columns + slope * rows + start) % gap < width
    return np.where(lined, grey, 245.0)


def _printed(ink: Array, lines: Array) -> Array:
    return np.minimum(_on_paper(ink), lines)


def _box(ink: Array, rng: Random, margin: int, width: int, slope: float = 0.0) -> Array:
    """Draws a box around the ink, `margin` pixels from it, or around most of a blank sheet."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows, columns = np.array([60, 240]), np.array([60, 200])
    top, bottom, left, right = rows[0] - margin, rows[-1] + margin, columns[0] - margin, columns[-1] + margin
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    middle = (top + bottom) / 2, (left + right) / 2
    y, x = y - slope * (x - middle[1]), x + slope * (y - middle[0])
    outer = (y >= top - width) & (y <= bottom + width) & (x >= left - width) & (x <= right + width)
    inner = (y >= top) & (y <= bottom) & (x >= left) & (x <= right)
    return np.where(outer & ~inner, 40.0, _on_paper(ink))


def _frame(ink: Array, rng: Random) -> Array:
    picture = _on_paper(ink)
    edge = int(rng.integers(2, 9))
    width = int(rng.integers(1, 5))
    frame = np.ones(SHAPE, bool)
    frame[edge + width : -edge - width, edge + width : -edge - width] = False
    frame[:edge] = frame[-edge:] = False
    frame[:, :edge] = frame[:, -edge:] = False
    return np.where(frame, 40.0, picture)


def _dark_edge(ink: Array, rng: Random, slope: float = 0.0) -> Array:
    """A scanner's dark strip, at one side or at two."""
    picture = np.pad(_on_paper(ink), 25, constant_values=245)
    for side in rng.choice(4, int(rng.integers(1, 3)), replace=False):
        turned = np.rot90(picture, side)
        depth = rng.uniform(3, 24) + slope * np.arange(turned.shape[1]) * rng.choice([-1, 1])
        turned[np.arange(len(turned))[:, None] < depth.clip(3)] = rng.uniform(10, 70)
    return _noisy(picture, 1.5, rng)


def _table(ink: Array, rng: Random, degrees: float = 0.0, sides: int = 4) -> Array:
    """A sheet on a dark table, photographed at an angle, or so that only some of its sides are seen."""
    margins = [int(rng.integers(20, 70)) for _ in range(4)]
    for side in rng.choice(4, 4 - sides, replace=False):
        margins[int(side)] = 0
    table = rng.uniform(30, 90)
    sheet = Image.fromarray(_on_paper(ink, 225).astype(np.float32))
    around = np.pad(np.asarray(sheet), 60, constant_values=-1) if degrees else np.asarray(sheet)
    turned = np.asarray(Image.fromarray(around).rotate(rng.uniform(-degrees, degrees), fillcolor=-1))
    padded = np.pad(turned, ((margins[0], margins[1]), (margins[2], margins[3])), constant_values=-1)
    return _noisy(np.where(padded < 0, table, padded), 3, rng)


def _coloured(ink: Array, rng: Random, paper: tuple[int, int, int], pen: tuple[int, int, int]) -> Array:
    colours = ink[..., None] * np.array(pen) + (1 - ink[..., None]) * np.array(paper)
    return _noisy(colours, 2, rng)


def _specks(ink: Array, rng: Random, count: int) -> Array:
    picture = _on_paper(ink)
    for _ in range(count):
        row, column, side = (int(rng.integers(0, top)) for top in (SHAPE[0] - 5, SHAPE[1] - 5, 4))
        picture[row : row + 1 + side, column : column + 1 + side] = rng.uniform(40, 160)
    return picture


def _fold(ink: Array, rng: Random) -> Array:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    at = rng.uniform(80, 220) + rng.uniform(-0.1, 0.1) * columns
    return _noisy(
        _on_paper(ink, 240 - rng.uniform(15, 60) * np.exp(-(((rows - at) / rng.uniform(1, 5)) ** 2))), 1.5, rng
    )


def _folds(ink: Array, rng: Random, count: int, breadth: float) -> Array:
    """Folds of a light grey from side to side, all across or all down; `breadth` in pixels."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    if rng.random() < 0.5:
        rows, columns = columns, rows
    paper = np.full(SHAPE, 235.0)
    for _ in range(count):
        off = rows - rng.uniform(60, 200) + rng.uniform(-0.12, 0.12) * columns
        paper -= rng.uniform(20, 60) * np.exp(-((off / breadth) ** 2))
    return _noisy(_on_paper(ink, paper), 1.5, rng)


def _small_pen(ink: Array, rng: Random) -> Array:
    """A light pencil that is thinner than MNIST's strokes."""
    return _noisy(_on_paper(ndimage.gaussian_filter(ink, 1.5) ** 2, 235, 0.3), 2, rng)


CONDITIONS: Mapping[str, Mapping[str, Condition]] = {
    "clean": {
        "clean": lambda ink, rng: _on_paper(ink),
        "light on dark": lambda ink, rng: 255 - _on_paper(ink),
        "light on dark, noise 5": lambda ink, rng: _noisy(230 - _on_paper(ink, 200), 5, rng),
        "pencil": _small_pen,
        "red on green": lambda ink, rng: _coloured(ink, rng, (90, 150, 60), (230, 80, 80)),
        "blue on orange": lambda ink, rng: _coloured(ink, rng, (200, 120, 60), (90, 130, 220)),
    },
    "light and noise": {
        "ramp 225 to 150": lambda ink, rng: _noisy(_on_paper(ink, _ramp(rng, 225, 150), 0.65), 2, rng),
        "ramp 240 to 90": lambda ink, rng: _noisy(_on_paper(ink, _ramp(rng, 240, 90), 0.65), 2, rng),
        "vignette": lambda ink, rng: _noisy(_on_paper(ink, _vignette(rng), 0.65), 2, rng),
        "sharp shadow": lambda ink, rng: _noisy(_on_paper(ink, _shadow(rng, 0.7), 0.65), 2, rng),
        "soft shadow": lambda ink, rng: _noisy(_on_paper(ink, _shadow(rng, 15), 0.65), 2, rng),
        "hand's shadow": lambda ink, rng: _noisy(_on_paper(ink, _hand(rng), 0.65), 2, rng),
        "hand near the paper": lambda ink, rng: _noisy(_on_paper(ink, _near_hand(rng), 0.65), 2, rng),
        "lamp": lambda ink, rng: _noisy(_on_paper(ink, _lamp(rng), 0.65), 2, rng),
        "noise 5": lambda ink, rng: _noisy(_on_paper(ink, 190, 0.68), 5, rng),
        "noise 12": lambda ink, rng: _noisy(_on_paper(ink, 190, 0.68), 12, rng),
        "noise 20": lambda ink, rng: _noisy(_on_paper(ink, 190, 0.68), 20, rng),
        "ramp, noise 8": lambda ink, rng: _noisy(_on_paper(ink, _ramp(rng, 230, 120), 0.65), 8, rng),
    },
    "lines": {
        "ruled, light": lambda ink, rng: _printed(ink, _lines(rng, 22, 190)),
        "ruled, dark": lambda ink, rng: _printed(ink, _lines(rng, 28, 90)),
        "ruled, tilted": lambda ink, rng: _printed(ink, _lines(rng, 26, 140, slope=0.05)),
        "squared, light": lambda ink, rng: _printed(ink, _lines(rng, 16, 190, both=True)),
        "squared, dark": lambda ink, rng: _printed(ink, _lines(rng, 24, 110, both=True)),
        "squared, tilted, noise": lambda ink, rng: _noisy(_printed(ink, _lines(rng, 20, 170, 0.04, True)), 4, rng),
        "box": lambda ink, rng: _box(ink, rng, 14, 3),
        "thick box": lambda ink, rng: _box(ink, rng, 14, 7),
        "close box": lambda ink, rng: _box(ink, rng, 5, 2),
        "tilted box": lambda ink, rng: _box(ink, rng, 16, 3, slope=0.04),
        "frame": _frame,
    },
    "edges": {
        "dark edge": _dark_edge,
        "tilted dark edge": lambda ink, rng: _dark_edge(ink, rng, 0.03),
        "table": _table,
        "table, turned": lambda ink, rng: _table(ink, rng, 12),
        "table at three sides": lambda ink, rng: _table(ink, rng, sides=3),
        "table at two sides": lambda ink, rng: _table(ink, rng, sides=2),
        "table at one side": lambda ink, rng: _table(ink, rng, sides=1),
    },
}

# What is tried without a digit, beside all conditions above that are not "clean".
BLANK: Mapping[str, Condition] = {
    "one speck": lambda ink, rng: _specks(ink, rng, 1),
    "ten specks": lambda ink, rng: _specks(ink, rng, 10),
    "fold": _fold,
    "soft fold": lambda ink, rng: _folds(ink, rng, 1, 8),
    "two folds": lambda ink, rng: _folds(ink, rng, 2, 2),
    "white": lambda ink, rng: _on_paper(ink),
}


def as_image(picture: Array) -> Image.Image:
    """Returns a picture as an 8-bit image."""
    return Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
