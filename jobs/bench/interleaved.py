"""Interleaved measurement: programs that live through all rounds take turns of about a second.

The speed of a shared machine can change by half from one minute to the next, so only numbers measured within the same
second can be compared. rounds.py is for programs that must be restarted for each measurement.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from jobs.bench.program import Program, ProgramFailed, RunningProgram
from jobs.bench.rounds import Rounds


@dataclass(frozen=True)
class Replicas:
    """Several processes of one program that work at the same time, each on its own core.

    The program answers each input line with a line: the number that it measured. count: number of processes.
    """

    program: Program
    count: int = 1


def run_interleaved(entries: Sequence[Replicas], count: int, announce: Callable[[str], None]) -> Rounds:
    """Asks each program for one measurement per round; leaves out those that are not installed or that fail.

    Args:
        entries: the programs, in the order in which they are asked.
        count: number of rounds, not counting one to warm up.
        announce: called before each round, with a few words that say which one.

    Returns:
        program name -> for each round, the sum of what its processes measured.
    """
    rounds = Rounds()
    with ExitStack() as stack:
        running = {entry.program.name: _start(entry, stack) for entry in entries if rounds.can_run(entry.program)}
        for number in range(count + 1):
            announce(f"round {number} of {count}" if number else "warming up")
            for name in list(running):
                try:
                    measured = _measure(running[name])
                except ProgramFailed as err:
                    rounds.leave_out(name, str(err))
                    # Closed now rather than at the end, because its other processes would slow down the rest.
                    for process in running.pop(name):
                        process.close()
                    continue
                if number:
                    rounds.add(name, measured)
    return rounds


def _start(entry: Replicas, stack: ExitStack) -> list[RunningProgram]:
    cores = sorted(os.sched_getaffinity(0))
    pinned = ([cores[index % len(cores)]] for index in range(entry.count))
    return [stack.enter_context(RunningProgram(entry.program, core)) for core in pinned]


def _measure(processes: Sequence[RunningProgram]) -> float:
    for process in processes:
        process.request()
    return sum(float(process.read_answer()) for process in processes)
