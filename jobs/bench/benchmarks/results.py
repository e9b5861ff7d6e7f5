"""`mxtrials bench results`: how fast the driver processes measurements, and how much of finished trials it keeps."""

from collections.abc import Sequence

from jobs.bench.program import Program
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Better, Figure, Report, Target
from jobs.bench.rounds import run_rounds

ROUNDS = 3
MANY_WORKERS, RAY_WORKERS, EPOCHS = 64, 8, 100
TRIALS = 10_000
MOST_WORKERS, CPU_TRIALS = 1_000, 1_000
AT_LEAST_PER_S, AT_MOST_KB, AT_MOST_MS = 2_000.0, 2.0, 1.5

IN_PROCESS = f"{MANY_WORKERS} workers in the driver's process"
THROUGH_RAY = f"{RAY_WORKERS} Ray actors"
CPU = "driver's CPU per trial of three epochs with confusion matrices"
KEPT = f"driver's memory per finished trial, over {TRIALS:,}, excluding Ray's own"


def measure(plan: Plan) -> Report:
    """Measures studies with six scalars per epoch, store and TensorBoard; then many trials of one epoch."""
    figures: list[Figure] = []
    notes: list[str] = []
    for what, mode, workers in ((IN_PROCESS, "at-once", MANY_WORKERS), (THROUGH_RAY, "ray", RAY_WORKERS)):
        rounds = run_rounds([_program(mode, workers, EPOCHS)], plan.rounds or ROUNDS, plan.announce_under(what))
        figures += [Figure(what, OURS, "measurements/s", values) for values in rounds.results.values()]
        notes += rounds.notes
    for workers in (MANY_WORKERS, MOST_WORKERS):
        what = f"{CPU}, {workers:,} workers"
        rounds = run_rounds([_program("cpu", workers, CPU_TRIALS)], plan.rounds or ROUNDS, plan.announce_under(what))
        figures += [Figure(what, OURS, "ms", values, "less") for values in rounds.results.values()]
        notes += rounds.notes
    rounds = run_rounds([_program("kept", MANY_WORKERS, TRIALS)], 1, plan.announce_under(KEPT))
    notes += rounds.notes
    for (found,) in rounds.results.values():
        rows: tuple[tuple[str, str, float, Better | None], ...] = (
            (KEPT, "kB", found["bytes_per_trial"] / 1000, "less"),
            ("open files", "", found["files"], None),
            (f"more open files than after {TRIALS // 10:,} trials", "", found["more_files"], "less"),
            ("threads", "", found["threads"], None),
            (f"more threads than after {TRIALS // 10:,} trials", "", found["more_threads"], "less"),
        )
        figures += [Figure(what, OURS, unit, [value], better) for what, unit, value, better in rows]
    report = Report("measurements of six scalars that the driver processes, with store and TensorBoard", figures)
    bounds: Sequence[tuple[str, float, str, Better]] = (
        (IN_PROCESS, AT_LEAST_PER_S, "measurements/s", "more"),
        *((f"{CPU}, {workers:,} workers", AT_MOST_MS, "ms", "less") for workers in (MANY_WORKERS, MOST_WORKERS)),
        (KEPT, AT_MOST_KB, "kB", "less"),
    )
    targets = [
        Target(what, figure.median if (figure := report.find(what)) else None, bound, unit, better)
        for what, bound, unit, better in bounds
    ]
    return Report(report.title, figures, targets, notes)


def _program(mode: str, workers: int, count: int) -> Program:
    return Program(OURS, "jobs.bench.programs.results", (mode, str(workers), str(count)), cores=None)
