"""Draws studies side by side."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.analysis.comparison.compared_study import ComparedStudy, digits_right
from cluster.analysis.comparison.comparison import Comparison, StudyPair
from cluster.analysis.comparison.differences import points
from cluster.analysis.intervals import share_interval
from jobs.tables import table
from jobs.terminal.output import ellipsized, format_rows_of_params, format_time

MOST_PAIRS = 12
MOST_FIELDS = 12
_NONE = ""


def draw_comparison(comparison: Comparison, console: Console) -> None:
    """Draws the best trial of each study, how they differ, the trials that they share, and how their specs differ."""
    console.print(_studies(comparison))
    console.print("[dim]the best trial of each study: digits read right, in %; the interval is of test[/]")
    for pair in comparison.pairs:
        console.print()
        for sentence in _sentences(pair):
            console.print(sentence, highlight=False)
        if len(pair.trials) > 1:
            console.print(_trials(pair))
    if comparison.fields:
        console.print()
        console.print(_fields(comparison))


def _studies(comparison: Comparison) -> Table:
    drawn = table(
        "study", "network", "trial", "val", "test", "95 % interval", "epochs", "time", left=("study", "network")
    )
    for study in comparison.studies:
        drawn.add_row(*_study_cells(study))
    return drawn


def _study_cells(study: ComparedStudy) -> tuple[str, ...]:
    if study.best is None:
        return f"[bold]{escape(study.label)}[/]", "[dim]no complete trial[/]"
    best = study.best.trial
    val, test = digits_right(best.metrics, "val"), digits_right(best.test or {}, "test")
    share, images = (val, study.validation_images) if test is None else (test, study.test_images(best.number))
    low, high = share_interval(share, images) if share is not None and images else (None, None)
    return (
        f"[bold]{escape(study.label)}[/]",
        best.model,
        str(best.number),
        _percent(val),
        _percent(test),
        _NONE if low is None or high is None else f"{_percent(low)} to {_percent(high)}",
        str(best.epochs),
        format_time(best.seconds),
    )


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.2f}"


def _sentences(pair: StudyPair) -> Iterator[str]:
    if pair.best is None:
        yield f"{escape(pair.second.label)} and {escape(pair.first.label)}: no complete trial to compare"
    else:
        style = "yellow" if pair.best.gap.is_noise else "green"
        yield f"[{style}]{'noise' if pair.best.gap.is_noise else 'real'}[/]  {escape(pair.best.sentence)}"
    if pair.sentence:
        yield f"[dim]pairs[/]  {escape(pair.sentence)}"


def _trials(pair: StudyPair) -> Table:
    columns = (escape(pair.first.label), escape(pair.second.label), "points", "95 % interval", "", "parameters")
    drawn = table(*columns, left=("", "parameters"))
    shown = pair.trials[:MOST_PAIRS]
    params = format_rows_of_params([each.first.params for each in shown])
    for each, text in zip(shown, params, strict=True):
        gap = each.difference.gap
        drawn.add_row(
            f"#{each.first.number} {_percent(each.difference.first.share)}",
            f"#{each.second.number} {_percent(each.difference.second.share)}",
            points(gap.value),
            f"{points(gap.low)} to {points(gap.high)}",
            "[yellow]noise[/]" if gap.is_noise else "",
            ellipsized(text),
        )
    if len(pair.trials) > MOST_PAIRS:
        drawn.caption = f"and {len(pair.trials) - MOST_PAIRS} more: --json shows all"
    return drawn


def _fields(comparison: Comparison) -> Table:
    labels = [escape(study.label) for study in comparison.studies]
    drawn = table("spec", *labels, left=("spec", *labels))
    for field in comparison.fields[:MOST_FIELDS]:
        drawn.add_row(field.name, *(ellipsized("-" if text is None else text) for text in field.texts))
    if len(comparison.fields) > MOST_FIELDS:
        drawn.caption = f"and {len(comparison.fields) - MOST_FIELDS} more: --json shows all"
    return drawn
