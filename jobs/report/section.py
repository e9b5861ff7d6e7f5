"""What a section of a report consists of: a heading, a template with its values, and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Cell = str | int | float | bool | None
VegaSpec = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a chart's data.

    Attributes:
        name: how the chart's spec calls it.
        label: the heading in the table behind the chart; "" leaves it out of the table.
        digits: how many decimals the table shows; None shows values as they are.
    """

    name: str
    label: str
    digits: int | None = None


@dataclass(frozen=True)
class Chart:
    """One chart with the data that it draws, which the reader may also open as a table.

    Attributes:
        id: unique in the page.
        title: one line.
        note: how to read it, in one or two sentences.
        spec: a Vega-Lite spec (or a Vega spec, if `$schema` says so) that draws the data set `rows`.
        columns: of the data.
        rows: one cell for each column; numbers must be finite.
        common: how many of the first columns are the same in many rows. If there are any, `rows` are pairs: the common
            cells, and the rows with the other cells. This keeps a page small.
        size: how much of the page's width it takes.
        is_wide: whether it stays wide on a narrow screen, where one scrolls it sideways.
    """

    id: str
    title: str
    note: str
    spec: VegaSpec
    columns: Sequence[Column]
    rows: Sequence[Any]
    common: int = 0
    size: Literal["full", "half", "third"] = "full"
    is_wide: bool = False

    def as_json(self) -> dict[str, object]:
        """Returns what the page's script needs."""
        return {
            "id": self.id,
            "title": self.title,
            "spec": self.spec,
            "columns": [[column.name, column.label, column.digits] for column in self.columns],
            "common": self.common,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class Section:
    """One section of a report.

    Attributes:
        id: unique in the page; links point to it.
        title: its heading.
        template: a file in `templates/`, which sees `values`; "" if it has only charts.
        values: what the template shows; every text is escaped.
        charts: below the template, in this order.
        data: further values for the page's script, by name.
    """

    id: str
    title: str
    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
