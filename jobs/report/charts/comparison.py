"""Charts of studies side by side."""

from collections.abc import Sequence
from typing import Any

from jobs.report.charts.style import INK, MUTED, VEGA_LITE, Spec, quantitative, tooltips

_SERIES = 6
NOISE, REAL = "within noise", "beyond noise"


def study_colour(index: int) -> str:
    """Returns the colour of a study, by its place in the comparison."""
    return f"var(--series-{1 + index % _SERIES})"


def curves_chart(labels: Sequence[str], metric: str, domain: Any, epochs: int) -> Spec:
    """The best trial of each study by epoch: training dashed, validation solid."""
    every = max(1, -(-epochs // 12))
    axis = {"format": "d", "values": list(range(1, epochs + 1, every))}
    x = quantitative("epoch", "epoch", axis=axis, scale={"domain": [1, max(epochs, 2)], "padding": 10, "nice": False})
    y = {"scale": {"zero": False, "domain": domain, "nice": False}}
    dash = {"scale": {"domain": ["validation", "training"], "range": [[1, 0], [4, 3]]}}
    scale = {"domain": list(labels), "range": [study_colour(index) for index in range(len(labels))]}

    def line(field: str, name: str, width: float) -> Spec:
        return {
            "transform": [{"filter": f"isValid(datum.{field})"}],
            "mark": {"type": "line", "strokeWidth": width, "clip": True},
            "encoding": {
                "x": x,
                "y": quantitative(field, metric, **y),
                "color": {"field": "study", "type": "nominal", "scale": scale},
                "strokeDash": {"datum": name, "legend": {"symbolType": "stroke", "symbolStrokeColor": INK}, **dash},
            },
        }

    dots = {
        "transform": [{"filter": "isValid(datum.val)"}],
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1, "clip": True},
        "encoding": {
            "x": x,
            "y": quantitative("val", metric, **y),
            "color": {"field": "study", "type": "nominal", "scale": scale},
            "tooltip": tooltips(("study", "study"), ("trial", "trial"), ("epoch", "epoch"), ("shown", metric)),
        },
    }
    layers = [line("train", "training", 1.2), line("val", "validation", 2), dots]
    return {"$schema": VEGA_LITE, "width": "container", "height": 300, "data": {"name": "rows"}, "layer": layers}


def differences_chart(rows: Sequence[str]) -> Spec:
    """A dot for each difference with its 95 % interval as a line, and a rule where there is none."""
    y = {"field": "what", "type": "nominal", "sort": list(rows), "title": None, "axis": {"labelLimit": 260}}
    scale = {"domain": [REAL, NOISE], "range": [INK, MUTED]}
    color = {"field": "verdict", "type": "nominal", "scale": scale}
    shape = {"field": "verdict", "type": "nominal", "scale": {"domain": [REAL, NOISE], "range": ["circle", "diamond"]}}
    x = "percentage points"
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": max(60, len(rows) * 24),
        "data": {"name": "rows"},
        "layer": [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": MUTED},
                "encoding": {"x": quantitative("zero", x)},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": quantitative("low", x), "x2": {"field": "high"}, "y": y, "color": color},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {
                    "x": quantitative("points", x),
                    "y": y,
                    "color": color,
                    "shape": shape,
                    "tooltip": tooltips(("what", "of"), ("said", "difference")),
                },
            },
        ],
    }
