"""`mxtrials bench train`: images per second, beside the tutorials' `Module.fit`, PyTorch, and the limit.

The limit is the network's matrix products alone, as fast as the best kernel in MXNet's wheel computes the product that
suits it best.
"""

import os

from jobs.bench.interleaved import Contestant, in_short_turns, median_ratio
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Side, Turns

ROUNDS = 15
NETWORKS = ("mlp", "multitask", "lenet")
PRODUCTS, TUTORIAL, EAGER, COMPILED = "products alone", "Module.fit", "PyTorch eager", "torch.compile"
SIDES = {OURS: "mxnet", TUTORIAL: "mxnet", EAGER: "torch", COMPILED: "torch", PRODUCTS: "mxnet"}
# By network: how many times faster than PyTorch eager and torch.compile, which share of the limit.
_PROMISES = {
    "mlp": {EAGER: 2.0, PRODUCTS: 0.75},
    "multitask": {EAGER: 2.0, PRODUCTS: 0.75},
    "lenet": {EAGER: 1.5, COMPILED: 1.0},
}
_ALL_CORES = 1.9 / 2


def measure(plan: Plan) -> Report:
    """Training speed by network and side, on one core, and ours on all cores."""
    cores = len(os.sched_getaffinity(0))
    figures: list[Figure] = []
    targets: list[Target] = []
    left_out: dict[str, None] = {}
    for network in NETWORKS:
        contestants = [Contestant(_side(name, name, network)) for name in SIDES]
        together = f"{cores} workers"
        if cores > 1:
            contestants.append(Contestant(_side(together, OURS, network), copies=cores))
        turns = in_short_turns(contestants, plan.rounds or ROUNDS, plan.about(network))
        for name, speeds in turns.results.items():
            what = f"{network}, {cores} cores" if name == together else f"{network}, one core"
            figures.append(Figure(what, OURS if name == together else name, "images/s", speeds))
        targets += _targets(network, turns)
        if cores > 1:
            ratio = median_ratio(turns, together, OURS)
            targets.append(Target(f"{network}: {together} over one", ratio, _ALL_CORES * cores, "x"))
        left_out |= dict.fromkeys(turns.left_out)
    return Report("training", figures, targets, [_counted(), *left_out])


def _targets(network: str, turns: Turns) -> list[Target]:
    return [
        Target(f"{network}: {'share of' if side == PRODUCTS else 'over'} {side}", ratio, bound, "x")
        for side, bound in _PROMISES[network].items()
        for ratio in [median_ratio(turns, OURS, side)]
    ]


def _side(name: str, program: str, network: str) -> Side:
    return Side(name, "jobs.bench.programs.train", (program, network), (SIDES[program],))


def _counted() -> str:
    """The arithmetic behind the limit, for the reader."""
    from jobs.bench.programs.matrix_products import training_flops
    from jobs.bench.programs.train import NETWORKS as CONFIGS

    counts = ", ".join(f"{name} {training_flops(CONFIGS[name]) / 1e6:.3f}" for name in NETWORKS)
    return f"MFLOP an image in the products of forward and backward: {counts}"
