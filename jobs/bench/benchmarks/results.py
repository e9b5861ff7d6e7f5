"""`mxtrials bench results`: how fast the driver takes measurements in, and what it keeps of finished trials."""

from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Better, Figure, Report, Target
from jobs.bench.rounds import Side, in_turns

ROUNDS = 3
MANY_WORKERS, RAY_WORKERS, EPOCHS = 64, 8, 100
TRIALS = 10_000
AT_LEAST_PER_S, AT_MOST_KB = 2_000.0, 2.0

AT_ONCE = f"{MANY_WORKERS} workers in the driver's process"
THROUGH_RAY = f"{RAY_WORKERS} Ray actors"
KEPT = f"driver's memory per finished trial, over {TRIALS:,}, without Ray's own"


def measure(plan: Plan) -> Report:
    """Measurements of six scalars each, with store and TensorBoard; then trials of one measurement each."""
    figures: list[Figure] = []
    notes: list[str] = []
    for what, how, workers in ((AT_ONCE, "at-once", MANY_WORKERS), (THROUGH_RAY, "ray", RAY_WORKERS)):
        turns = in_turns([_side(how, workers, EPOCHS)], plan.rounds or ROUNDS, plan.about(what))
        figures += [Figure(what, OURS, "measurements/s", values) for values in turns.results.values()]
        notes += turns.left_out
    turns = in_turns([_side("kept", MANY_WORKERS, TRIALS)], 1, plan.about(KEPT))
    notes += turns.left_out
    for (found,) in turns.results.values():
        rows: tuple[tuple[str, str, float, Better | None], ...] = (
            (KEPT, "kB", found["bytes_per_trial"] / 1000, "less"),
            ("open files", "", found["files"], None),
            (f"more open files than at {TRIALS // 10:,} trials", "", found["more_files"], "less"),
            ("threads", "", found["threads"], None),
            (f"more threads than at {TRIALS // 10:,} trials", "", found["more_threads"], "less"),
        )
        figures += [Figure(what, OURS, unit, [value], better) for what, unit, value, better in rows]
    report = Report("results that the driver takes in, of six scalars each, with store and TensorBoard", figures)
    bounds: tuple[tuple[str, float, str, Better], ...] = (
        (AT_ONCE, AT_LEAST_PER_S, "measurements/s", "more"),
        (KEPT, AT_MOST_KB, "kB", "less"),
    )
    targets = [
        Target(what, figure.median if (figure := report.find(what)) else None, bound, unit, better)
        for what, bound, unit, better in bounds
    ]
    return Report(report.title, figures, targets, notes)


def _side(how: str, workers: int, count: int) -> Side:
    return Side(OURS, "jobs.bench.programs.results", (how, str(workers), str(count)), cores=None)
