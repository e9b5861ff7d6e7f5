"""Reads this machine's processor, and how many of its cores this process may use."""

import os
import platform
from dataclasses import dataclass
from math import inf
from pathlib import Path

from cluster.machine.cgroups import ROOT, cgroup_folders, read_lines

_VECTORS = ("avx512f", "avx2", "avx", "sse4_1")


@dataclass(frozen=True)
class Cores:
    """How many cores this process may use.

    Attributes:
        allowed: number of cores that it may be scheduled on.
        quota: number of cores' worth of time that its cgroups grant it; `inf` without a limit.
    """

    allowed: int
    quota: float

    @property
    def usable(self) -> float:
        """The smaller of `allowed` and `quota`."""
        return min(self.allowed, self.quota)


def read_processor(root: Path = ROOT) -> str:
    """Returns the first core's name and its widest vector instructions, e.g. "AMD EPYC with avx2".

    oneDNN and numpy use these instructions, so they decide the order of sums.
    """
    # Reversed so that the first core's values are set last and win.
    fields = [line.partition(":") for line in reversed(read_lines(root / "proc/cpuinfo"))]
    core = {name.strip(): value.strip() for name, _, value in fields}
    flags = core.get("flags", "").split()
    vectors = next((f" with {width}" for width in _VECTORS if width in flags), "")
    return core.get("model name", platform.machine()) + vectors


def read_cores(root: Path = ROOT) -> Cores:
    """Returns this process's cores (`sched_getaffinity`) and the lowest quota of its cgroups."""
    quota = min((_quota(folder) for folder in cgroup_folders("cpu", root)), default=inf)
    return Cores(len(os.sched_getaffinity(0)), quota)


def _quota(cgroup: Path) -> float:
    """Returns the cores' worth that a cgroup grants, from the files of v2 or v1; `inf` without a limit."""
    # `<granted us> <period us>`, or `max <period us>`; v1 has a file for each number, and -1 for no limit.
    v1 = [*read_lines(cgroup / "cpu.cfs_quota_us"), *read_lines(cgroup / "cpu.cfs_period_us")]
    match " ".join(read_lines(cgroup / "cpu.max") or v1).split():
        case [granted, period] if granted.isdecimal() and period.isdecimal():
            return int(granted) / int(period)
    return inf
