"""The leaderboard: one row a trial, with its parameters, the course of its objective, and why it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.analysis.parameters import ParameterColumn
from cluster.analysis.progress import drawn_range, learning_curves
from cluster.analysis.study_record import RecordedTrial
from jobs.report.digits import SPARK_HEIGHT, SPARK_WIDTH, sparkline
from jobs.report.formats import duration, finite, number, percent
from jobs.report.section import Section
from jobs.report.study import ReportedStudy


@dataclass(frozen=True)
class _ParameterCell:
    """A parameter as text, and what it is sorted by; "" if the trial has none."""

    text: str
    key: str


@dataclass(frozen=True)
class _Row:
    number: int
    model: str
    state: str
    parameters: Sequence[_ParameterCell]
    epochs: str
    value: str
    value_key: str
    test: str
    time: str
    seconds: str
    spark: str
    ending: str


def leaderboard(study: ReportedStudy) -> Section:
    """Returns the section."""
    summary = study.record.summary
    metric = study.objective.removeprefix("val/")
    curves = learning_curves(study.record, metric)
    sparks = {curve.number: [point.val for point in curve.points] for curve in curves}
    bounds = drawn_range(curves, higher_is_better=summary.spec.search.direction.value == "maximize") or (0.0, 1.0)
    columns = [(column, _sort_keys(column)) for column in study.columns]
    rows = [_row(study, each, sparkline(sparks[each.trial.number], *bounds), columns) for each in study.trials]
    return Section(
        "leaderboard",
        "Leaderboard",
        "leaderboard.html.j2",
        {
            "rows": rows,
            "columns": [column.label for column in study.columns],
            "objective": study.objective,
            "kinds": study.kinds,
            "states": list(summary.counts()),
            "hidden": len(summary.trials) - len(rows),
            "spark": (SPARK_WIDTH, SPARK_HEIGHT),
            "has_test": any(each.trial.test for each in study.trials),
            "has_endings": any(study.endings.values()),
        },
    )


def _sort_keys(column: ParameterColumn) -> dict[int, str]:
    """Returns trial number -> the place of its value in the order of the column."""
    places = {text: str(place) for place, text in enumerate(column.order)}
    return {trial: places[text] for trial, text in column.texts.items()}


def _row(
    study: ReportedStudy, each: RecordedTrial, spark: str, columns: Sequence[tuple[ParameterColumn, dict[int, str]]]
) -> _Row:
    trial = each.trial
    test = trial.test or {}
    share = test.get("test/digit_accuracy", test.get("test/accuracy"))
    value = finite(trial.value)
    return _Row(
        trial.number,
        trial.model,
        trial.state.value,
        [_ParameterCell(column.texts.get(trial.number, ""), keys.get(trial.number, "")) for column, keys in columns],
        f"{trial.epochs}/{each.epochs}",
        number(value),
        "" if value is None else repr(value),
        percent(share) if test else "",
        duration(trial.seconds),
        f"{trial.seconds:.1f}",
        spark,
        study.endings[trial.number],
    )
