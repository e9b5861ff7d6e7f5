"""`mxtrials bench study`: one whole study, from the command to the results, against Ray Tune with PyTorch and ASHA.

Both draw the same 32 trials from one space and use the same network, images, hold-out and cores. Which trials stop
early depends on which happen to run side by side, so the report also says how many epochs were trained.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from jobs.bench.program import Program
from jobs.bench.programs.study import MXTRIALS, TUNE, TUNE_REUSING
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Better, Figure, Report, Target
from jobs.bench.rounds import Rounds, run_rounds

ROUNDS = 3
RAY_TUNE, RAY_TUNE_REUSING = "Ray Tune + PyTorch", "the same, reuse_actors"
PROGRAMS = {
    OURS: (MXTRIALS, ("mxnet",)),
    RAY_TUNE: (TUNE, ("torch", "pandas")),
    RAY_TUNE_REUSING: (TUNE_REUSING, ("torch", "pandas")),
}

WALL, EPOCHS, BEST = "wall time", "epochs trained", "best validation accuracy"


def measure(plan: Plan) -> Report:
    """Measures the wall time, the epochs and the best accuracy of each study, and what the cores did."""
    programs = [
        Program(name, "jobs.bench.programs.study", (kind,), needs, cores=None)
        for name, (kind, needs) in PROGRAMS.items()
    ]
    return make_report(run_rounds(programs, plan.rounds or ROUNDS, plan.announce))


def make_report(rounds: Rounds) -> Report:
    """Returns what the studies measured as figures, along with the targets."""
    rows: list[tuple[str, str, str, Better | None]] = [
        (WALL, "wall_s", "s", "less"),
        (EPOCHS, "epochs", "", None),
        (BEST, "best", "", "more"),
        ("cores training", "training", "% of the wall time", None),
        ("cores evaluating", "evaluation", "% of the wall time", None),
    ]
    figures = [
        Figure(what, name, unit, [study[key] for study in studies], better)
        for what, key, unit, better in rows
        for name, studies in rounds.results.items()
    ]
    ours, tune, reusing = (rounds.results.get(name) for name in PROGRAMS)
    targets = [
        Target("vs. Ray Tune", _speedup(ours, tune), 6.0, "x"),
        Target("vs. Ray Tune with reuse_actors", _speedup(ours, reusing), 6.0, "x"),
        Target("best accuracy behind Ray Tune's", _points_behind(ours, tune), 0.3, "points", "less"),
        Target("workers waiting in the second half", _median(ours, "waiting_later"), 3.0, "%", "less"),
    ]
    return Report("a study of 32 trials with ASHA, all cores", figures, targets, [*_time_spent(ours), *rounds.notes])


def _median(studies: Sequence[Mapping[str, Any]] | None, key: str) -> float | None:
    return median(study[key] for study in studies) if studies else None


def _speedup(ours: Sequence[Mapping[str, Any]] | None, other: Sequence[Mapping[str, Any]] | None) -> float | None:
    mine, theirs = _median(ours, "wall_s"), _median(other, "wall_s")
    return theirs / mine if mine and theirs else None


def _points_behind(ours: Sequence[Mapping[str, Any]] | None, other: Sequence[Mapping[str, Any]] | None) -> float | None:
    mine, theirs = _median(ours, "best"), _median(other, "best")
    return 100 * (theirs - mine) if mine and theirs else None


def _time_spent(ours: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Returns lines that say how the workers and the driver spent the seconds of each of our studies."""
    return [
        f"{OURS}, round {number}, {study['wall_s']:.1f} s: {whose} {_format_seconds(study[key])}"
        for number, study in enumerate(ours or (), start=1)
        for whose, key in (("workers", "worker_s"), ("driver", "driver_s"))
    ]


def _format_seconds(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {each:.2f}" for part, each in seconds.items() if each >= 0.01)
