"""`mxtrials bench start`: how long a person waits for the help, and for the first measurement of a study.

The floors are a Python that only starts, and bare Ray with one actor that only imports MXNet.
"""

from jobs.bench.program import Program
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import run_rounds

ROUNDS = 5
HELP_S, OVER_BARE_S = 0.25, 2.0
HELP, FIRST = "mxtrials --help", "mxtrials run smoke, until its first measurement"
BARE = "bare Ray + MXNet"
PROGRAMS = {HELP: {OURS: "help", "Python alone": "python"}, FIRST: {OURS: "smoke", BARE: "bare"}}


def measure(plan: Plan) -> Report:
    """Measures the seconds from the start of a process to the awaited output, on all cores."""
    figures: list[Figure] = []
    notes: list[str] = []
    for what, kinds in PROGRAMS.items():
        programs = [
            Program(name, "jobs.bench.programs.start", (kind,), ("mxnet",), cores=None) for name, kind in kinds.items()
        ]
        rounds = run_rounds(programs, plan.rounds or ROUNDS, plan.announce_under(what))
        figures += [Figure(what, name, "s", seconds, "less") for name, seconds in rounds.results.items()]
        notes += rounds.notes
    report = Report("from the command to the first output", figures)
    help_text, first, bare = report.find(HELP), report.find(FIRST), report.find(FIRST, BARE)
    over = first.median - bare.median if first and bare else None
    targets = [
        Target("--help", help_text.median if help_text else None, HELP_S, "s", "less"),
        Target("first measurement, later than bare Ray + MXNet", over, OVER_BARE_S, "s", "less"),
    ]
    return Report(report.title, figures, targets, notes)
