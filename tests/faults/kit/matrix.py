"""The fault matrix: every test below tests/faults causes one fault for real, and tells what it proves.

`python -m tests.faults.kit.matrix` writes the table of docs/faults.md anew from the tests.
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

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Fault:
    """One row of the matrix.

    Attributes:
        group: one of GROUPS.
        what: happens.
        seen: by the user.
        lost: of the study.
        test: that causes it, as `file::function`.
    """

    group: str
    what: str
    seen: str
    lost: str
    test: str


_FAULTS: dict[str, Fault] = {}


def fault(group: str, what: str, *, seen: str, lost: str) -> Callable[[Test], Test]:
    """Makes a test a row of the matrix."""
    if group not in GROUPS:
        raise ValueError(f"group is {group!r}, expected one of {GROUPS}")

    def register(test: Test) -> Test:
        name = f"{test.__module__.removeprefix('tests.faults.').replace('.', '/')}.py::{test.__name__}"
        _FAULTS[name] = Fault(group, what, seen, lost, name)
        return test

    return register


def faults() -> list[Fault]:
    """All rows, by group and in the order of files and tests."""
    for path in sorted(TESTS.glob("*/test_*.py")):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return sorted(_FAULTS.values(), key=lambda row: (GROUPS.index(row.group), row.test.partition("::")[0]))


def table() -> str:
    """The matrix in Markdown."""
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"### {group}", "", "| what happens | what you see | what is lost | test |", "|---|---|---|---|"]
        rows = [row for row in faults() if row.group == group]
        lines += [f"| {row.what} | {row.seen} | {row.lost} | `{row.test}` |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def page_with(matrix: str) -> str:
    """docs/faults.md with this matrix in the place of its own."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{matrix}{END}{after}"


if __name__ == "__main__":
    from tests.faults.kit import matrix  # the one that the tests register with

    PAGE.write_text(matrix.page_with(matrix.table()))
