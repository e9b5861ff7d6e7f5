"""Tables that leave out columns rather than cut them."""

import io

import pytest
from rich.console import Console

from jobs.tables import Column, fitted_table

COLUMNS = [
    Column("trial", ["1", "12"]),
    Column("lr", ["0.1", "0.25"], rank=1),
    Column("momentum", ["0.9", "0.95"], rank=1),
    Column("state", ["[red]FAIL[/]", "COMPLETE"], left=True),
    Column("worker", ["cpu-0", "cpu-1"], rank=2, left=True),
]


def drawn(width: int) -> tuple[list[str], list[str]]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    shown, left_out = fitted_table(COLUMNS, console, width)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()], left_out


def test_table_shows_all_columns_for_which_there_is_room() -> None:
    assert drawn(39)[0] == [
        "trial    lr  momentum  state     worker",
        "    1   0.1       0.9  FAIL      cpu-0",
        "   12  0.25      0.95  COMPLETE  cpu-1",
    ]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(39, []), (38, ["worker"]), (31, ["worker"]), (30, ["momentum", "worker"]), (1, ["lr", "momentum", "worker"])],
)
def test_least_important_columns_are_left_out_first(width: int, left_out: list[str]) -> None:
    assert drawn(width)[1] == left_out
