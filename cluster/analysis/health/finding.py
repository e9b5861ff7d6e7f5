"""One thing that a check found, and what all checks say it with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["warning", "note"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: of the check, such as `diverged`.
        sentence: what was found, without a full stop.
        remedy: what to change, in the imperative, without a full stop.
        level: a warning means that results are worse, or cost more, than they need to; a note says how to read them.
    """

    name: str
    sentence: str
    remedy: str
    level: Level = "warning"

    @property
    def text(self) -> str:
        """Both as one sentence."""
        return f"{self.sentence}: {self.remedy}"

    def as_json(self) -> dict[str, str]:
        """Returns the finding as `show --json` prints it."""
        return asdict(self)


def percentage(share: float) -> str:
    """Returns a share in [0, 1] as a percentage with at most three digits.

    Example:
        >>> percentage(0.25), percentage(0.1135)
        ('25 %', '11.3 %')
    """
    return f"{100 * share:.3g} %"


def points(share: float) -> str:
    """Returns a difference of two shares in percentage points.

    Example:
        >>> points(0.0039)
        '0.39'
    """
    return f"{100 * share:.2f}"


def trials_text(numbers: Sequence[int], shown: int = 4) -> str:
    """Returns the numbers of trials, the first few of many.

    Example:
        >>> trials_text([3]), trials_text([3, 4]), trials_text(range(9))
        ('trial 3', 'trials 3 and 4', 'trials 0, 1, 2, 3 and 5 more')
    """
    if len(numbers) == 1:
        return f"trial {numbers[0]}"
    first = [str(number) for number in numbers[:shown]]
    last = f"{len(numbers) - shown} more" if len(numbers) > shown else first.pop()
    return f"trials {', '.join(first)} and {last}"
