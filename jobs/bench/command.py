"""`mxtrials bench` as a person or a machine sees it: what is measured now on stderr, then tables, or JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.bench.host import this_host
from jobs.bench.registry import BENCHMARKS, Plan, measure
from jobs.bench.report import OURS, Figure, Report, Target


def run_benchmarks(name: str | None, rounds: int | None, published: bool, as_json: bool, console: Console) -> None:
    """Measures and prints one benchmark, or all of them."""
    names = list(BENCHMARKS) if name is None else [name]
    host = this_host()
    progress = Console(stderr=True)
    if not published:
        minutes = sum(BENCHMARKS[each].minutes for each in names)
        progress.print(f"{', '.join(names)}: about {minutes:g} minutes on two cores", style="dim", highlight=False)
    if not as_json:
        console.print(str(host), highlight=False, style="dim")
    reports = {}
    for each in names:
        with _announcer(each, progress) as announce:
            reports[each] = measure(each, Plan(announce, rounds, published))
        if not as_json:
            show(reports[each], console)
    if as_json:
        found = {each: report.as_json() for each, report in reports.items()}
        click.echo(json.dumps({"machine": host.as_json(), **found}, indent=2))


@contextmanager
def _announcer(name: str, progress: Console) -> Iterator[Callable[[str], None]]:
    """Takes what is being measured now: one line that changes, or a line each where the output is no terminal."""
    if not progress.is_terminal:
        yield lambda text: progress.print(f"{name}: {text}", style="dim", highlight=False)
        return
    with progress.status(f"{name} ...") as status:
        yield lambda text: status.update(f"{name}: {text} ...")


def show(report: Report, console: Console) -> None:
    """Prints a report for a person."""
    console.print(f"\n[bold]{report.title}[/]", highlight=False)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("", "program", "median", "min", "max", "unit", f"{OURS} is", ""):
        table.add_column(column, justify="right" if column in ("median", "min", "max", f"{OURS} is") else "left")
    before = None
    for figure in report.figures:
        table.add_row(*_cells(figure, report.advantage(figure), figure.what != before))
        before = figure.what
    console.print(table)
    for target in report.targets:
        console.print(_line(target), highlight=False)
    for note in report.notes:
        console.print(note, highlight=False, style="dim")


def _cells(figure: Figure, advantage: float | None, is_first: bool) -> list[str]:
    numbers = [readable(number) for number in (figure.median, min(figure.values), max(figure.values))]
    ratio = "" if advantage is None else f"{advantage:.2f} x"
    return [figure.what if is_first else "", figure.program, *numbers, figure.unit, ratio, figure.note]


def _line(target: Target) -> Text:
    mark = {True: ("met   ", "green"), False: ("missed", "yellow"), None: ("unknown", "dim")}[target.met]
    bound = f"{'at least' if target.better == 'more' else 'at most'} {readable(target.bound)} {target.unit}"
    measured = "not measured" if target.measured is None else f"{readable(target.measured)} {target.unit}"
    return Text.assemble("target ", mark, f"  {target.what}: {measured} ({bound})")


def readable(number: float) -> str:
    """12345.6 as "12,346", 3.14159 as "3.142"."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"
