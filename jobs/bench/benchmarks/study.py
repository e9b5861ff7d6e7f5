"""`mxtrials bench study`: one whole study, from the command to the results, beside Ray Tune with PyTorch and ASHA.

The same 32 draws from one space, network, images and hold-out on the same cores. Who stops early depends on which
trials happen to run side by side, so the epochs that were run are told, too.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from jobs.bench.programs.study import MXTRIALS, TUNE, TUNE_REUSING
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Better, Figure, Report, Target
from jobs.bench.rounds import Side, Turns, in_turns

ROUNDS = 3
RAY_TUNE, RAY_TUNE_REUSING = "Ray Tune + PyTorch", "the same, reuse_actors"
PROGRAMS = {
    OURS: (MXTRIALS, ("mxnet",)),
    RAY_TUNE: (TUNE, ("torch", "pandas")),
    RAY_TUNE_REUSING: (TUNE_REUSING, ("torch", "pandas")),
}

WALL, EPOCHS, BEST = "wall time", "epochs trained", "best validation accuracy"


def measure(plan: Plan) -> Report:
    """Wall time, epochs and the best accuracy of each side, and what its cores did meanwhile."""
    sides = [
        Side(name, "jobs.bench.programs.study", (program,), needs, cores=None)
        for name, (program, needs) in PROGRAMS.items()
    ]
    return report_of(in_turns(sides, plan.rounds or ROUNDS, plan.tell))


def report_of(turns: Turns) -> Report:
    """What the sides told, as figures, with what the project promises."""
    rows: list[tuple[str, str, str, Better | None]] = [
        (WALL, "wall_s", "s", "less"),
        (EPOCHS, "epochs", "", None),
        (BEST, "best", "", "more"),
        ("cores training", "training", "% of the wall time", None),
        ("cores evaluating", "evaluation", "% of the wall time", None),
    ]
    figures = [
        Figure(what, side, unit, [told[key] for told in studies], better)
        for what, key, unit, better in rows
        for side, studies in turns.results.items()
    ]
    ours, tune, reusing = (turns.results.get(side) for side in PROGRAMS)
    targets = [
        Target("over Ray Tune", _ratio(ours, tune), 6.0, "x"),
        Target("over Ray Tune with reuse_actors", _ratio(ours, reusing), 6.0, "x"),
        Target("best accuracy behind Ray Tune's", _behind(ours, tune), 0.3, "points", "less"),
        Target("workers waiting in the second half", _median(ours, "waiting_later"), 3.0, "%", "less"),
    ]
    return Report("a study of 32 trials with ASHA, all cores", figures, targets, [*_split(ours), *turns.left_out])


def _median(studies: Sequence[Mapping[str, Any]] | None, key: str) -> float | None:
    return median(study[key] for study in studies) if studies else None


def _ratio(ours: Sequence[Mapping[str, Any]] | None, other: Sequence[Mapping[str, Any]] | None) -> float | None:
    mine, theirs = _median(ours, "wall_s"), _median(other, "wall_s")
    return theirs / mine if mine and theirs else None


def _behind(ours: Sequence[Mapping[str, Any]] | None, other: Sequence[Mapping[str, Any]] | None) -> float | None:
    mine, theirs = _median(ours, "best"), _median(other, "best")
    return 100 * (theirs - mine) if mine and theirs else None


def _split(ours: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Where the time of each of our studies went: of its workers and of its driver, in seconds."""
    return [
        f"{OURS}, round {number}, {study['wall_s']:.1f} s: {whose} {_told(study[key])}"
        for number, study in enumerate(ours or (), start=1)
        for whose, key in (("workers", "worker_s"), ("driver", "driver_s"))
    ]


def _told(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {each:.2f}" for part, each in seconds.items() if each >= 0.01)
