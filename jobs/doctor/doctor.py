"""`mxtrials doctor`: what this machine lacks to run studies, and how to mend it. Changes nothing.

Works in an environment where nothing else does: it imports no package that it reports on.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jobs.doctor.check import Finding, State
from jobs.doctor.machine import check_machine
from jobs.doctor.software import check_software

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Finding", "examine", "exit_code", "show"]

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "lacking": "bold red"}
_EXIT_LACKING = 3


def examine() -> list[Finding]:
    """Looks at the software and the machine; takes a few seconds, because it tries to import MXNet."""
    return [*check_software(), *check_machine()]


def exit_code(findings: Sequence[Finding]) -> int:
    """3 where something is lacking, else 0."""
    return _EXIT_LACKING if any(finding.state == "lacking" for finding in findings) else 0


def show(findings: Sequence[Finding], as_json: bool, console: "Console") -> None:
    """Prints the findings as a table, or as a JSON list of objects with the fields of `Finding`."""
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in ("", "state", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        # As Text, because rich would take the brackets of `mxtrials[cpu]` for its own.
        table.add_row(
            finding.what, Text(finding.state, _STYLES[finding.state]), Text(finding.found), Text(finding.remedy)
        )
    console.print(table)
    console.print(_verdict(findings), highlight=False)


def _verdict(findings: Sequence[Finding]) -> str:
    lacking = [finding.what for finding in findings if finding.state == "lacking"]
    return f"Lacking: {', '.join(lacking)}." if lacking else "Nothing is lacking."
