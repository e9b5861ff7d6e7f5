"""What all charts share: the page's colours, as CSS variables, and the parts of a Vega-Lite spec.

As the charts are SVG, the variables resolve in the browser: light, dark and printed pages need no other chart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mnist_core.config import MODELS

Spec = dict[str, Any]

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v6.json"
INK, MUTED, LINE, BAD, PAPER = "var(--ink)", "var(--muted)", "var(--line)", "var(--bad)", "var(--paper)"
STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
_STATE_SHAPES = ("circle", "triangle-down", "cross", "diamond", "square")
_SERIES = 6  # how many colours the page has

CONFIG: Mapping[str, Any] = {
    "aria": False,  # each chart has one label and a table; a label for every dot would bury both
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 11,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelOverlap": True,
    },
    "axisX": {"grid": False, "tickCount": 8},
    "legend": {"labelColor": INK, "labelFontSize": 12, "orient": "top", "title": None, "symbolStrokeWidth": 2},
}


def network_colours(kinds: Sequence[str]) -> Spec:
    """Returns the scale from kinds of network to colours: a kind has the same colour in every report."""
    known = [*MODELS, *(kind for kind in kinds if kind not in MODELS)]
    return {
        "domain": list(kinds),
        "range": [f"var(--series-{1 + known.index(kind) % _SERIES})" for kind in kinds],
    }


def line_opacity(lines: int) -> float:
    """Returns how opaque each of many lines over one another should be, so that where most are is seen."""
    return round(max(0.07, min(0.75, 25 / max(lines, 1))), 2)


def colour(kinds: Sequence[str]) -> Spec:
    """Returns the colour channel of marks that belong to a trial."""
    return {"field": "network", "type": "nominal", "scale": network_colours(kinds)}


def shape(states: Sequence[str]) -> Spec:
    """Returns the shape channel of dots that stand for a trial, with a legend if there are several states."""
    shapes = [_STATE_SHAPES[STATES.index(state)] for state in states]
    legend = {"symbolFillColor": MUTED, "symbolStrokeColor": MUTED} if len(states) > 1 else None
    return {"field": "state", "type": "nominal", "scale": {"domain": list(states), "range": shapes}, "legend": legend}


def tooltips(*fields: tuple[str, str]) -> list[Spec]:
    """Returns the tooltip channel of these fields, each with its title."""
    return [{"field": field, "title": title} for field, title in fields]


def quantitative(field: str, title: str, **more: Any) -> Spec:
    """Returns a channel of numbers; `more` are further settings of the channel."""
    return {"field": field, "type": "quantitative", "title": title, **more}
