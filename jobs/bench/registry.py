"""`mxtrials bench`: measures mxtrials beside what a user would pick instead, in turns, on the same machine.

A benchmark NAME is the module `jobs.bench.benchmarks.NAME` with a function `measure(Plan) -> Report`; it compares
programs of `jobs.bench.programs` with those of `jobs.bench.peers`. This file is loaded for `--help`: it imports none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.bench.report import Report


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: what it measures, and about how many minutes that takes on two cores."""

    what: str
    minutes: float


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        tell: is told what is being measured now, in a few words.
        rounds: how often each side has its turn; None for the benchmark's own number.
        published: whether to run the workload that a peer has published instead.
    """

    tell: Callable[[str], None]
    rounds: int | None = None
    published: bool = False

    def about(self, subject: str) -> Callable[[str], None]:
        """`tell`, with what it is told put under a heading."""
        return lambda text: self.tell(f"{subject}: {text}")


BENCHMARKS = {
    "train": Benchmark("training on one core", 4),
    "dispatch": Benchmark("trials that train nothing: what the driver costs", 9),
    "results": Benchmark("measurements that the driver takes in", 2),
    "start": Benchmark("from typing to seeing", 2),
    "memory": Benchmark("memory of workers", 2),
    "study": Benchmark("a whole study", 12),
}
PUBLISHED = ("dispatch",)


def measure(name: str, plan: Plan) -> "Report":
    """Runs the benchmark that has this name in BENCHMARKS."""
    from importlib import import_module

    report: Report = import_module(f"jobs.bench.benchmarks.{name}").measure(plan)
    return report
