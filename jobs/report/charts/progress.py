"""Charts of how a study and its trials improved."""

from collections.abc import Sequence
from typing import Any

from jobs.report.charts.style import INK, MUTED, VEGA_LITE, Spec, colour, line_opacity, quantitative, shape, tooltips

_MOST_DOTS = 400

END_SHAPES = {"pruned": "triangle-down", "failed": "cross", "running": "diamond"}
"""How a trial ended before its last epoch -> the mark at the end of its curve."""


def best_so_far_chart(kinds: Sequence[str], states: Sequence[str], objective: str, unit: str, domain: Any) -> Spec:
    """Each trial as a dot at the time it ended, and the best complete one so far as a line."""
    x = quantitative("time", f"{unit} since the study started", scale={"zero": True, "padding": 8, "nice": False})
    y = {"scale": {"zero": False, "domain": domain}}
    tooltip = tooltips(
        ("trial", "trial"),
        ("network", "network"),
        ("parameters", "parameters"),
        ("state", "state"),
        ("shown", objective),
    )
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": 260,
        "data": {"name": "rows"},
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.best)"}],
                "mark": {"type": "line", "interpolate": "step-after", "color": INK, "strokeWidth": 1.5, "clip": True},
                "encoding": {"x": x, "y": quantitative("best", objective, **y)},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "clip": True, "opacity": 0.9},
                "encoding": {
                    "x": x,
                    "y": quantitative("value", objective, **y),
                    "color": colour(kinds),
                    "shape": shape(states),
                    "tooltip": tooltip,
                },
            },
        ],
    }


def learning_curves_chart(
    kinds: Sequence[str], metric: str, domain: Any, ends: Sequence[str], epochs: int, lines: int
) -> Spec:
    """Lines by epoch: training dashed, validation solid; a mark where a trial ended early, by one of these `ends`."""
    every = max(1, -(-epochs // 12))
    hovered = {"condition": {"param": "hovered", "empty": False, "value": 1}, "value": line_opacity(lines)}
    axis = {"format": "d", "values": [1, *range(every, epochs + 1, every)] if every > 1 else list(range(1, epochs + 1))}
    x = quantitative("epoch", "epoch", axis=axis, scale={"domain": [1, max(epochs, 2)], "padding": 10, "nice": False})
    y = {"scale": {"zero": False, "domain": domain}}
    dash = {
        "scale": {"domain": ["validation", "training"], "range": [[1, 0], [4, 3]]},
        "legend": {"symbolType": "stroke", "symbolStrokeColor": MUTED},
    }
    tooltip = tooltips(("trial", "trial"), ("network", "network"), ("parameters", "parameters"), ("ending", "ended"))

    # One epoch is no line; many dots would hide the lines.
    dots = {"size": 22, "filled": True} if epochs == 1 or epochs * lines <= _MOST_DOTS else False

    def line(field: str, name: str, width: float) -> Spec:
        return {
            "transform": [{"filter": f"isValid(datum.{field})"}],
            "mark": {"type": "line", "strokeWidth": width, "clip": True, "point": dots},
            "encoding": {
                "x": x,
                "y": quantitative(field, metric, **y),
                "detail": {"field": "trial"},
                "color": colour(kinds),
                "strokeDash": {"datum": name, **dash},
                "opacity": hovered,
            },
        }

    marks = {
        "transform": [{"filter": "datum.end != '' && datum.epoch == datum.last && isValid(datum.val)"}],
        "mark": {"type": "point", "filled": True, "size": 60, "clip": True},
        "encoding": {
            "x": x,
            "y": quantitative("val", metric, **y),
            "color": colour(kinds),
            "shape": {
                "field": "end",
                "type": "nominal",
                "scale": {"domain": list(ends), "range": [END_SHAPES[end] for end in ends]},
                "legend": {"symbolFillColor": MUTED, "symbolStrokeColor": MUTED},
            },
            "opacity": hovered,
            "tooltip": tooltip,
        },
    }
    target = {  # a line is thin: this one, which cannot be seen, is what a pointer meets
        "params": [
            {
                "name": "hovered",
                "select": {"type": "point", "fields": ["trial"], "on": "pointerover", "clear": "pointerout"},
            }
        ],
        "transform": [{"filter": "isValid(datum.val)"}],
        "mark": {"type": "line", "strokeWidth": 9, "clip": True},
        "encoding": {
            "x": x,
            "y": quantitative("val", metric, **y),
            "detail": [{"field": "trial"}, {"field": "network"}, {"field": "parameters"}, {"field": "ending"}],
            "opacity": {"value": 0.0},
            "tooltip": tooltip,
        },
    }
    layers = [line("train", "training", 1.2), line("val", "validation", 2), target, *([marks] if ends else [])]
    return {"$schema": VEGA_LITE, "width": "container", "height": 300, "data": {"name": "rows"}, "layer": layers}
