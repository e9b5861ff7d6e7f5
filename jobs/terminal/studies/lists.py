"""Draws lists: the studies in a folder, and the shipped specs."""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from jobs.specs.shipped import ShippedSpec
from jobs.tables import Column, fitted_table
from jobs.terminal.studies.listed import ListedStudy

_STYLES = {"running": "cyan", "complete": "green", "interrupted": "yellow", "damaged": "red"}


def draw_studies(studies: Sequence[ListedStudy], folder: Path, console: Console) -> None:
    """Draws the studies in a folder."""
    if not studies:
        console.print(f"there is no study in {folder}", highlight=False, markup=False, soft_wrap=True)
        return
    columns = [
        Column("study", [escape(study.path.name) for study in studies], left=True),
        Column("state", [_state(study) for study in studies], left=True),
        Column("trials", [_trials(study) for study in studies]),
        Column("best", [_best(study) for study in studies], rank=1, left=True),
        Column("by", [study.summary.spec.search.objective if study.summary else "" for study in studies], 3, left=True),
        Column("changed", [_local_time(study.changed_at) for study in studies], 2),
        Column("size", [_size(study.size_bytes) for study in studies], rank=4),
    ]
    console.print(fitted_table(columns, console, console.width)[0])
    for study in studies:
        if study.error is not None:
            console.print(f"[red]{escape(study.path.name)}:[/] {escape(study.error)}", highlight=False)


def draw_specs(specs: Sequence[ShippedSpec], console: Console) -> None:
    """Draws the shipped specs."""
    columns = [
        Column("spec", [each.spec.name for each in specs], left=True),
        Column("networks", [_networks(each) for each in specs], left=True),
        Column("trials", [str(each.spec.trials) for each in specs]),
        Column("epochs", [str(each.spec.max_epochs) for each in specs], rank=2),
        Column("time", [f"~{each.note.time}" for each in specs]),
        Column("accuracy", [f"~{each.note.accuracy}" for each in specs], rank=1),
        Column("purpose", [each.note.purpose for each in specs], rank=3, left=True),
    ]
    console.print(fitted_table(columns, console, console.width)[0])
    console.print("[dim]times on two cores; run one with `mxtrials run SPEC`[/]", highlight=False)


def _networks(described: ShippedSpec) -> str:
    kinds = described.spec.model_kinds
    return "all three" if len(kinds) == 3 else ", ".join(kinds)


def _state(study: ListedStudy) -> str:
    state = study.summary.state if study.summary else "damaged"
    return f"[{_STYLES.get(state, '')}]{state}[/]" if state in _STYLES else state


def _trials(study: ListedStudy) -> str:
    return f"{study.finished}/{study.summary.spec.trials}" if study.summary else ""


def _best(study: ListedStudy) -> str:
    best = study.summary.best if study.summary else None
    return "" if best is None else f"{best.value:.4f} {best.model} #{best.number}"


def _local_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc).astimezone():%Y-%m-%d %H:%M}"


def _size(size_bytes: int) -> str:
    """Returns bytes as "12 MB"."""
    for divisor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= divisor:
            return f"{size_bytes / divisor:.3g} {unit}"
    return f"{size_bytes} B"
