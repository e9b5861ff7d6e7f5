"""`mxtrials bench start`: how long a person waits for the help, and for the first measurement of a study.

Beside the floor: Python that only starts, and plain Ray with one actor that only imports MXNet.
"""

from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Side, in_turns

ROUNDS = 5
HELP_S, OVER_BARE_S = 0.25, 2.0
HELP, FIRST = "mxtrials --help", "mxtrials run smoke, to its first measurement"
SIDES = {HELP: {OURS: "help", "Python alone": "python"}, FIRST: {OURS: "smoke", "bare Ray + MXNet": "bare"}}


def measure(plan: Plan) -> Report:
    """Seconds from the start of a process to what a person waits for, on all cores."""
    figures: list[Figure] = []
    left_out: list[str] = []
    for what, programs in SIDES.items():
        sides = [
            Side(name, "jobs.bench.programs.start", (program,), ("mxnet",), cores=None)
            for name, program in programs.items()
        ]
        turns = in_turns(sides, plan.rounds or ROUNDS, plan.about(what))
        figures += [Figure(what, side, "s", seconds, "less") for side, seconds in turns.results.items()]
        left_out += turns.left_out
    report = Report("from typing to seeing", figures)
    helped, first, bare = report.find(HELP), report.find(FIRST), report.find(FIRST, "bare Ray + MXNet")
    over = first.median - bare.median if first and bare else None
    targets = [
        Target("--help", helped.median if helped else None, HELP_S, "s", "less"),
        Target("first measurement, over bare Ray + MXNet", over, OVER_BARE_S, "s", "less"),
    ]
    return Report(report.title, figures, targets, left_out)
