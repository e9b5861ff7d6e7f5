"""The list of benchmarks, by the names that `mxtrials bench` takes.

A benchmark NAME is the module `jobs.bench.benchmarks.NAME` with a function `measure(Plan) -> Report`; it compares
programs of `jobs.bench.programs` with those of `jobs.bench.peers`. `--help` loads this file, but none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.bench.report import Report


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: what it measures, and roughly how many minutes that takes on two cores."""

    what: str
    minutes: float


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        announce: called with a few words that say what is being measured.
        rounds: number of rounds; None for the benchmark's default.
        published: whether to run a workload that a peer has published instead.
    """

    announce: Callable[[str], None]
    rounds: int | None = None
    published: bool = False

    def announce_under(self, heading: str) -> Callable[[str], None]:
        """Returns `announce` with a heading in front of its words."""
        return lambda text: self.announce(f"{heading}: {text}")


BENCHMARKS = {
    "train": Benchmark("training on one core", 4),
    "dispatch": Benchmark("trials that train nothing: what the driver costs", 9),
    "results": Benchmark("measurements that the driver processes", 2),
    "start": Benchmark("from the command to the first output", 2),
    "memory": Benchmark("memory of workers", 2),
    "study": Benchmark("a whole study", 12),
}
PUBLISHED = ("dispatch",)


def measure(name: str, plan: Plan) -> "Report":
    """Runs the benchmark of this name in BENCHMARKS."""
    from importlib import import_module

    report: Report = import_module(f"jobs.bench.benchmarks.{name}").measure(plan)
    return report
