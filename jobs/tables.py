"""The one style of the tables that commands draw. Imports nothing but rich: `mxtrials doctor` needs it, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table

_GAP = 2  # spaces between columns


def table(*columns: str, left: tuple[str, ...] = (), title: str | None = None) -> Table:
    """Creates a table without lines, whose columns hold numbers unless they are named in `left`.

    Example:
        >>> drawn = table("trial", "network", left=("network",))
        >>> [column.justify for column in drawn.columns]
        ['right', 'left']
    """
    drawn = Table(box=None, header_style="dim", padding=(0, _GAP, 0, 0), pad_edge=False, title=title)
    for name in columns:
        drawn.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return drawn


@dataclass(frozen=True)
class Column:
    """A column of a table that is fitted to the width of a terminal.

    Attributes:
        cells: one for each row; text may contain rich's markup.
        rank: how important it is, 0 for what must be there; of equal ones, the first is the most important.
        left: whether it is aligned at its left.
    """

    header: str
    cells: Sequence[RenderableType]
    rank: int = 0
    left: bool = False


def fitted_table(columns: Sequence[Column], console: Console, width: int) -> tuple[Table, list[str]]:
    """Creates a table of the most important columns that fit into a width.

    Returns:
        the table, and the headers of the columns that are left out.
    """
    widths = [_width(column, console) + _GAP for column in columns]
    kept = list(range(len(columns)))
    for index in sorted(kept, key=lambda index: (columns[index].rank, index), reverse=True):
        if sum(widths[each] for each in kept) - _GAP <= width or columns[index].rank == 0:
            break
        kept.remove(index)
    shown = [columns[index] for index in kept]
    drawn = table()
    for column in shown:
        drawn.add_column(column.header, justify="left" if column.left else "right", no_wrap=True)
    for row in zip(*(column.cells for column in shown), strict=True):
        drawn.add_row(*row)
    return drawn, [column.header for index, column in enumerate(columns) if index not in kept]


def _width(column: Column, console: Console) -> int:
    """Returns how wide the widest cell of a column is, header included."""
    return max(_cell_width(cell, console) for cell in (column.header, *column.cells))


def _cell_width(cell: RenderableType, console: Console) -> int:
    if isinstance(cell, str) and "[" not in cell:  # no markup: the usual case, and much faster
        return cell_len(cell)
    return Measurement.get(console, console.options.update(width=10_000), cell).maximum
