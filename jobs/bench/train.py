"""`mxtrials bench train`: images per second on one core, beside the tutorials' `Module.fit` and PyTorch."""

from jobs.bench import Plan
from jobs.bench.report import OURS, Figure, Report
from jobs.bench.turns import Side, in_turns

ROUNDS, EPOCHS = 3, 3
NETWORKS = ("mlp", "multitask", "lenet")
SIDES = {OURS: "mxnet", "Module.fit": "mxnet", "PyTorch": "torch"}


def measure(plan: Plan) -> Report:
    """Training speed on one core by network and side; the first epoch of each process only warms up."""
    figures: list[Figure] = []
    left_out: dict[str, None] = {}
    for network in NETWORKS:
        sides = [
            Side(name, "jobs.bench.sides.train", (name, network, str(EPOCHS)), (package,))
            for name, package in SIDES.items()
        ]
        turns = in_turns(sides, plan.rounds or ROUNDS, plan.about(network))
        for side, speeds in turns.results.items():
            figures.append(Figure(network, side, "images/s", [speed for turn in speeds for speed in turn]))
        left_out |= dict.fromkeys(turns.left_out)
    return Report("training on one core", figures, notes=list(left_out))
