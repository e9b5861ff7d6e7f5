"""Draws the trials that are being trained: a row for each, with the columns for which a terminal has room."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from jobs.tables import Column, fitted_table
from jobs.terminal.fields import SearchedField
from jobs.terminal.output import format_count
from jobs.terminal.running.progress import Progress, TrialProgress

_BARS = "▁▂▃▄▅▆▇█"
_BAR_WIDTH = 10
_MOST_EPOCHS = 12  # in a sparkline


def running_table(
    progress: Progress, fields: Sequence[SearchedField], console: Console, options: ConsoleOptions, most: int
) -> RenderableType:
    """Draws the running trials, at most `most` rows."""
    rows = sorted(progress.running.values(), key=lambda row: row.trial.number)
    shown = rows[:most]
    drawn, _ = fitted_table(_columns(progress, shown, fields, options), console, options.max_width)
    if len(rows) <= most:
        return drawn
    return Group(drawn, Text(f"and {len(rows) - most} more", style="dim"))


def format_clock(seconds: float) -> str:
    """Returns seconds as "0:42", "3:07" or "1:02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """Draws values in [low, high] as bars of eight heights.

    Example:
        >>> sparkline([0.5, 0.75, 1.0], 0.5, 1.0)
        '▁▄█'
    """
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1) - 0.01)] for value in values)


def _columns(
    progress: Progress, rows: Sequence[TrialProgress], fields: Sequence[SearchedField], options: ConsoleOptions
) -> list[Column]:
    objective = progress.spec.search.objective
    trained = "train/loss" if objective == "val/loss" else "train/accuracy"
    kinds = progress.spec.model_kinds
    names = [row.model.ljust(max(map(len, kinds))) for row in rows]
    network = [Column("network", names, left=True)] if len(kinds) > 1 else []
    params = [row.trial.params for row in rows]
    searched = [Column(field.header, [f"{cell}" for cell in field.cells(params)], rank=1) for field in fields]
    curves = [] if options.ascii_only else [Column("curve", _sparklines(rows), rank=4, left=True)]
    return [
        Column("trial", [str(row.trial.number) for row in rows]),
        *network,
        *searched,
        Column("epoch", [f"{row.epoch}/{row.epochs}" for row in rows]),
        Column("", [_bar(row) for row in rows], rank=3, left=True),
        Column("", [f"{row.epochs_done / row.epochs:4.0%}" for row in rows], rank=5),
        Column("train", [_metric(row, trained) for row in rows], rank=2),
        Column("val", [_metric(row, objective) for row in rows]),
        Column("img/s", [_speed(row) for row in rows], rank=4),
        Column("left", [_left(row) for row in rows], rank=3),
        *curves,
        Column("worker", [row.worker for row in rows], rank=6, left=True),
    ]


def _metric(row: TrialProgress, name: str) -> str:
    value = row.measurement.metrics.get(name) if row.measurement else None
    return "     -" if value is None else f"{value:.4f}"


def _speed(row: TrialProgress) -> str:
    return f"{format_count(row.images_per_s):>5}" if row.images_per_s else ""


def _left(row: TrialProgress) -> str:
    return "" if row.remaining_s is None else f"{format_clock(row.remaining_s):>5}"


def _bar(row: TrialProgress) -> ProgressBar:
    return ProgressBar(row.epochs, row.epochs_done, _BAR_WIDTH, complete_style="cyan", finished_style="cyan")


def _sparklines(rows: Sequence[TrialProgress]) -> list[str]:
    """Draws the objective of each trial by epoch, all on one scale."""
    values = [value for row in rows for value in row.values]
    if not values:
        return ["" for _ in rows]
    return [sparkline(row.values[-_MOST_EPOCHS:], min(values), max(values)) for row in rows]
