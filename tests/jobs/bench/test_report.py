"""Medians, ratios and targets of a report, as JSON and as drawn; each benchmark has a module."""

import io
import json
from importlib import import_module

import pytest
from rich.console import Console

from jobs.bench.command import draw_report, reports_as_json
from jobs.bench.host import this_host
from jobs.bench.registry import BENCHMARKS
from jobs.bench.report import OURS, Figure, Report, Target

REPORT = Report(
    "a race",
    [
        Figure("short", OURS, "ms", [1.0, 2.0, 9.0], "less"),
        Figure("short", "peer", "ms", [20.0], "less", "once only"),
        Figure("long", "peer", "ms", [30.0], "less"),
        Figure("speed", OURS, "images/s", [3000.0]),
        Figure("speed", "peer", "images/s", [1500.0]),
    ],
    [Target("short", 2.0, 3.0, "ms", "less"), Target("speed", 2.0, 2.5, "x"), Target("long", None, 3.0, "ms", "less")],
    ["third is left out: it is not installed"],
)


def test_figure_has_the_median_of_its_values() -> None:
    assert REPORT.figures[0].median == 2.0


def test_advantage_is_above_1_if_ours_is_better_in_either_direction() -> None:
    assert [REPORT.advantage(figure) for figure in REPORT.figures] == [None, 10.0, None, None, 2.0]


def test_targets_are_met_missed_or_unknown() -> None:
    assert [target.met for target in REPORT.targets] == [True, False, None]


def test_report_survives_json() -> None:
    found = json.loads(json.dumps(reports_as_json(this_host(), {"race": REPORT})))["race"]

    assert found["figures"][1]["advantage"] == 10.0
    assert found["figures"][0] | {"median": 2.0, "min": 1.0, "max": 9.0} == found["figures"][0]
    assert [target["met"] for target in found["targets"]] == [True, False, None]


def test_drawn_report_has_figures_ratios_targets_and_notes() -> None:
    console = Console(file=io.StringIO(), width=120)
    draw_report(REPORT, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    for part in ("10.00 x", "3,000", "once only", "met", "missed", "not measured", "third is left out"):
        assert part in text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_has_a_module_that_measures(name: str) -> None:
    assert callable(import_module(f"jobs.bench.benchmarks.{name}").measure)
