"""`mxtrials bench dispatch`: milliseconds per trial that trains nothing, against Ray Tune, by number of trials.

`--published` runs the workload that Ray Tune's documentation publishes: 10,000 trials of one second, 16 at a time.
"""

from jobs.bench.program import Program
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Rounds, run_rounds

ROUNDS, WORKERS = 3, 2
TRIALS = (100, 1_000, 10_000)
TUNE, TUNE_AT_BEST = "Ray Tune", "Ray Tune at its best"
RAY = "limit: Ray's calls alone"
# Number of trials -> how many of them Tune runs: as many as is practical, because one takes Tune up to 1.5 s.
TUNE_TRIALS = {TUNE: {100: 16}, TUNE_AT_BEST: {100: 100, 1_000: 1_000}}

AT_MOST_MS, FLAT_WITHIN, TIMES_BETTER = 2.0, 1.2, 10.0

PUBLISHED_TRIALS, PUBLISHED_SLOTS, PUBLISHED_TRIAL_S = 10_000, 16, 1.0
PUBLISHED_S, PUBLISHED_AT_MOST_S = 715.0, 640.0

_QUIET_TUNE = (
    ("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1"),
    ("TUNE_GLOBAL_CHECKPOINT_S", "1000"),
    ("TUNE_MAX_PENDING_TRIALS_PG", str(WORKERS)),
)


def measure(plan: Plan) -> Report:
    """Measures the time per trial, from the moment when all workers are ready."""
    if plan.published:
        return _measure_published(plan)
    figures: list[Figure] = []
    notes: dict[str, None] = {}
    for trials in TRIALS:
        what = _row(trials)
        rounds = run_rounds(_programs(trials), plan.rounds or ROUNDS, plan.announce_under(what))
        figures += _figures(what, trials, rounds)
        notes |= dict.fromkeys(rounds.notes)
    report = Report(f"dispatch of trials that train nothing, {WORKERS} workers", figures, notes=list(notes))
    return Report(report.title, report.figures, _targets(report), report.notes)


def _row(trials: int) -> str:
    return f"{trials:,} trials"


def _programs(trials: int) -> list[Program]:
    programs = [_ours(trials, WORKERS, 0.0), _program(RAY, "pool", trials, WORKERS, 0.0)]
    for name, kind, variables in ((TUNE_AT_BEST, "class", _QUIET_TUNE), (TUNE, "function", ())):
        if trials in TUNE_TRIALS[name]:
            arguments = (kind, str(TUNE_TRIALS[name][trials]), str(WORKERS))
            module = "jobs.bench.peers.ray_tune_dispatch"
            programs.append(Program(name, module, arguments, ("pandas",), cores=None, variables=variables))
    return programs


def _ours(trials: int, workers: int, epoch_s: float) -> Program:
    return _program(OURS, "study", trials, workers, epoch_s)


def _program(name: str, mode: str, trials: int, workers: int, epoch_s: float) -> Program:
    arguments = (mode, str(trials), str(workers), str(epoch_s))
    return Program(name, "jobs.bench.programs.dispatch", arguments, ("ray",), cores=None)


def _figures(what: str, trials: int, rounds: Rounds) -> list[Figure]:
    figures = []
    for name, values in rounds.results.items():
        run = TUNE_TRIALS.get(name, {}).get(trials, trials)
        note = "" if run == trials else f"of {run} trials: more take too long"
        figures.append(Figure(what, name, "ms/trial", values, "less", note))
    return figures


def _targets(report: Report) -> list[Target]:
    ours = {trials: figure.median for trials in TRIALS if (figure := report.find(_row(trials)))}
    best = report.find(_row(1_000), TUNE_AT_BEST)
    growth = max(ours.values()) / min(ours.values()) if len(ours) == len(TRIALS) else None
    return [
        *(Target(_row(trials), ours.get(trials), AT_MOST_MS, "ms/trial", "less") for trials in TRIALS),
        Target("slowest of these vs. fastest", growth, FLAT_WITHIN, "x", "less"),
        Target("vs. Ray Tune at its best", report.advantage(best) if best else None, TIMES_BETTER, "x"),
    ]


def _measure_published(plan: Plan) -> Report:
    what = f"{PUBLISHED_TRIALS:,} trials of {PUBLISHED_TRIAL_S:g} s, {PUBLISHED_SLOTS} at a time"
    ours = _ours(PUBLISHED_TRIALS, PUBLISHED_SLOTS, PUBLISHED_TRIAL_S)
    rounds = run_rounds([ours], plan.rounds or 1, plan.announce_under(what))
    seconds = [value * PUBLISHED_TRIALS / 1000 for value in rounds.results.get(OURS, [])]
    published = Figure(what, TUNE, "s", [PUBLISHED_S], "less", "from its documentation, on 16 cores")
    figures = [*([Figure(what, OURS, "s", seconds, "less")] if seconds else []), published]
    measured = figures[0].median if seconds else None
    target = Target(what, measured, PUBLISHED_AT_MOST_S, "s", "less")
    floor = f"the floor is {PUBLISHED_TRIALS * PUBLISHED_TRIAL_S / PUBLISHED_SLOTS:g} s"
    return Report("Ray Tune's published workload", figures, [target], [floor, *rounds.notes])
