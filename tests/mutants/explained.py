"""Mutants by what they change, and the survivors that explained.toml gives a reason for."""

import re
from dataclasses import dataclass
from pathlib import Path

import tomli

EXPLAINED = Path(__file__).with_name("explained.toml")
# As mutmut names the mutants of a function, of a method, and of a method of a class in a class.
_NAME = re.compile(r"(?P<module>[\w.]+)\.x(?:_|ǁ(?P<owner>[\w.]+)ǁ)(?P<function>\w+)__mutmut_\d+")

_SQL = re.compile(r"\b(?:SELECT|INSERT|UPDATE|PRAGMA|FROM|WHERE|VALUES)\b", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Change:
    """What a mutant changes. Its number in mutmut's names moves with the code before it; this does not.

    Attributes:
        function: dotted name, with the module and the class.
        code: the changed lines as they are then, joined; those that are missing, after a minus, if none is added.
    """

    function: str
    code: str


def function_of(mutant: str) -> str:
    """Returns the dotted name of the function that a mutant changes.

    Example:
        >>> function_of("cluster.driver.driver.xǁDriverǁ_start__mutmut_12")
        'cluster.driver.driver.Driver._start'
    """
    found = _NAME.fullmatch(mutant)
    if found is None:
        raise ValueError(f"{mutant!r} is not a name that mutmut gives")
    return ".".join(part for part in found.group("module", "owner", "function") if part)


def change_of(mutant: str, diff: str) -> Change:
    """Returns what a mutant changes, given its unified diff."""
    removed, added = _changed_lines(diff)
    return Change(function_of(mutant), added or f"- {removed}")


def is_same_sql(diff: str) -> bool:
    """Returns whether a mutant changes nothing but the case of letters in SQL, which ignores it."""
    removed, added = _changed_lines(diff)
    return removed.lower() == added.lower() and _SQL.search(removed) is not None


def _changed_lines(diff: str) -> tuple[str, str]:
    """Returns the removed and the added lines of a unified diff, each joined."""
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    removed, added = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return removed, added


def read_explained(path: Path = EXPLAINED) -> dict[Change, str]:
    """Returns the reason for each survivor that has one: why no test can tell, or why none needs to.

    Raises:
        ValueError: two reasons for one change.
    """
    reasons: dict[Change, str] = {}
    for group in tomli.loads(path.read_text())["explained"]:
        for function, codes in group["mutants"].items():
            for code in codes:
                change = Change(function, code)
                if change in reasons:
                    raise ValueError(f"{path.name}: {function}: {code!r} has two reasons")
                reasons[change] = group["reason"]
    return reasons
