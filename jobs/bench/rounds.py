"""Runs the sides of a comparison as processes of their own, in turns. Knows nothing of what they measure.

A B A B ..., not A A B B: a change of the machine's speed meets them all.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Side:
    """One way to do the work.

    Attributes:
        name: e.g. "mxtrials".
        module: the program, which prints what it measured, as JSON, as the last line of its output.
        arguments: of the program.
        needs: the packages without which this side is left out.
        cores: on how many of this process's cores it runs; None for all.
        timeout_s: how long it may take.
        variables: of its environment, by name, besides this process's own.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    cores: int | None = 1
    timeout_s: float = 900.0
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def lacks(self) -> str | None:
        """The first package that it needs and that is not installed."""
        return next((name for name in self.needs if importlib.util.find_spec(name) is None), None)


@dataclass
class Turns:
    """What came of the turns. results: by name of the side, one a round; left_out: a line for each absent side."""

    results: dict[str, list[Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def in_turns(sides: Sequence[Side], rounds: int, tell: Callable[[str], None]) -> Turns:
    """Gives each side its turn, in each round; one that is not installed, or fails, is left out and said to be."""
    turns = Turns()
    for side in sides:
        if lacking := side.lacks:
            turns.left_out.append(f"{side.name} is left out: {lacking} is not installed (extra `bench`)")
    present = [side for side in sides if side.lacks is None]
    for number in range(1, rounds + 1):
        for side in list(present):
            tell(f"{side.name}, round {number} of {rounds}")
            try:
                turns.results.setdefault(side.name, []).append(run_side(side))
            except (subprocess.SubprocessError, ValueError) as err:
                present.remove(side)
                turns.results.pop(side.name, None)
                turns.left_out.append(f"{side.name} is left out: {_why(err)}")
    return turns


def run_side(side: Side) -> Any:
    """What the side printed, in a process on cores of its own.

    Raises:
        subprocess.SubprocessError: it failed, or took too long.
        ValueError: its last line is no JSON.
    """
    cores = set(sorted(os.sched_getaffinity(0))[: side.cores])
    environment = ["env", *(f"{name}={value}" for name, value in side.variables)]
    done = subprocess.run(
        [*environment, sys.executable, "-W", "ignore", "-m", side.module, *side.arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=side.timeout_s,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads((done.stdout.splitlines() or [""])[-1])


def _why(err: Exception) -> str:
    if isinstance(err, subprocess.CalledProcessError):
        lines = [line for line in str(err.stderr).splitlines() if line.strip()]
        return f"it ended with {err.returncode}: {lines[-1].strip() if lines else 'no message'}"
    return str(err)
