"""What the workers did, and where the time went."""

from collections.abc import Mapping

from cluster.analysis.timeline import MOST_WORKERS, Timeline, timeline
from cluster.time_spent import DRIVER_PARTS, WORKER_PARTS, StudyTimes
from jobs.report.charts.workers import time_spent_chart, timeline_chart
from jobs.report.formats import duration, finite, percent, plural, time_unit
from jobs.report.section import Cell, Chart, Column, Section
from jobs.report.study import ReportedStudy

_WIDE = 0.035
_SMALL = 0.01
_OTHERS = "others"
_MOST_GROUPS = 9


def workers(study: ReportedStudy) -> Section | None:
    """Returns the section; None before the first attempt."""
    drawn = timeline(study.record, study.now)
    charts = [_timeline(study, drawn)] if drawn.bars else []
    if study.record.times is not None:
        charts.append(_time_spent(study.record.times))
    return Section("workers", "Workers", charts=charts) if charts else None


def _timeline(study: ReportedStudy, drawn: Timeline) -> Chart:
    total = max(bar.end_s for bar in drawn.bars) or 1.0
    unit, seconds = time_unit(total)
    faults = sum(bar.is_fault for bar in drawn.bars)
    note = "A bar for each attempt to train a trial"
    note += f"; crosses mark the {plural(faults, 'attempt')} that failed." if faults else "; no attempt failed."
    if drawn.pauses:
        note += (
            f" {plural(drawn.pauses, 'long pause')} between drivers {'is' if drawn.pauses == 1 else 'are'} shortened."
        )
    if drawn.hidden_workers:
        note += f" Of {MOST_WORKERS + drawn.hidden_workers:,} workers, the {MOST_WORKERS} busiest are shown."
    return Chart(
        "timeline",
        "Timeline",
        note,
        timeline_chart(
            study.kinds,
            drawn.workers,
            unit,
            has_faults=faults > 0,
            has_wide_bars=any(bar.end_s - bar.start_s > _WIDE * total for bar in drawn.bars),
        ),
        [
            Column("worker", "worker"),
            Column("trial", "trial"),
            Column("network", "network"),
            Column("attempt", "attempt"),
            Column("start", f"start ({unit})", 2),
            Column("end", f"end ({unit})", 2),
            Column("middle", ""),
            Column("is_wide", ""),
            Column("outcome", "outcome"),
            Column("took", "took"),
            Column("is_fault", ""),
            Column("error", "error"),
        ],
        [
            [
                bar.worker,
                bar.number,
                bar.model,
                bar.attempt,
                finite(bar.start_s / seconds),
                finite(bar.end_s / seconds),
                finite((bar.start_s + bar.end_s) / 2 / seconds),
                bar.end_s - bar.start_s > _WIDE * total,
                bar.outcome or "running",
                duration(bar.end_s - bar.start_s),
                bar.is_fault,
                bar.error or "",
            ]
            for bar in drawn.bars
        ],
    )


def _time_spent(times: StudyTimes) -> Chart:
    order = list(dict.fromkeys(part.value for part in (*WORKER_PARTS, *DRIVER_PARTS)))
    groups = _groups(times)
    who: Mapping[str, Mapping[str, float]] = {"workers": times.worker_s, "driver": times.driver_s}
    rows: list[list[Cell]] = [
        [
            name,
            part,
            part if part in groups else _OTHERS,
            finite(spent / sum(parts.values())),
            f"{duration(spent)}, {percent(spent / sum(parts.values()), 1)}",
            groups.index(part) if part in groups else len(order),
        ]
        for name, parts in who.items()
        for part, spent in parts.items()
        if spent > 0 and part in order
    ]
    return Chart(
        "time-spent",
        "Where the time went",
        f"Of their time between start and finish, the workers waited {percent(times.waiting, 1)}.",
        time_spent_chart([*groups, _OTHERS]),
        [
            Column("who", "of"),
            Column("part", "part"),
            Column("group", ""),
            Column("share", "share", 4),
            Column("text", "time"),
            Column("place", ""),
        ],
        rows,
    )


def _groups(times: StudyTimes) -> list[str]:
    """Returns the parts that took enough of the workers' or the driver's time to be told apart in a chart."""
    shares: dict[str, float] = {}
    for parts in (times.worker_s, times.driver_s):
        for part, spent in parts.items():
            shares[part] = max(shares.get(part, 0.0), spent / (sum(parts.values()) or 1.0))
    largest = sorted(shares, key=lambda part: -shares[part])[:_MOST_GROUPS]
    return [part for part in shares if part in largest and shares[part] >= _SMALL]
