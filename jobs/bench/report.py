"""What a benchmark measured, as values: figures by program, and targets. Measures and prints nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

OURS = "mxtrials"

Better = Literal["more", "less"]


@dataclass(frozen=True)
class Figure:
    """One quantity, as one program measured it in each round.

    Attributes:
        what: the quantity, which several programs may measure, e.g. "mlp, one core".
        program: the name of the program, e.g. OURS.
        unit: the unit of the values, e.g. "images/s".
        values: one per round, at least one; the median counts, the others show how noisy the machine was.
        better: whether "more" or "less" is better; None if neither is.
        note: what a reader must know to compare it, e.g. "20 trials only".
    """

    what: str
    program: str
    unit: str
    values: Sequence[float]
    better: Better | None = "more"
    note: str = ""

    @property
    def median(self) -> float:
        """The median of the values."""
        return median(self.values)

    def as_json(self) -> dict[str, Any]:
        """Returns the figure for `--json`, with its median and range."""
        return {
            "what": self.what,
            "side": self.program,
            "unit": self.unit,
            "better": self.better,
            "note": self.note,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
        }


@dataclass(frozen=True)
class Target:
    """A number that the project promises, with the measured one. A missed target is reported, but is not an error.

    Attributes:
        what: the promised quantity, e.g. "mlp vs. PyTorch eager".
        measured: the number; None if a program that it needs was left out.
        bound: the least that is promised if `better` is "more", else the most.
        unit: of both numbers; "x" for a ratio.
    """

    what: str
    measured: float | None
    bound: float
    unit: str
    better: Better = "more"

    @property
    def met(self) -> bool | None:
        """Whether the measured number keeps the promise; None if nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.better == "more" else self.measured <= self.bound

    def as_json(self) -> dict[str, Any]:
        """Returns the target for `--json`."""
        bound = {"at_least" if self.better == "more" else "at_most": self.bound}
        return {"what": self.what, "measured": self.measured, **bound, "unit": self.unit, "met": self.met}


@dataclass(frozen=True)
class Report:
    """Everything that one benchmark measured. notes: whole lines, e.g. which program was left out and why."""

    title: str
    figures: Sequence[Figure]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()

    def find(self, what: str, program: str = OURS) -> Figure | None:
        """Returns a program's figure, or None if the program was left out."""
        return next((each for each in self.figures if (each.what, each.program) == (what, program)), None)

    def advantage(self, figure: Figure) -> float | None:
        """Returns how many times better OURS is than this figure of another program; None if not comparable."""
        ours = self.find(figure.what)
        if ours is None or ours is figure or figure.better is None or not (ours.median and figure.median):
            return None
        ratio = ours.median / figure.median
        return ratio if figure.better == "more" else 1 / ratio

    def as_json(self) -> dict[str, Any]:
        """Returns the report for `--json`."""
        return {
            "title": self.title,
            "figures": [{**figure.as_json(), "advantage": self.advantage(figure)} for figure in self.figures],
            "targets": [target.as_json() for target in self.targets],
            "notes": list(self.notes),
        }
