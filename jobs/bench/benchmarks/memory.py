"""`mxtrials bench memory`: what an additional worker on a node costs, and whether the data is in memory only once.

The floor is a bare Ray actor that only imports MXNet. A worker of mxtrials adds its code, a network with weights,
gradients, optimizer state and batches, and MXNet's working memory, but does not load what it never uses.
"""

from collections.abc import Sequence
from typing import Any

from jobs.bench.program import Program
from jobs.bench.registry import Plan
from jobs.bench.report import OURS, Figure, Report, Target
from jobs.bench.rounds import run_rounds

ROUNDS = 3
FEW, MANY = 2, 4
BARE = "bare Ray + MXNet"
PROGRAMS = {OURS: "mxtrials", BARE: "bare"}
WORKER = "an additional worker"
DATA, STORE, MAPPED = "dataset", "object store, in memory", "object store, as mapped by each worker"


def measure(plan: Plan) -> Report:
    """Measures how much memory all processes use with two workers and with four, after each has trained an epoch."""
    programs = [
        Program(f"{name}, {count} workers", "jobs.bench.programs.memory", (kind, str(count)), ("mxnet",), cores=None)
        for name, kind in PROGRAMS.items()
        for count in (FEW, MANY)
    ]
    rounds = run_rounds(programs, plan.rounds or ROUNDS, plan.announce)
    figures = []
    for name in PROGRAMS:
        few, many = (rounds.results.get(f"{name}, {count} workers", []) for count in (FEW, MANY))
        if few and many:
            figures.append(Figure(WORKER, name, "MiB", _growth(few, many), "less"))
    figures += _object_store(rounds.results.get(f"{OURS}, {MANY} workers", []))
    return Report(f"memory of a node: from {FEW} workers to {MANY}", figures, _targets(figures), rounds.notes)


def _growth(few: Sequence[Any], many: Sequence[Any]) -> list[float]:
    """Returns the MiB per additional worker in each round."""
    return [(more["total"] - less["total"]) / (MANY - FEW) for less, more in zip(few, many, strict=True)]


def _object_store(footprints: Sequence[Any]) -> list[Figure]:
    """Returns the object store's figures; shared pages count once in STORE, and once per worker in MAPPED."""
    if not footprints:
        return []
    files = {footprint["store_files"] for footprint in footprints}
    note = f"{MANY} workers, {', '.join(map(str, sorted(files)))} file"
    return [
        Figure(DATA, OURS, "MiB", [footprint["images"] for footprint in footprints], None),
        Figure(STORE, OURS, "MiB", [footprint["store_total"] for footprint in footprints], None, note),
        Figure(MAPPED, OURS, "MiB", [size for footprint in footprints for size in footprint["store_mapped"]], None),
    ]


def _targets(figures: Sequence[Figure]) -> list[Target]:
    medians = {(figure.what, figure.program): figure.median for figure in figures}

    def ratio(one: tuple[str, str], other: tuple[str, str]) -> float | None:
        return medians[one] / medians[other] if one in medians and other in medians else None

    return [
        Target("an additional worker, vs. a bare actor", ratio((WORKER, OURS), (WORKER, BARE)), 1.0, "x", "less"),
        Target("copies of the data on a node", ratio((STORE, OURS), (DATA, OURS)), 1.1, "x", "less"),
    ]
