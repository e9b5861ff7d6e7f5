"""What this machine gives to this process: cores and memory, with the limits of its control groups. Judges nothing.

The root folder is an argument so that /proc and /sys of any machine can be read.
"""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

_ROOT = Path("/")
_KIB = 1024
_VECTORS = ("avx512f", "avx2", "avx", "sse4_1")


@dataclass(frozen=True)
class Cores:
    """How many cores this process may use.

    Attributes:
        allowed: cores that it may be scheduled on.
        quota: cores' worth of time that its control groups grant it, `inf` without a limit.
    """

    allowed: int
    quota: float

    @property
    def usable(self) -> float:
        """The smaller of the two."""
        return min(self.allowed, self.quota)


@dataclass(frozen=True)
class Memory:
    """Memory of this process and those beside it, in bytes; the smaller of the machine's and its control groups'."""

    total: int
    available: int


def read_processor(root: Path = _ROOT) -> str:
    """The first core's name and its widest vectors, in which oneDNN and numpy compute, e.g. "AMD EPYC with avx2"."""
    fields = [line.partition(":") for line in reversed(_lines(root / "proc/cpuinfo"))]
    core = {name.strip(): value.strip() for name, _, value in fields}
    flags = core.get("flags", "").split()
    vectors = next((f" with {width}" for width in _VECTORS if width in flags), "")
    return core.get("model name", platform.machine()) + vectors


def read_cores(root: Path = _ROOT) -> Cores:
    """The cores of this process (`sched_getaffinity`), and the quota (`cpu.max`) of its control groups."""
    quota = min((_quota(folder / "cpu.max") for folder in _control_groups(root)), default=inf)
    return Cores(len(os.sched_getaffinity(0)), quota)


def read_memory(root: Path = _ROOT) -> Memory:
    """The machine's memory (`/proc/meminfo`), less where a control group (`memory.max`) allows less."""
    machine = _numbers(root / "proc/meminfo")
    total, available = machine["MemTotal:"] * _KIB, machine["MemAvailable:"] * _KIB
    for folder in _control_groups(root):
        limit = _integer(folder / "memory.max")
        if limit is not None:
            total, available = min(total, limit), min(available, max(0, limit - _used(folder)))
    return Memory(total, available)


def _control_groups(root: Path) -> Iterator[Path]:
    """The version 2 control groups of this process, its own first, then the ones around it."""
    mounted = root / "sys/fs/cgroup"
    named = next((line[3:] for line in _lines(root / "proc/self/cgroup") if line.startswith("0::")), "/")
    folder = mounted / named.strip("/")
    # A container may see the name that its group has outside: what it can see of it begins at the mount.
    while folder != mounted and mounted in folder.parents:
        yield folder
        folder = folder.parent
    yield mounted


def _quota(path: Path) -> float:
    """Cores' worth of a cpu.max, which is `<microseconds> <of so many>`, or `max <of so many>`."""
    match " ".join(_lines(path)).split():
        case [granted, period] if granted.isdecimal() and period.isdecimal():
            return int(granted) / int(period)
    return inf


def _used(folder: Path) -> int:
    """Bytes in use that the kernel cannot take back; file pages that nobody used lately it can."""
    current = _integer(folder / "memory.current") or 0
    return current - _numbers(folder / "memory.stat").get("inactive_file", 0)


def _numbers(path: Path) -> dict[str, int]:
    """A file of lines `<name> <number> ...`."""
    fields = [line.split() for line in _lines(path)]
    return {found[0]: int(found[1]) for found in fields if len(found) >= 2 and found[1].isdecimal()}


def _integer(path: Path) -> int | None:
    text = "".join(_lines(path))
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another kernel, another version of control groups: no such limit
        return []
