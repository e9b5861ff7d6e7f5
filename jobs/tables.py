"""The one style of the tables that commands draw. Imports nothing but rich: `mxtrials doctor` needs it, too."""

from rich.table import Table


def table(*columns: str, left: tuple[str, ...] = (), title: str | None = None) -> Table:
    """Creates a table without lines, whose columns hold numbers unless they are named in `left`.

    Example:
        >>> drawn = table("trial", "network", left=("network",))
        >>> [column.justify for column in drawn.columns]
        ['right', 'left']
    """
    drawn = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False, title=title)
    for name in columns:
        drawn.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return drawn
