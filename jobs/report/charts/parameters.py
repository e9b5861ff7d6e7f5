"""Charts of what the parameters did to the objective."""

from collections.abc import Sequence
from typing import Any

from jobs.report.charts.style import INK, VEGA_LITE, Spec, colour, network_colours, quantitative, shape, tooltips


def slice_chart(
    kinds: Sequence[str], states: Sequence[str], field: str, objective: str, scale: Spec, domain: Any
) -> Spec:
    """The objective against one parameter. scale: `{"order": [...]}` for choices, or `{"log": bool}` for a range."""
    if "order" in scale:
        x: Spec = {"field": "x", "type": "nominal", "title": field, "sort": scale["order"], "axis": {"labelAngle": 0}}
    else:
        kind = {"type": "log"} if scale["log"] else {"type": "linear", "zero": False}
        x = quantitative("x", field, scale={**kind, "nice": False, "padding": 12})
        if scale["log"]:
            x["axis"] = {"format": "~g", "tickCount": 4}
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": 200,
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 50, "opacity": 0.75, "clip": True},
        "encoding": {
            "x": x,
            "y": quantitative("value", objective, scale={"zero": False, "domain": domain}),
            "color": {**colour(kinds), "legend": None},
            "shape": {**shape(states), "legend": None},
            **({"xOffset": {"field": "network", "scale": {"domain": list(kinds)}}} if "order" in scale else {}),
            "tooltip": tooltips(
                ("trial", "trial"), ("network", "network"), ("text", field), ("state", "state"), ("value", objective)
            ),
        },
    }


def importance_chart(kind: str, parameters: int) -> Spec:
    """A bar for each parameter of one kind of network, the most important at the top."""
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": 26 * parameters,
        "data": {"name": "rows"},
        "encoding": {
            "y": {"field": "parameter", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 140}},
            "x": quantitative("share", "importance", axis={"format": "%", "tickCount": 5}, scale={"domain": [0, 1]}),
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": 14, "color": network_colours([kind])["range"][0]},
                "encoding": {"tooltip": [{"field": "parameter"}, {"field": "share", "format": ".1%"}]},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "color": INK, "fontSize": 11},
                "encoding": {"text": {"field": "share", "type": "quantitative", "format": ".0%"}},
            },
        ],
    }
