"""Draws a network as SVG: one box a layer, from the image at the top to the heads at the bottom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from mnist_core.atomic_file import write_atomically
from mnist_core.errors import InputError
from mnist_core.model.layers import Layer

DrawingFormat = Literal["svg", "png"]

_PNG_SCALE = 2.0
_IMAGE = "image"
_BOX = (190, 46)
_GAP = (24, 30)
_MARGIN = 12
_FILLS: Mapping[str, str] = {
    "Convolution": "#f4b6a6",
    "FullyConnected": "#f4b6a6",
    "Activation": "#fbe9a9",
    "Pooling": "#a9cde8",
    "SoftmaxOutput": "#d8c5e8",
}
_OTHER_FILL = "#e4e4e4"


@dataclass(frozen=True)
class _Box:
    name: str
    lines: tuple[str, ...]
    fill: str
    x: int
    y: int


@dataclass(frozen=True)
class _Arrow:
    x1: int
    y1: int
    x2: int
    y2: int
    label: str

    @property
    def comes_from_the_right(self) -> bool:
        """Whether the label must stand at the left of the arrow."""
        return self.x1 > self.x2


def draw_network(
    layers: Sequence[Layer], title: str, *, background: str | None = "#ffffff", arrowhead: str = "arrowhead"
) -> str:
    """Returns an SVG with the shape beside each arrow and the parameters in each box.

    Args:
        layers: the network, in the order of a forward pass.
        title: what a screen reader says.
        background: a colour; None leaves it transparent, for a page with a background.
        arrowhead: the id of its arrowheads, unique in the page.
    """
    places = _places(layers)
    width = max(x for x, _ in places.values()) + _BOX[0] + _MARGIN
    height = max(y for _, y in places.values()) + _BOX[1] + _MARGIN
    image = _Box(_IMAGE, ("28 x 28 pixels, 0 to 1",), _OTHER_FILL, *places[_IMAGE])
    boxes = [image, *(_box(layer, places[layer.name]) for layer in layers)]
    shapes = {_IMAGE: "1 x 28 x 28", **{layer.name: shape_text(layer.shape) for layer in layers}}
    arrows = [
        _arrow(places[source], places[layer.name], shapes[source])
        for layer in layers
        for source in layer.inputs or (_IMAGE,)
    ]
    pages = Environment(loader=PackageLoader("jobs.report"), autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("network.svg.j2")
    return page.render(
        title=title,
        width=width,
        height=height,
        box=_BOX,
        boxes=boxes,
        arrows=arrows,
        background=background,
        arrowhead=arrowhead,
    )


def drawing_format(path: Path) -> DrawingFormat:
    """Returns the format that a file's name asks for.

    Raises:
        InputError: it is not one that networks are drawn in.
    """
    formats: Mapping[str, DrawingFormat] = {".svg": "svg", ".png": "png"}
    if path.suffix.lower() not in formats:
        raise InputError(f"--out {path} must end in {' or '.join(formats)}")
    return formats[path.suffix.lower()]


def draw_network_file(layers: Sequence[Layer], title: str, path: Path, drawing: DrawingFormat) -> None:
    """Draws a network into a file.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    svg = draw_network(layers, title)
    if drawing == "svg":
        write_atomically(path, svg.encode())
        return
    import vl_convert  # a large library, for this one format

    write_atomically(path, vl_convert.svg_to_png(svg, scale=_PNG_SCALE))


def shape_text(shape: tuple[int, ...]) -> str:
    """Returns a shape as people write it.

    Example:
        >>> shape_text((20, 24, 24))
        '20 x 24 x 24'
    """
    return " x ".join(map(str, shape))


def _places(layers: Sequence[Layer]) -> dict[str, tuple[int, int]]:
    """Returns the upper left corner of each box: a row below what it reads, beside the others of its row."""
    rows = {_IMAGE: 0}
    for layer in layers:
        rows[layer.name] = 1 + max(rows[source] for source in layer.inputs or (_IMAGE,))
    members: dict[int, list[str]] = {}
    for name, row in rows.items():
        members.setdefault(row, []).append(name)
    step = _BOX[0] + _GAP[0]
    widest = max(map(len, members.values()))
    return {
        name: (
            _MARGIN + (widest - len(names)) * step // 2 + column * step,
            _MARGIN + row * (_BOX[1] + _GAP[1]),
        )
        for row, names in members.items()
        for column, name in enumerate(names)
    }


def _box(layer: Layer, place: tuple[int, int]) -> _Box:
    what = f"{layer.op} {layer.setting}".rstrip()
    lines = (what, f"{layer.parameters:,} parameters") if layer.parameters else (what,)
    return _Box(layer.name, lines, _FILLS.get(layer.op, _OTHER_FILL), *place)


def _arrow(start: tuple[int, int], end: tuple[int, int], label: str) -> _Arrow:
    middle = _BOX[0] // 2
    return _Arrow(start[0] + middle, start[1] + _BOX[1], end[0] + middle, end[1], label)
