"""Medians, ratios and promises of a report, for machines and for a person; which benchmarks there are."""

import io
import json
from importlib import import_module

import pytest
from rich.console import Console

from jobs.bench.command import show
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


def test_the_median_counts() -> None:
    assert REPORT.figures[0].median == 2.0


def test_advantage_is_a_ratio_in_our_favour_whichever_direction_is_better() -> None:
    assert [REPORT.advantage(figure) for figure in REPORT.figures] == [None, 10.0, None, None, 2.0]


def test_targets_are_met_missed_or_unknown() -> None:
    assert [target.met for target in REPORT.targets] == [True, False, None]


def test_report_for_machines_survives_json() -> None:
    found = json.loads(json.dumps(REPORT.as_json()))

    assert found["figures"][1]["advantage"] == 10.0
    assert found["figures"][0] | {"median": 2.0, "min": 1.0, "max": 9.0} == found["figures"][0]
    assert [target["met"] for target in found["targets"]] == [True, False, None]


def test_report_for_a_person_names_figures_ratios_targets_and_who_is_absent() -> None:
    console = Console(file=io.StringIO(), width=120)
    show(REPORT, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    for part in ("10.00 x", "3,000", "once only", "met", "missed", "not measured", "third is left out"):
        assert part in text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_has_a_module_that_measures(name: str) -> None:
    assert callable(import_module(f"jobs.bench.benchmarks.{name}").measure)
