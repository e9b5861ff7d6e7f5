"""`mxtrials bench memory`: what a further worker on a node costs, and that the data set is there once.

The floor is a plain Ray actor that only imports MXNet. A worker of ours holds that, our code, a network with its
weights, gradients, optimizer state and batches, and MXNet's working memory; and does without what it never uses.
"""

from collections.abc import Sequence
from typing import Any

from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import Side, in_turns

ROUNDS = 3
FEW, MANY = 2, 4
BARE = "bare Ray + MXNet"
SIDES = {OURS: "mxtrials", BARE: "bare"}
WORKER = "a further worker"
DATA, STORE, SEEN = "data set", "object store, in memory", "object store, in each worker's map"


def measure(plan: Plan) -> Report:
    """The growth of all processes' memory from two workers to four, each of which has trained an epoch."""
    sides = [
        Side(f"{name}, {count} workers", "jobs.bench.programs.memory", (side, str(count)), ("mxnet",), cores=None)
        for name, side in SIDES.items()
        for count in (FEW, MANY)
    ]
    turns = in_turns(sides, plan.rounds or ROUNDS, plan.tell)
    figures = []
    for name in SIDES:
        few, many = (turns.results.get(f"{name}, {count} workers", []) for count in (FEW, MANY))
        if few and many:
            figures.append(Figure(WORKER, name, "MiB", _growth(few, many), "less"))
    figures += _object_store(turns.results.get(f"{OURS}, {MANY} workers", []))
    return Report(f"memory of a node: from {FEW} workers to {MANY}", figures, _targets(figures), turns.left_out)


def _growth(few: Sequence[Any], many: Sequence[Any]) -> list[float]:
    """MiB a worker, one number a round."""
    return [(more["total"] - less["total"]) / (MANY - FEW) for less, more in zip(few, many, strict=True)]


def _object_store(footprints: Sequence[Any]) -> list[Figure]:
    """Pages that several processes have mapped count once in the one, and in each worker in the other."""
    if not footprints:
        return []
    files = {footprint["store_files"] for footprint in footprints}
    note = f"{MANY} workers, {', '.join(map(str, sorted(files)))} file"
    return [
        Figure(DATA, OURS, "MiB", [footprint["images"] for footprint in footprints], None),
        Figure(STORE, OURS, "MiB", [footprint["store_total"] for footprint in footprints], None, note),
        Figure(SEEN, OURS, "MiB", [size for footprint in footprints for size in footprint["store_seen"]], None),
    ]


def _targets(figures: Sequence[Figure]) -> list[Target]:
    medians = {(figure.what, figure.side): figure.median for figure in figures}

    def ratio(one: tuple[str, str], other: tuple[str, str]) -> float | None:
        return medians[one] / medians[other] if one in medians and other in medians else None

    return [
        Target("a further worker, over a bare actor", ratio((WORKER, OURS), (WORKER, BARE)), 1.0, "x", "less"),
        Target("copies of the data set on a node", ratio((STORE, OURS), (DATA, OURS)), 1.1, "x", "less"),
    ]
