"""Runs the sides of a comparison as processes that live through all of it and take turns of a fraction of a second.

A shared machine changes its speed by half from one minute to the next: only what is measured within the same second
can be compared. Knows nothing of what is measured; see turns.py for sides that start anew each time.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryFile
from typing import IO

from jobs.bench.rounds import Side, Turns

# The first answer takes longest: a side may import and compile before it.
ANSWERS_WITHIN_S = 300.0


@dataclass(frozen=True)
class Contestant:
    """A side with so many copies, each a process on a core of its own, that work at the same time.

    The side's program answers each line of its input with a number in a line: what it measured in that turn.
    """

    side: Side
    copies: int = 1


def in_short_turns(contestants: Sequence[Contestant], rounds: int, tell: Callable[[str], None]) -> Turns:
    """Gives each its turn, in each round; a first turn only warms up.

    Returns:
        by name of the side, in each round the sum of what its copies measured.
    """
    turns = Turns()
    processes: dict[str, list[_Copy]] = {}
    with _ended(processes):
        for contestant in contestants:
            side = contestant.side
            if side.lacks:
                turns.left_out.append(f"{side.name} is left out: {side.lacks} is not installed (extra `bench`)")
            else:
                processes[side.name] = [_started(side, core) for core in range(contestant.copies)]
        for number in range(rounds + 1):
            tell(f"round {number} of {rounds}" if number else "warming up")
            for name in list(processes):
                try:
                    value = _turn(processes[name])
                except (OSError, ValueError) as err:
                    complaint = _end(processes.pop(name))
                    turns.results.pop(name, None)
                    turns.left_out.append(f"{name} is left out: {complaint or err}")
                    continue
                if number:
                    turns.results.setdefault(name, []).append(value)
    return turns


def median_ratio(turns: Turns, ours: str, other: str) -> float | None:
    """How many times as much one side did as another in the same round, by the median; None if one is absent."""
    if not (turns.results.get(ours) and turns.results.get(other)):
        return None
    ratio: float = median(a / b for a, b in zip(turns.results[ours], turns.results[other], strict=True))
    return ratio


@dataclass(frozen=True)
class _Copy:
    """complaints: what its process writes to stderr; a file, for a pipe that nobody reads fills up."""

    process: subprocess.Popen[str]
    complaints: IO[str]


def _turn(copies: list[_Copy]) -> float:
    for copy in copies:
        assert copy.process.stdin is not None
        copy.process.stdin.write("\n")
        copy.process.stdin.flush()
    return sum(_answer(copy.process) for copy in copies)


def _answer(process: subprocess.Popen[str]) -> float:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], ANSWERS_WITHIN_S)[0]:
        raise ValueError("no answer in time")
    answer = process.stdout.readline()
    if not answer:
        raise ValueError("its program ended")
    return float(json.loads(answer))


def _started(side: Side, core: int) -> _Copy:
    cores = sorted(os.sched_getaffinity(0))
    complaints = TemporaryFile("w+")  # noqa: SIM115 - `_end` closes it
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", side.module, *side.arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    )
    os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
    return _Copy(process, complaints)


@contextmanager
def _ended(processes: dict[str, list[_Copy]]) -> Iterator[None]:
    try:
        yield
    finally:
        for copies in processes.values():
            _end(copies)


def _end(copies: list[_Copy]) -> str:
    """Ends them all; what they complained of last, in a line."""
    lines: list[str] = []
    for copy in copies:
        with copy.process, copy.complaints:  # closes its pipes and waits for it
            copy.process.kill()
            with suppress(BrokenPipeError):  # what it was told last, it may not have read
                if copy.process.stdin:
                    copy.process.stdin.close()
            copy.process.wait()
            copy.complaints.seek(0)
            lines += [line.strip() for line in copy.complaints if line.strip()]
    return lines[-1] if lines else ""
