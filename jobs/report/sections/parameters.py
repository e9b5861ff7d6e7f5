"""What the parameters did to the objective: parallel coordinates, importance, and slices."""

from typing import Any

from cluster.analysis.parameters import ParameterColumn
from cluster.trial import TrialState
from jobs.report.charts.parallel import ABSENT, Axis, parallel_coordinates
from jobs.report.charts.parameters import importance_chart, slice_chart
from jobs.report.formats import finite, number
from jobs.report.section import Cell, Chart, Column, Section
from jobs.report.study import ReportedStudy

MOST_AXES = 10
MOST_SLICES = 12
FEWEST_TRIALS = 10
"""With fewer trials of a network, the importance of its parameters would be chance."""
_MOST_CHOICES_ON_AN_AXIS = 24


def parameters(study: ReportedStudy) -> Section | None:
    """Returns the section; None if no searched field differs between the trials."""
    if not study.columns or not any(finite(each.trial.value) is not None for each in study.trials):
        return None
    too_few = [kind for kind in study.kinds if _ranked_count(study, kind) < FEWEST_TRIALS]
    return Section(
        "parameters",
        "Parameters",
        "parameters.html.j2",
        {
            "has_importance": len(too_few) < len(study.kinds),
            "too_few": too_few,
            "fewest": FEWEST_TRIALS,
            "hidden": max(0, len(study.columns) - MOST_SLICES),
        },
        charts=[_parallel(study), *_importances(study), *(_slice(study, each) for each in study.columns[:MOST_SLICES])],
    )


def _parallel(study: ReportedStudy) -> Chart:
    columns = study.columns[: MOST_AXES - 1]
    axes = [_axis(study, index, column) for index, column in enumerate(columns)]
    axes.append(Axis("value", study.objective))
    best = study.record.summary.best
    rows: list[list[Cell]] = []
    for each in reversed(study.trials):  # the best lines last, on top of the others
        trial = each.trial
        value = finite(trial.value)
        if value is None:
            continue
        cells = [_cell(axis, column, trial.number) for axis, column in zip(axes[:-1], columns, strict=True)]
        is_best = best is not None and best.number == trial.number
        texts = study.parameters[trial.number]
        rows.append([trial.number, trial.model, trial.state.value, texts, number(value), is_best, *cells, value])
    return Chart(
        "parallel",
        "Parallel coordinates",
        "A line for each trial, the thick one the best. Drag along an axis to keep the trials that pass there, on "
        "several axes to combine them; double-click to keep all again. Without a pointer, sort and filter the "
        "leaderboard, or open the table.",
        parallel_coordinates(axes, study.kinds, len(rows)),
        [
            Column("trial", "trial"),
            Column("network", "network"),
            Column("state", "state"),
            Column("parameters", ""),
            Column("shown", ""),
            Column("best", ""),
            *(Column(axis.column, axis.title) for axis in axes),
        ],
        rows,
        is_wide=True,
    )


def _axis(study: ReportedStudy, index: int, column: ParameterColumn) -> Axis:
    if column.is_numeric:
        return Axis(f"axis{index}", column.label, None, column.is_log)
    missing = any(each.trial.number not in column.texts for each in study.trials)
    return Axis(f"axis{index}", column.label, [*([ABSENT] if missing else []), *column.order])


def _cell(axis: Axis, column: ParameterColumn, trial: int) -> Cell:
    if axis.order is not None:
        return column.texts.get(trial, ABSENT)
    value = column.values.get(trial)
    return finite(value) if isinstance(value, int | float) else None


def _importances(study: ReportedStudy) -> list[Chart]:
    charts = []
    for kind in study.kinds:
        if _ranked_count(study, kind) >= FEWEST_TRIALS:
            charts += _importance(study, kind)
    return charts


def _importance(study: ReportedStudy, kind: str) -> list[Chart]:
    from cluster.search.importance import field_importances

    ranked = [each.trial for each in study.trials if _is_ranked(each.trial.state) and each.trial.model == kind]
    columns = [column for column in study.columns if all(trial.number in column.values for trial in ranked)]
    values = {column.label: [column.values[trial.number] for trial in ranked] for column in columns}
    logs = frozenset(column.label for column in columns if column.is_log)
    shares = field_importances(values, logs) if values else {}
    if not any(shares.values()):
        return []
    title = "Importance" if len(study.kinds) == 1 else f"Importance for {kind}"
    return [
        Chart(
            f"importance-{kind}",
            title,
            f"Of {len(ranked)} complete or pruned trials.",
            importance_chart(kind, len(shares)),
            [Column("parameter", "parameter"), Column("share", "importance", 3)],
            [[label, finite(share, 4)] for label, share in shares.items()],
            size="third",
        )
    ]


def _slice(study: ReportedStudy, column: ParameterColumn) -> Chart:
    shown = [
        each.trial
        for each in study.trials
        if finite(each.trial.value) is not None and each.trial.number in column.texts
    ]
    values = sorted(trial.value for trial in shown if trial.value is not None)
    maximize = study.record.summary.spec.search.direction.value == "maximize"
    kept = values[len(values) // 10 :] if maximize else values[: -(len(values) // 10) or None]
    pad = (kept[-1] - kept[0]) * 0.05 or 0.01
    is_choice = not column.is_numeric and len(column.order) <= _MOST_CHOICES_ON_AN_AXIS
    scale: dict[str, Any] = {"log": column.is_log}
    if not column.is_numeric:
        scale = {"order": list(column.order)}
    return Chart(
        f"slice-{column.field.replace('.', '-').replace('_', '-')}",
        f"{study.objective} by {column.label}",
        "" if is_choice or column.is_numeric else "Many choices: see the table for their names.",
        slice_chart(study.kinds, study.states, column.label, study.objective, scale, [kept[0] - pad, kept[-1] + pad]),
        [
            Column("trial", "trial"),
            Column("network", "network"),
            Column("state", "state"),
            Column("text", column.label),
            Column("x", ""),
            Column("value", study.objective, 4),
        ],
        [_slice_row(column, trial.number, trial.model, trial.state.value, trial.value) for trial in shown],
        size="third",
    )


def _slice_row(column: ParameterColumn, trial: int, model: str, state: str, value: float | None) -> list[Cell]:
    text, raw = column.texts[trial], column.values[trial]
    x: Cell = finite(raw) if column.is_numeric and isinstance(raw, int | float) else text
    return [trial, model, state, text, x, finite(value)]


def _ranked_count(study: ReportedStudy, kind: str) -> int:
    return sum(_is_ranked(each.trial.state) and each.trial.model == kind for each in study.trials)


def _is_ranked(state: TrialState) -> bool:
    return state in (TrialState.COMPLETE, TrialState.PRUNED)
