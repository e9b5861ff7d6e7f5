"""`mxtrials bench dispatch`: milliseconds per trial that trains nothing, beside Ray Tune, by the number of trials.

`--published` runs what Ray Tune has published of itself: 10,000 trials of one second, 16 at a time.
"""

from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Side, Turns, in_turns

ROUNDS, WORKERS = 3, 2
TRIALS = (100, 1_000, 10_000)
TUNE, TUNE_AT_BEST = "Ray Tune", "Ray Tune at its best"
RAY = "limit: Ray's calls alone"
TUNE_TRIALS = {TUNE: {100: 16}, TUNE_AT_BEST: {100: 100, 1_000: 1_000}}
"""As many as are practical: a trial takes Tune up to 1.5 s."""

AT_MOST_MS, FLAT_WITHIN, TIMES_BETTER = 2.0, 1.2, 10.0

PUBLISHED_TRIALS, PUBLISHED_SLOTS, PUBLISHED_TRIAL_S = 10_000, 16, 1.0
PUBLISHED_S, PUBLISHED_AT_MOST_S = 715.0, 640.0

_QUIET_TUNE = (
    ("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1"),
    ("TUNE_GLOBAL_CHECKPOINT_S", "1000"),
    ("TUNE_MAX_PENDING_TRIALS_PG", str(WORKERS)),
)


def measure(plan: Plan) -> Report:
    """Time per trial, from the moment when all workers are ready."""
    if plan.published:
        return _published(plan)
    figures: list[Figure] = []
    left_out: dict[str, None] = {}
    for trials in TRIALS:
        what = _row(trials)
        turns = in_turns(_sides(trials), plan.rounds or ROUNDS, plan.about(what))
        figures += _figures(what, trials, turns)
        left_out |= dict.fromkeys(turns.left_out)
    report = Report(f"dispatch of trials that train nothing, {WORKERS} workers", figures, notes=list(left_out))
    return Report(report.title, report.figures, _targets(report), report.notes)


def _row(trials: int) -> str:
    return f"{trials:,} trials"


def _sides(trials: int) -> list[Side]:
    sides = [_ours(trials, WORKERS, 0.0), _side(RAY, "pool", trials, WORKERS, 0.0)]
    for name, kind, variables in ((TUNE_AT_BEST, "class", _QUIET_TUNE), (TUNE, "function", ())):
        if trials in TUNE_TRIALS[name]:
            arguments = (kind, str(TUNE_TRIALS[name][trials]), str(WORKERS))
            module = "jobs.bench.peers.ray_tune_dispatch"
            sides.append(Side(name, module, arguments, ("pandas",), cores=None, variables=variables))
    return sides


def _ours(trials: int, workers: int, epoch_s: float) -> Side:
    return _side(OURS, "study", trials, workers, epoch_s)


def _side(name: str, how: str, trials: int, workers: int, epoch_s: float) -> Side:
    arguments = (how, str(trials), str(workers), str(epoch_s))
    return Side(name, "jobs.bench.programs.dispatch", arguments, ("ray",), cores=None)


def _figures(what: str, trials: int, turns: Turns) -> list[Figure]:
    figures = []
    for side, values in turns.results.items():
        run = TUNE_TRIALS.get(side, {}).get(trials, trials)
        note = "" if run == trials else f"of {run} trials: more take too long"
        figures.append(Figure(what, side, "ms/trial", values, "less", note))
    return figures


def _targets(report: Report) -> list[Target]:
    ours = {trials: figure.median for trials in TRIALS if (figure := report.find(_row(trials)))}
    best = report.find(_row(1_000), TUNE_AT_BEST)
    growth = max(ours.values()) / min(ours.values()) if len(ours) == len(TRIALS) else None
    return [
        *(Target(_row(trials), ours.get(trials), AT_MOST_MS, "ms/trial", "less") for trials in TRIALS),
        Target("the slowest of these over the fastest", growth, FLAT_WITHIN, "x", "less"),
        Target("over Ray Tune at its best", report.advantage(best) if best else None, TIMES_BETTER, "x"),
    ]


def _published(plan: Plan) -> Report:
    what = f"{PUBLISHED_TRIALS:,} trials of {PUBLISHED_TRIAL_S:g} s, {PUBLISHED_SLOTS} at a time"
    turns = in_turns([_ours(PUBLISHED_TRIALS, PUBLISHED_SLOTS, PUBLISHED_TRIAL_S)], plan.rounds or 1, plan.about(what))
    seconds = [value * PUBLISHED_TRIALS / 1000 for value in turns.results.get(OURS, [])]
    published = Figure(what, TUNE, "s", [PUBLISHED_S], "less", "as its documentation says, on 16 cores")
    figures = [*([Figure(what, OURS, "s", seconds, "less")] if seconds else []), published]
    measured = figures[0].median if seconds else None
    target = Target(what, measured, PUBLISHED_AT_MOST_S, "s", "less")
    floor = f"the floor is {PUBLISHED_TRIALS * PUBLISHED_TRIAL_S / PUBLISHED_SLOTS:g} s"
    return Report("Ray Tune's published workload", figures, [target], [floor, *turns.left_out])
