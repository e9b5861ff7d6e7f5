"""The Vega spec of the parallel coordinates: one axis for each parameter and the objective, with a brush on each axis.

Vega-Lite has one scale for a channel, so it cannot draw axes with scales of their own, which one may brush.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.report.charts.style import CONFIG, INK, LINE, MUTED, Spec, line_opacity, network_colours
from jobs.report.formats import DASH

VEGA = "https://vega.github.io/schema/vega/v6.json"
HEIGHT = 360
ABSENT = DASH
"""What an axis of choices shows for trials whose network has no such field."""

_WIDTH = "max(isFinite(containerSize()[0]) ? containerSize()[0] : 600, 100)"
_LEAST_BRUSH_PX = 3


@dataclass(frozen=True)
class Axis:
    """One axis of the parallel coordinates.

    Attributes:
        column: the name of its column in the data.
        title: above the axis.
        order: the choices from bottom to top; None for a range of numbers.
        is_log: whether the numbers are spread by their logarithm.
    """

    column: str
    title: str
    order: Sequence[str] | None = None
    is_log: bool = False


def parallel_coordinates(axes: Sequence[Axis], kinds: Sequence[str], lines: int) -> Spec:
    """Returns the spec; its data needs the axes' columns, `trial`, `network`, `parameters`, `shown` and `best`."""
    selected = " && ".join(_is_inside(index, axis) for index, axis in enumerate(axes))
    # What a brush keeps stands out from what it leaves.
    brushes = " || ".join(f"brush{index}" for index in range(len(axes)))
    kept = f"(({brushes}) ? 0.85 : {line_opacity(lines)})"
    legend = {"stroke": "network", "symbolType": "stroke", "symbolStrokeWidth": 3, "direction": "horizontal"}
    return {
        "$schema": VEGA,
        "height": HEIGHT,
        "padding": {"left": 8, "right": 8, "top": 5, "bottom": 5},
        "autosize": {"type": "fit", "contains": "padding", "resize": True},
        "config": {**CONFIG, "events": {"defaults": {"prevent": False}}},
        "signals": [
            {"name": "width", "init": _WIDTH, "on": [{"update": _WIDTH, "events": "window:resize"}]},
            *(_brush(index) for index in range(len(axes))),
        ],
        "data": [
            {"name": "rows"},
            {"name": "selected", "source": "rows", "transform": [{"type": "filter", "expr": selected}]},
            {
                "name": "count",
                "source": "selected",
                "transform": [{"type": "aggregate", "ops": ["count"], "as": ["count"]}],
            },
        ],
        "scales": [
            {"name": "network", "type": "ordinal", **network_colours(kinds)},
            *(_scale(index, axis) for index, axis in enumerate(axes)),
        ],
        "legends": [legend] if len(kinds) > 1 else [],
        "marks": [
            {
                "type": "path",
                "from": {"data": "rows"},
                "encode": {
                    "enter": {
                        "stroke": {"scale": "network", "field": "network"},
                        "strokeWidth": {"signal": "datum.best ? 3 : 1.5"},
                        "tooltip": {
                            "signal": "{'trial': datum.trial, 'network': datum.network, "
                            "'parameters': datum.parameters, 'objective': datum.shown}"
                        },
                    },
                    "update": {
                        "path": {"signal": " + ".join(_step(index, axes) for index in range(len(axes)))},
                        "strokeOpacity": {"signal": f"({selected}) ? (datum.best ? 1 : {kept}) : 0.05"},
                    },
                    "hover": {"strokeOpacity": {"value": 1}},
                },
            },
            *(mark for index, axis in enumerate(axes) for mark in _axis_marks(index, axis, len(axes))),
            {
                "type": "text",
                "from": {"data": "count"},
                "encode": {
                    "enter": {"fill": {"value": MUTED}, "fontSize": {"value": 12}, "align": {"value": "center"}},
                    "update": {
                        "x": {"signal": "width / 2"},
                        "y": {"signal": "height + 24"},
                        "text": {"signal": "datum.count + ' of ' + length(data('rows')) + ' trials selected'"},
                    },
                },
            },
        ],
    }


def _brush(index: int) -> Spec:
    start, area = f"brush{index}", f"@area{index}"
    return {
        "name": start,
        "value": None,
        "on": [
            {"events": f"{area}:pointerdown", "update": "[clamp(y(), 0, height), clamp(y(), 0, height)]"},
            {
                "events": f"[{area}:pointerdown, window:pointerup] > window:pointermove!",
                "update": f"[{start}[0], clamp(y(), 0, height)]",
            },
            {"events": "dblclick", "update": "null"},
        ],
    }


def _is_inside(index: int, axis: Axis) -> str:
    brush, value = f"brush{index}", f"datum['{axis.column}']"
    no_brush = f"!{brush} || abs({brush}[0] - {brush}[1]) < {_LEAST_BRUSH_PX}"
    return f"({no_brush} || (isValid({value}) && inrange(scale('axis{index}', {value}), {brush})))"


def _scale(index: int, axis: Axis) -> Spec:
    scale: Spec = {"name": f"axis{index}", "range": [{"signal": "height"}, 0]}
    if axis.order is not None:
        return {**scale, "type": "point", "domain": list(axis.order), "padding": 0.5}
    kind: Any = "log" if axis.is_log else "linear"
    return {**scale, "type": kind, "domain": {"data": "rows", "field": axis.column}, "zero": False, "nice": False}


def _step(index: int, axes: Sequence[Axis]) -> str:
    """Returns an expression for a line's step to an axis: "" if the trial has no value there."""
    value = f"datum['{axes[index].column}']"
    command = f"(isValid(datum['{axes[index - 1].column}']) ? 'L' : 'M')" if index else "'M'"
    x = _x(index, len(axes))
    return f"(isValid({value}) ? {command} + ({x}) + ',' + scale('axis{index}', {value}) : '')"


def _x(index: int, count: int) -> str:
    return f"width * {index / max(count - 1, 1):.6f}"


def _axis_marks(index: int, axis: Axis, count: int) -> list[Spec]:
    is_last = index == count - 1
    brush = f"brush{index}"
    drawn: Spec = {"scale": f"axis{index}", "orient": "right" if is_last else "left", "domainColor": MUTED, "zindex": 1}
    if axis.order is None:
        drawn |= {"format": "~g", "tickCount": 5}
    align = "left" if index == 0 else "right" if is_last else "center"
    return [
        {
            "type": "group",
            "encode": {"update": {"x": {"signal": _x(index, count)}, "height": {"signal": "height"}}},
            "axes": [drawn],
            "marks": [
                {
                    "type": "text",
                    "interactive": False,
                    "encode": {
                        "enter": {
                            "text": {"value": axis.title},
                            "align": {"value": align},
                            "y": {"value": -12},
                            "fill": {"value": INK},
                            "fontSize": {"value": 12},
                            "fontWeight": {"value": "bold"},
                        }
                    },
                },
                {
                    "type": "rect",
                    "interactive": False,
                    "encode": {
                        "enter": {"x": {"value": -9}, "width": {"value": 18}, "fill": {"value": LINE}},
                        "update": {
                            "y": {"signal": f"{brush} ? {brush}[0] : 0"},
                            "y2": {"signal": f"{brush} ? {brush}[1] : 0"},
                            "fillOpacity": {"value": 0.8},
                            "stroke": {"value": MUTED},
                            "strokeOpacity": {"signal": f"{brush} ? 1 : 0"},
                        },
                    },
                },
            ],
        },
        {
            "type": "rect",
            "name": f"area{index}",
            "encode": {
                "enter": {"fill": {"value": "transparent"}, "cursor": {"value": "ns-resize"}},
                "update": {
                    "x": {"signal": f"{_x(index, count)} - 14"},
                    "width": {"value": 28},
                    "y": {"value": -2},
                    "height": {"signal": "height + 4"},
                },
            },
        },
    ]
