"""What a benchmark found, as values: figures by side, and which promises were kept. Measures and prints nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

OURS = "mxtrials"

Better = Literal["more", "less"]


@dataclass(frozen=True)
class Figure:
    """One quantity, as one side had it in each round.

    Attributes:
        what: the row that the sides share, e.g. "mlp, one core".
        side: who, e.g. OURS.
        unit: e.g. "images/s".
        values: at least one; the median is what counts, the rest says how noisy the machine was.
        better: whether more of it is better, or less; None where it is neither.
        note: what a reader must know to compare, e.g. "20 trials only".
    """

    what: str
    side: str
    unit: str
    values: Sequence[float]
    better: Better | None = "more"
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one of the values."""
        return median(self.values)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        spread = {"median": self.median, "min": min(self.values), "max": max(self.values)}
        told = {"what": self.what, "side": self.side, "unit": self.unit, "better": self.better, "note": self.note}
        return {**told, **spread, "values": list(self.values)}


@dataclass(frozen=True)
class Target:
    """What the project promises of a number, beside that number; a target that is missed is told, not an error.

    Attributes:
        what: e.g. "mlp: over PyTorch eager".
        measured: the number; None where a side that it needs is absent.
        bound: what it should be at least, if `better` is "more", or at most.
        unit: of both; "x" for a ratio.
    """

    what: str
    measured: float | None
    bound: float
    unit: str
    better: Better = "more"

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.better == "more" else self.measured <= self.bound

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        bound = {"at_least" if self.better == "more" else "at_most": self.bound}
        return {"what": self.what, "measured": self.measured, **bound, "unit": self.unit, "met": self.met}


@dataclass(frozen=True)
class Report:
    """All that one benchmark found. notes: whole lines, e.g. which side was left out and why."""

    title: str
    figures: Sequence[Figure]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()

    def find(self, what: str, side: str = OURS) -> Figure | None:
        """A side's figure, or None where the side is absent."""
        return next((each for each in self.figures if (each.what, each.side) == (what, side)), None)

    def advantage(self, figure: Figure) -> float | None:
        """How many times better OURS is than this figure of another side; None where they do not compare."""
        ours = self.find(figure.what)
        if ours is None or ours is figure or figure.better is None or not (ours.median and figure.median):
            return None
        ratio = ours.median / figure.median
        return ratio if figure.better == "more" else 1 / ratio

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "title": self.title,
            "figures": [{**figure.as_json(), "advantage": self.advantage(figure)} for figure in self.figures],
            "targets": [target.as_json() for target in self.targets],
            "notes": list(self.notes),
        }
