"""The sections of a comparison: the verdict, the learning curves, the trials that studies share, and their specs."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.analysis.comparison.compared_study import ComparedStudy, digits_right
from cluster.analysis.comparison.comparison import Comparison, StudyPair
from cluster.analysis.comparison.differences import Difference, points
from cluster.analysis.intervals import share_interval
from cluster.analysis.progress import LearningCurve, drawn_range, learning_curves
from cluster.spec.space import format_param
from jobs.report.charts.comparison import NOISE, REAL, curves_chart, differences_chart
from jobs.report.formats import DASH, duration, finite, percent
from jobs.report.section import Cell, Chart, Column, Section

MOST_DIFFERENCES = 100
"""How many differences the chart shows; `compare --json` has all."""
_SERIES = 6


@dataclass(frozen=True)
class _Row:
    """The best trial of one study; texts are a dash if there is no such number."""

    label: str
    series: int
    model: str
    trial: str
    parameters: str
    val: str
    test: str
    interval: str
    epochs: str
    time: str
    state: str


def verdict(comparison: Comparison) -> Section:
    """Returns the section."""
    rows = [_row(index, study) for index, study in enumerate(comparison.studies)]
    return Section(
        "verdict",
        "Verdict",
        "comparison.html.j2",
        {
            "sentences": [(pair.best.gap.is_noise, f"{pair.best.sentence}.") for pair in comparison.pairs if pair.best],
            "pairs": [pair.sentence for pair in comparison.pairs if pair.sentence],
            "methods": {pair.best.method for pair in comparison.pairs if pair.best},
            "rows": rows,
            "has_parameters": any(row.parameters for row in rows),
        },
    )


def curves(comparison: Comparison) -> Section | None:
    """Returns the section; None if no best trial has more than one epoch."""
    found = {study.label: curve for study in comparison.studies if (curve := _curve(study)) is not None}
    if max((len(curve.points) for curve in found.values()), default=0) < 2:
        return None
    domain = drawn_range(found.values(), higher_is_better=True) or (0.0, 1.0)
    rows: list[list[Cell]] = [
        [label, curve.number, point.epoch, finite(point.train, 5), finite(point.val, 5), percent(point.val)]
        for label, curve in found.items()
        for point in curve.points
    ]
    note = "Validation solid, training dashed."
    if any(point.train is None for curve in found.values() for point in curve.points):
        note += " A network with two answers has no training curve of its digits alone."
    values = [value for curve in found.values() for point in curve.points for value in (point.train, point.val)]
    if any(value is not None and value < domain[0] for value in values):
        note += " The worst epochs are below the chart; the table has them."
    chart = Chart(
        "curves",
        "Accuracy of the best trials",
        note,
        curves_chart(
            [study.label for study in comparison.studies],
            "digits read right",
            list(domain),
            max(point.epoch for curve in found.values() for point in curve.points),
        ),
        [
            Column("study", "study"),
            Column("trial", "trial"),
            Column("epoch", "epoch"),
            Column("train", "training", 4),
            Column("val", "validation", 4),
            Column("shown", ""),
        ],
        rows,
    )
    return Section("progress", "Learning curves", charts=[chart])


def pairs(comparison: Comparison) -> Section | None:
    """Returns the section; None if no two trials can be compared."""
    differences = list(_differences(comparison))
    if not differences:
        return None
    hidden = len(differences) - MOST_DIFFERENCES
    note = "Each line is a 95 % interval; one that crosses zero says that chance may have made the difference."
    if hidden > 0:
        note += f" {hidden:,} more differences are not drawn."
    shown = differences[:MOST_DIFFERENCES]
    chart = Chart(
        "differences",
        f"Percentage points above {comparison.studies[0].label}",
        note,
        differences_chart([what for what, _ in shown]),
        [
            Column("what", "of"),
            Column("images", "images"),
            Column("first", "first", 4),
            Column("second", "second", 4),
            Column("points", "points", 2),
            Column("low", "from", 2),
            Column("high", "to", 2),
            Column("verdict", "verdict"),
            Column("said", ""),
        ],
        [_difference_cells(what, each) for what, each in shown],
    )
    return Section("pairs", "Differences", charts=[chart])


def specs(comparison: Comparison) -> Section | None:
    """Returns the section; None if the specs are the same."""
    if not comparison.fields:
        return None
    values = {
        "labels": [study.label for study in comparison.studies],
        "fields": [
            (field.name, [DASH if text is None else text for text in field.texts]) for field in comparison.fields
        ],
    }
    return Section("specs", "Specs: what differs", "compared_specs.html.j2", values)


def _curve(study: ComparedStudy) -> LearningCurve | None:
    """Returns how many digits the best trial of a study read right, by epoch."""
    if study.best is None:
        return None
    best = study.best.trial
    # Of a network with one head, earlier versions recorded the accuracy only.
    metric = "digit_accuracy" if "val/digit_accuracy" in best.metrics else "accuracy"
    return next(curve for curve in learning_curves(study.record, metric) if curve.number == best.number)


def _row(index: int, study: ComparedStudy) -> _Row:
    series, state = 1 + index % _SERIES, study.record.summary.state
    if study.best is None:
        return _Row(study.label, series, DASH, DASH, "", DASH, DASH, DASH, DASH, DASH, state)
    best = study.best.trial
    val, test = digits_right(best.metrics, "val"), digits_right(best.test or {}, "test")
    share, images = (val, study.validation_images) if test is None else (test, study.test_images(best.number))
    interval = share_interval(share, images) if share is not None and images else None
    return _Row(
        study.label,
        series,
        best.model,
        str(best.number),
        ", ".join(f"{name.rsplit('.', 1)[-1]} {format_param(value, 4)}" for name, value in best.params.items()),
        percent(val),
        percent(test),
        f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %" if interval else DASH,
        str(best.epochs),
        duration(best.seconds),
        state,
    )


def _differences(comparison: Comparison) -> Iterator[tuple[str, Difference]]:
    """Yields what is compared, and the difference: the best trials first."""
    for pair in comparison.pairs:
        if pair.best is not None:
            yield f"{pair.second.label}: best trials ({pair.best.images})", pair.best
    for pair in comparison.pairs:
        if len(pair.trials) < 2:
            continue  # these are the best trials
        yield from ((_pair_name(pair, each.difference), each.difference) for each in pair.trials)


def _pair_name(pair: StudyPair, difference: Difference) -> str:
    first, second = difference.first.trial, difference.second.trial
    numbers = f"trial {second}" if first == second else f"trial {second} against {first}"
    return f"{pair.second.label}: {numbers}"


def _difference_cells(what: str, difference: Difference) -> list[Cell]:
    gap = difference.gap
    return [
        what,
        difference.images,
        finite(difference.first.share),
        finite(difference.second.share),
        finite(100 * gap.value),
        finite(100 * gap.low),
        finite(100 * gap.high),
        NOISE if gap.is_noise else REAL,
        f"{points(gap.value)} points ({points(gap.low)} to {points(gap.high)})",
    ]
