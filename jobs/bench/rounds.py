"""Measures several programs in rounds, each in a new process every time.

They alternate, A B A B instead of A A B B, so that changes in the machine's speed affect all of them alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from jobs.bench.program import Program, ProgramFailed, run_program


@dataclass
class Rounds:
    """What several programs measured, round by round.

    Attributes:
        results: program name -> one result per round.
        left_out: program name -> why it has no results.
    """

    results: dict[str, list[Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """A line for each program that was left out, with the reason."""
        return [f"{name} is left out: {reason}" for name, reason in self.left_out.items()]

    def can_run(self, program: Program) -> bool:
        """Returns whether the packages that the program needs are installed; leaves it out if one is missing."""
        if missing := program.missing_package:
            self.leave_out(program.name, f"{missing} is not installed (extra `bench`)")
        return not missing

    def add(self, name: str, result: Any) -> None:
        """Adds a program's result of this round."""
        self.results.setdefault(name, []).append(result)

    def leave_out(self, name: str, reason: str) -> None:
        """Drops a program's results, because they do not cover every round."""
        self.results.pop(name, None)
        self.left_out[name] = reason

    def median_ratio(self, name: str, other: str) -> float | None:
        """Returns the median over the rounds of one program's number divided by another's; None if one was left out."""
        if not (self.results.get(name) and self.results.get(other)):
            return None
        ratio: float = median(a / b for a, b in zip(self.results[name], self.results[other], strict=True))
        return ratio


def run_rounds(programs: Sequence[Program], count: int, announce: Callable[[str], None]) -> Rounds:
    """Runs each program once per round; leaves out those that are not installed or that fail.

    Args:
        programs: the programs, in the order in which they run.
        count: number of rounds.
        announce: called before each run, with a few words that say which one.
    """
    rounds = Rounds()
    installed = [program for program in programs if rounds.can_run(program)]
    for number in range(1, count + 1):
        for program in installed:
            if program.name in rounds.left_out:
                continue
            announce(f"{program.name}, round {number} of {count}")
            try:
                rounds.add(program.name, run_program(program))
            except ProgramFailed as err:
                rounds.leave_out(program.name, str(err))
    return rounds
