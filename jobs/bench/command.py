"""`mxtrials bench`: runs benchmarks, shows progress on stderr, and draws their reports."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from jobs.bench.host import Host
from jobs.bench.registry import BENCHMARKS, Plan, measure
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.tables import table


def run_benchmarks(name: str | None, rounds: int | None, published: bool) -> Iterator[tuple[str, Report]]:
    """Runs one benchmark, or all if no name is given; yields each one's name and report as soon as it is done."""
    names = list(BENCHMARKS) if name is None else [name]
    progress = Console(stderr=True)
    if not published:
        minutes = sum(BENCHMARKS[each].minutes for each in names)
        progress.print(f"{', '.join(names)}: about {minutes:g} minutes on two cores", style="dim", highlight=False)
    for each in names:
        with _announcer(each, progress) as announce:
            report = measure(each, Plan(announce, rounds, published))
        yield each, report


@contextmanager
def _announcer(name: str, progress: Console) -> Iterator[Callable[[str], None]]:
    """Yields a function that shows what is being measured, on a single changing line if stderr is a terminal."""
    if not progress.is_terminal:
        yield lambda text: progress.print(f"{name}: {text}", style="dim", highlight=False)
        return
    with progress.status(f"{name} ...") as status:
        yield lambda text: status.update(f"{name}: {text} ...")


def reports_as_json(host: Host, reports: Mapping[str, Report]) -> dict[str, Any]:
    """Returns the host and all reports, by benchmark name, for `--json`."""
    return {"machine": host.as_json(), **{name: report.as_json() for name, report in reports.items()}}


def draw_host(host: Host, console: Console) -> None:
    """Draws the line above the reports."""
    console.print(str(host), highlight=False, style="dim")


def draw_report(report: Report, console: Console) -> None:
    """Draws a report as a table of figures, followed by targets and notes."""
    console.print(f"\n[bold]{report.title}[/]", highlight=False)
    columns = ("", "program", "median", "min", "max", "unit", f"{OURS} is")
    drawn = table(*columns, left=("", "program", "unit"))
    drawn.add_column("")
    before = None
    for figure in report.figures:
        drawn.add_row(*_cells(figure, report.advantage(figure), figure.what != before))
        before = figure.what
    console.print(drawn)
    for target in report.targets:
        console.print(_target_line(target), highlight=False)
    for note in report.notes:
        console.print(note, highlight=False, style="dim")


def _cells(figure: Figure, advantage: float | None, is_first: bool) -> list[str]:
    numbers = [format_number(number) for number in (figure.median, min(figure.values), max(figure.values))]
    ratio = "" if advantage is None else f"{advantage:.2f} x"
    return [figure.what if is_first else "", figure.program, *numbers, figure.unit, ratio, figure.note]


def _target_line(target: Target) -> Text:
    mark = {True: ("met   ", "green"), False: ("missed", "yellow"), None: ("unknown", "dim")}[target.met]
    bound = f"{'at least' if target.better == 'more' else 'at most'} {format_number(target.bound)} {target.unit}"
    measured = "not measured" if target.measured is None else f"{format_number(target.measured)} {target.unit}"
    return Text.assemble("target ", mark, f"  {target.what}: {measured} ({bound})")


def format_number(number: float) -> str:
    """Formats 12345.6 as "12,346" and 3.14159 as "3.142"."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"
