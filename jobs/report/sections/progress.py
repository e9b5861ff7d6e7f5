"""How the study improved: the best value so far, and the learning curves."""

from collections.abc import Sequence

from cluster.analysis.progress import (
    MOST_POINTS,
    BestSoFar,
    LearningCurve,
    best_so_far,
    drawn_range,
    has_metric,
    learning_curves,
)
from cluster.analysis.study_record import StudyRecord
from cluster.trial import TrialState
from jobs.report.charts.progress import best_so_far_chart, learning_curves_chart
from jobs.report.formats import finite, number, plural, time_unit
from jobs.report.section import Cell, Chart, Column, Section
from jobs.report.study import ReportedStudy

_ENDS = {TrialState.PRUNED: "pruned", TrialState.FAIL: "failed", TrialState.RUNNING: "running"}


def progress(study: ReportedStudy) -> Section:
    """Returns the section."""
    steps = best_so_far(study.record)
    own = study.objective.removeprefix("val/")
    metrics = ["accuracy", "loss"] if own == "loss" else [own, "loss"]
    charts = [_best_so_far(study, steps)] if steps else []
    charts += [_curves(study, metric) for metric in metrics if has_metric(study.record, f"val/{metric}")]
    return Section("progress", "Progress", charts=charts)


def _best_so_far(study: ReportedStudy, steps: Sequence[BestSoFar]) -> Chart:
    unit, seconds = time_unit(max(step.ended_s for step in steps))
    direction = study.record.summary.spec.search.direction.value
    values = sorted(step.value for step in steps)
    shown = values[len(values) // 10 :] if direction == "maximize" else values[: -(len(values) // 10) or None]
    pad = (shown[-1] - shown[0]) * 0.05 or 0.01
    news = sum(step.is_new for step in steps)
    return Chart(
        "best-so-far",
        "Best so far",
        f"The line is the best complete trial so far, which changed {plural(news, 'time')}; each dot is a trial when "
        f"it ended. {_cut(len(values) - len(shown), direction)}".strip(),
        best_so_far_chart(study.kinds, study.states, study.objective, unit, [shown[0] - pad, shown[-1] + pad]),
        [
            Column("trial", "trial"),
            Column("network", "network"),
            Column("parameters", "parameters"),
            Column("state", "state"),
            Column("time", f"ended ({unit})", 2),
            Column("value", study.objective, 4),
            Column("best", "best so far", 4),
            Column("shown", ""),
        ],
        [
            [
                step.number,
                step.model,
                study.parameters[step.number],
                step.state.value,
                finite(step.ended_s / seconds, 4),
                finite(step.value),
                finite(step.best),
                number(step.value),
            ]
            for step in steps
        ],
    )


def _cut(count: int, direction: str) -> str:
    if not count:
        return ""
    where = "below" if direction == "maximize" else "above"
    return f"{plural(count, 'trial')} {where} the chart {'is' if count == 1 else 'are'} not drawn."


def _curves(study: ReportedStudy, metric: str) -> Chart:
    curves = learning_curves(study.record, metric)
    domain = drawn_range(curves, higher_is_better=metric != "loss")
    ends = list(dict.fromkeys(end for curve in curves if (end := _end(curve))))
    note = "Validation solid, training dashed; point at a line to see its trial."
    if metric == "accuracy" and "multitask" in study.kinds:
        note += " The accuracy of a multitask network counts both of its answers, the digit and the parity."
    if metric == "digit_accuracy" and "multitask" in study.kinds:
        note += " Training measures the accuracy of a multitask network over both of its answers only."
    if any(value < domain[0] or value > domain[1] for curve in curves for value in _values(curve)) if domain else False:
        note += " The worst epochs are outside the chart; the table has them."
    if _is_thinned(study.record, curves):
        note += f" Of more than {MOST_POINTS:,} epochs, every n-th is shown."
    return Chart(
        f"curves-{metric.replace('_', '-')}",
        f"Learning curves: {metric.replace('_', ' ')}",
        note,
        learning_curves_chart(
            study.kinds,
            metric.replace("_", " "),
            list(domain or (0, 1)),
            ends,
            max(point.epoch for curve in curves for point in curve.points),
            len(curves),
        ),
        [
            Column("trial", "trial"),
            Column("network", "network"),
            Column("parameters", "parameters"),
            Column("ending", "ending"),
            Column("end", ""),
            Column("last", ""),
            Column("epoch", "epoch"),
            Column("train", "training", 4),
            Column("val", "validation", 4),
        ],
        [_curve_group(study, curve) for curve in curves if curve.points],
        common=6,
        size="half",
    )


def _curve_group(study: ReportedStudy, curve: LearningCurve) -> tuple[list[Cell], list[list[Cell]]]:
    """Returns what all points of a curve have in common, and each point's own cells."""
    number = curve.number
    ending = study.endings[number] or curve.state.value.lower()
    common: list[Cell] = [number, curve.model, study.parameters[number], ending, _end(curve), curve.points[-1].epoch]
    return common, [[point.epoch, finite(point.train, 5), finite(point.val, 5)] for point in curve.points]


def _end(curve: LearningCurve) -> str:
    """Returns how a trial ended before its last epoch; "" if it trained to the end."""
    return _ENDS.get(curve.state, "")


def _values(curve: LearningCurve) -> list[float]:
    return [value for point in curve.points for value in (point.train, point.val) if value is not None]


def _is_thinned(record: StudyRecord, curves: Sequence[LearningCurve]) -> bool:
    return sum(len(each.measurements) for each in record.trials) > sum(len(curve.points) for curve in curves)
