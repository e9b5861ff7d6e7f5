"""`mxtrials bench train`: images per second, against the tutorials' `Module.fit`, PyTorch, and the limit.

The limit is the time of the network's matrix products alone, at the highest rate that MXNet's wheel reaches for any
product.
"""

import os

from jobs.bench.interleaved import Replicas, run_interleaved
from jobs.bench.program import Program
from jobs.bench.programs.matrix_products import training_flops
from jobs.bench.programs.training_task import NETWORKS
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Rounds

ROUNDS = 15
# The first answer takes longest, because a program may import and compile before it.
ANSWER_TIMEOUT_S = 300.0
PRODUCTS, TUTORIAL, EAGER, COMPILED = "products alone", "Module.fit", "PyTorch eager", "torch.compile"
# Name -> the module, its arguments before the network's name, and the package that it needs.
PROGRAMS: dict[str, tuple[str, tuple[str, ...], str]] = {
    OURS: ("jobs.bench.programs.train", (), "mxnet"),
    TUTORIAL: ("jobs.bench.peers.module_fit", (), "mxnet"),
    EAGER: ("jobs.bench.peers.pytorch", ("eager",), "torch"),
    COMPILED: ("jobs.bench.peers.pytorch", ("compiled",), "torch"),
    PRODUCTS: ("jobs.bench.programs.matrix_products", (), "mxnet"),
}
# Network -> how many times as fast as PyTorch eager and torch.compile, and as the limit.
_TARGETS = {
    "mlp": {EAGER: 2.0, PRODUCTS: 0.75},
    "multitask": {EAGER: 2.0, PRODUCTS: 0.75},
    "lenet": {EAGER: 1.5, COMPILED: 1.0},
}
_ALL_CORES = 1.9 / 2


def measure(plan: Plan) -> Report:
    """Measures the training speed of each network by each program, on one core, and ours on all cores."""
    cores = len(os.sched_getaffinity(0))
    figures: list[Figure] = []
    targets: list[Target] = []
    notes: dict[str, None] = {}
    for network in NETWORKS:
        entries = [Replicas(_program(name, name, network)) for name in PROGRAMS]
        all_cores = f"{cores} workers"
        if cores > 1:
            entries.append(Replicas(_program(all_cores, OURS, network), cores))
        rounds = run_interleaved(entries, plan.rounds or ROUNDS, plan.announce_under(network))
        for name, speeds in rounds.results.items():
            what = f"{network}, {cores} cores" if name == all_cores else f"{network}, one core"
            figures.append(Figure(what, OURS if name == all_cores else name, "images/s", speeds))
        targets += _targets(network, rounds)
        if cores > 1:
            ratio = rounds.median_ratio(all_cores, OURS)
            targets.append(Target(f"{network}: {all_cores} vs. one", ratio, _ALL_CORES * cores, "x"))
        notes |= dict.fromkeys(rounds.notes)
    return Report("training", figures, targets, [_flops_note(), *notes])


def _targets(network: str, rounds: Rounds) -> list[Target]:
    return [
        Target(f"{network} vs. {peer}", ratio, bound, "x")
        for peer, bound in _TARGETS[network].items()
        for ratio in [rounds.median_ratio(OURS, peer)]
    ]


def _program(name: str, kind: str, network: str) -> Program:
    module, arguments, package = PROGRAMS[kind]
    return Program(name, module, (*arguments, network), (package,), timeout_s=ANSWER_TIMEOUT_S)


def _flops_note() -> str:
    """Returns a line with the arithmetic behind the limit."""
    counts = ", ".join(f"{name} {training_flops(model) / 1e6:.3f}" for name, model in NETWORKS.items())
    return f"MFLOP per image in the matrix products of forward and backward: {counts}"
