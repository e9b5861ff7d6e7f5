"""`mxtrials doctor`: what this machine lacks to run studies, and how to mend it. Changes nothing.

Works in an environment where nothing else does: it imports no package that it reports on.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jobs.doctor.check import CheckResult, State
from jobs.doctor.machine import check_machine
from jobs.doctor.software import check_software

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["CheckResult", "examine", "exit_code", "show"]

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_EXIT_MISSING = 3


def examine() -> list[CheckResult]:
    """Looks at the software and the machine; takes a few seconds, because it tries to import MXNet."""
    return [*check_software(), *check_machine()]


def exit_code(results: Sequence[CheckResult]) -> int:
    """3 where something is lacking, else 0."""
    return _EXIT_MISSING if any(result.state == "missing" for result in results) else 0


def show(results: Sequence[CheckResult], as_json: bool, console: "Console") -> None:
    """Prints the results as a table, or as a JSON list of objects with the fields of `CheckResult`."""
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in ("", "state", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for result in results:
        # As Text, because rich would take the brackets of `mxtrials[cpu]` for its own.
        table.add_row(result.what, Text(result.state, _STYLES[result.state]), Text(result.found), Text(result.remedy))
    console.print(table)
    console.print(_verdict(results), highlight=False)


def _verdict(results: Sequence[CheckResult]) -> str:
    lacking = [result.what for result in results if result.state == "missing"]
    return f"Lacking: {', '.join(lacking)}." if lacking else "Nothing is lacking."
