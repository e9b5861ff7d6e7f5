"""Charts of what the workers did."""

from collections.abc import Sequence

from jobs.report.charts.style import INK, PAPER, VEGA_LITE, Spec, colour, quantitative, tooltips


def timeline_chart(
    kinds: Sequence[str], workers: Sequence[str], unit: str, *, has_faults: bool, has_wide_bars: bool
) -> Spec:
    """A bar for each attempt, in the row of its worker; failed ones end in a cross, wide ones have their number."""
    y = {"field": "worker", "type": "nominal", "sort": list(workers), "title": None, "axis": {"labelLimit": 140}}
    tooltip = tooltips(
        ("trial", "trial"),
        ("network", "network"),
        ("attempt", "attempt"),
        ("outcome", "outcome"),
        ("took", "took"),
        ("error", "error"),
    )
    crosses: Spec = {
        "transform": [{"filter": "datum.is_fault"}],
        "mark": {
            "type": "point",
            "shape": "cross",
            "angle": 45,
            "filled": True,
            "size": 150,
            "color": INK,
            "stroke": PAPER,
            "strokeWidth": 1.5,
            "opacity": 1,
        },
        "encoding": {"x": quantitative("end", ""), "tooltip": tooltip},
    }
    numbers: Spec = {
        "transform": [{"filter": "datum.is_wide"}],
        "mark": {"type": "text", "fontSize": 10, "color": "var(--on-series)"},
        "encoding": {"x": quantitative("middle", ""), "text": {"field": "trial"}},
    }
    x = quantitative("start", f"{unit} since the study started")
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": len(workers) * (30 if len(workers) <= 16 else 16),
        "data": {"name": "rows"},
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": PAPER, "strokeWidth": 1, "cornerRadius": 2},
                "encoding": {"x": x, "x2": {"field": "end"}, "color": colour(kinds), "tooltip": tooltip},
            },
            *([numbers] if has_wide_bars else []),
            *([crosses] if has_faults else []),
        ],
    }


def time_spent_chart(groups: Sequence[str]) -> Spec:
    """One stacked bar for the workers and one for the driver, in the colours of these groups, at most ten."""
    colours = [f"var(--part-{1 + index})" for index in range(len(groups))]
    return {
        "$schema": VEGA_LITE,
        "width": "container",
        "height": 80,
        "data": {"name": "rows"},
        "mark": {"type": "bar", "stroke": PAPER, "strokeWidth": 1},
        "encoding": {
            "y": {"field": "who", "type": "nominal", "title": None, "sort": None},
            "x": quantitative("share", "share of the time", axis={"format": "%"}, scale={"domain": [0, 1]}),
            "order": {"field": "place"},
            "color": {
                "field": "group",
                "type": "nominal",
                "scale": {"domain": list(groups), "range": colours},
                "legend": {"columns": 5},
            },
            "tooltip": tooltips(("who", "of"), ("part", "part"), ("text", "time")),
        },
    }
