"""`mxtrials doctor`: checks whether this machine can run studies, and says how to fix what is missing. Changes nothing.

Works even if nothing else does, because it imports none of the packages that it checks.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jobs.doctor.check import CheckResult, State
from jobs.doctor.machine import check_machine
from jobs.doctor.software import check_software
from jobs.doctor.surroundings import check_surroundings

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_JSON_STATES: dict[State, str] = {"ok": "ok", "warning": "warning", "missing": "lacking"}
_EXIT_MISSING = 3


def run_checks() -> list[CheckResult]:
    """Checks software, settings and the machine. Takes a few seconds, because it tries to import MXNet."""
    return [*check_software(), *check_surroundings(), *check_machine()]


def exit_code(results: Sequence[CheckResult]) -> int:
    """Returns 3 if something is missing, else 0."""
    return _EXIT_MISSING if any(result.state == "missing" for result in results) else 0


def checks_as_json(results: Sequence[CheckResult]) -> list[dict[str, str]]:
    """Returns the results for `--json`: objects with the fields of `CheckResult`.

    There, the state "missing" is "lacking", as in earlier versions, so that scripts keep working.
    """
    return [dataclasses.asdict(result) | {"state": _JSON_STATES[result.state]} for result in results]


def draw_checks(results: Sequence[CheckResult], console: "Console") -> None:
    """Draws the results as a table, followed by what is missing."""
    from rich.text import Text

    from jobs.tables import table

    drawn = table("", "state", left=("", "state"))
    drawn.add_column("found", overflow="fold")
    drawn.add_column("what to do", overflow="fold")
    for result in results:
        # Text, because rich would read the brackets of `mxtrials[cpu]` as markup.
        drawn.add_row(result.what, Text(result.state, _STYLES[result.state]), Text(result.found), Text(result.remedy))
    console.print(drawn)
    missing = [result.what for result in results if result.state == "missing"]
    console.print(f"Missing: {', '.join(missing)}." if missing else "Nothing is missing.", highlight=False)
