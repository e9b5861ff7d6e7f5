"""The fault matrix: tests below tests/faults each cause one fault for real and declare what users can expect of it.

`python -m tests.faults.kit.matrix` writes the tables of docs/faults.md from these declarations.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests" / "faults"
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- matrix: python -m tests.faults.kit.matrix -->\n", "<!-- end of matrix -->\n"
GROUPS = ("Workers and nodes", "The driver", "Disks and files", "Data, specs and settings")
HEADER = ("| fault | what you see | cost | test |", "|---|---|---|---|")

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Fault:
    """One row of the matrix.

    Attributes:
        group: one of GROUPS.
        what: what happens.
        seen: what the user sees.
        cost: what the study loses.
        test: the test that causes the fault, as `file::function`.
    """

    group: str
    what: str
    seen: str
    cost: str
    test: str


_FAULTS: dict[str, Fault] = {}


def fault(group: str, what: str, *, seen: str, cost: str) -> Callable[[Test], Test]:
    """Decorates a test that causes a fault, which makes it a row of the matrix; see Fault for the arguments."""
    if group not in GROUPS:
        raise ValueError(f"group is {group!r}, expected one of {GROUPS}")

    def register(test: Test) -> Test:
        name = f"{test.__module__.removeprefix('tests.faults.').replace('.', '/')}.py::{test.__name__}"
        _FAULTS[name] = Fault(group, what, seen, cost, name)
        return test

    return register


def all_faults() -> list[Fault]:
    """Imports all tests and returns their rows by group, in the order of files and tests."""
    for path in sorted(TESTS.glob("*/test_*.py")):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return sorted(_FAULTS.values(), key=lambda row: (GROUPS.index(row.group), row.test.partition("::")[0]))


def table() -> str:
    """The matrix in Markdown, one table per group."""
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"### {group}", "", *HEADER]
        rows = [row for row in all_faults() if row.group == group]
        lines += [f"| {row.what} | {row.seen} | {row.cost} | `{row.test}` |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def page_with(matrix: str) -> str:
    """The text of docs/faults.md with this matrix in place of the one it has."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{matrix}{END}{after}"


if __name__ == "__main__":
    from tests.faults.kit import matrix  # not __main__: the module that the tests register with

    PAGE.write_text(matrix.page_with(matrix.table()))
