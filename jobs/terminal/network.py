"""Draws the layers of a network as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from jobs.tables import table
from jobs.terminal.output import format_count

if TYPE_CHECKING:  # describing a network imports MXNet
    from jobs.study.network import DescribedNetwork
    from mnist_core.model.layers import Layer

_BAR = 20
_IMAGE_SHAPE = "1 x 28 x 28"


def draw_layers(network: "DescribedNetwork", console: Console) -> None:
    """Draws a network: a row a layer, what it reads if that is not the row above, and where the parameters are."""
    cost = f"{network.parameters:,} parameters, {format_count(network.flops)} FLOP to predict an image"
    console.print(f"[bold]{network.title}[/]  {cost}", highlight=False)
    reads = _sources(network.layers)
    branches = any(reads)  # otherwise each layer reads the one above it
    columns = ("layer", "operator", *(("reads",) if branches else ()), "output", "parameters", "FLOP", "share")
    drawn = table(*columns, left=("layer", "operator", "reads", "output", "share"))
    drawn.add_row("[dim]image[/]", "", *(("",) if branches else ()), _IMAGE_SHAPE)
    for layer, source in zip(network.layers, reads, strict=True):
        drawn.add_row(
            layer.name,
            f"{layer.op} {layer.setting}".rstrip(),
            *((source,) if branches else ()),
            " x ".join(map(str, layer.shape)),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.flops:,}" if layer.flops else "",
            _bar(layer.parameters / network.parameters),
        )
    console.print(drawn)


def _sources(layers: "Sequence[Layer]") -> list[str]:
    """Returns what each layer reads, or nothing if it reads the layer before it."""
    rows_above: list[tuple[str, ...]] = [(), *((layer.name,) for layer in layers[:-1])]
    return [
        "" if layer.inputs == above else ", ".join(layer.inputs)
        for layer, above in zip(layers, rows_above, strict=True)
    ]


def _bar(share: float) -> str:
    """Returns a layer's share of the parameters as a bar and a percentage."""
    return f"[cyan]{'━' * round(share * _BAR)}[/] {share:.1%}".lstrip() if share else ""
