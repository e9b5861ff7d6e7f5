"""The memory of this process and those beside it: how much is free, and how often the kernel ran out of it.

It is the node's, or what its control groups (a container's, a job's) leave of it.
"""

import ctypes
import math
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cluster.machine.cgroups import ROOT, cgroup_folders, read_counters, read_number

_KIB = 1024
# Files of a control group's limit and its use: versions 2 and 1.
_LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
# Files in which a control group counts its processes that were killed for lack of memory, its own or the node's.
_KILLS = ("memory.events", "memory.oom_control")
# After a lack of memory a trial begins when so much of its node's is free; it waits so long for that at most.
ENOUGH_MEMORY = 0.15
LOOKS_EVERY_S = 0.5


@dataclass(frozen=True)
class Memory:
    """In bytes; `available` counts memory of the page cache, which the kernel gives up."""

    total: int
    available: int


def read_memory(root: Path = ROOT) -> Memory:
    """The node's memory (`/proc/meminfo`), less where a control group allows or leaves less."""
    memories = list(_memories(root))
    return Memory(min(each.total for each in memories), min(each.available for each in memories))


def free_share(root: Path = ROOT) -> float:
    """The free share, in 0..1, of the node's memory, or of a control group's if that is less.

    1 where the system does not tell.
    """
    return min((each.available / each.total for each in _memories(root)), default=1.0)


def free_bytes(root: Path = ROOT) -> float:
    """How much memory this process could take now, by all that limits it; infinite where the system does not tell."""
    free = [each.available for each in _memories(root)]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        pages = int((root / "proc/self/statm").read_text().split()[0])
        free.append(max(0, limit - pages * resource.getpagesize()))
    return min(free, default=math.inf)


def _memories(root: Path) -> Iterator[Memory]:
    """The node's, and that of each control group with a limit."""
    node = read_counters(root / "proc/meminfo")
    if node.get("MemTotal:"):
        yield Memory(node["MemTotal:"] * _KIB, node.get("MemAvailable:", 0) * _KIB)
    for folder in cgroup_folders("memory", root):
        for limit, use in _LIMITS:
            if limit_bytes := read_number(folder / limit):
                used_bytes = (read_number(folder / use) or 0) - _cached_bytes(folder)
                yield Memory(limit_bytes, max(0, limit_bytes - used_bytes))


def _cached_bytes(folder: Path) -> int:
    """File pages that nobody used lately, of a group and those in it, which version 1 counts by another name."""
    statistics = read_counters(folder / "memory.stat")
    return statistics.get("total_inactive_file", statistics.get("inactive_file", 0))


def oom_counter_file(root: Path = ROOT) -> Path:
    """The file that counts which processes the kernel killed for lack of memory: in this one's group, else on its node.

    A group counts those of its own whoever lacked the memory; its node counts those of other containers, too.
    """
    files = (folder / name for folder in cgroup_folders("memory", root) for name in _KILLS)
    return next((file for file in files if "oom_kill" in read_counters(file)), root / "proc/vmstat")


def oom_kill_count(counter: Path) -> int:
    """How many a `oom_counter_file` has counted so far; 0 if it cannot be read."""
    return read_counters(counter).get("oom_kill", 0)


def wait_for_memory(patience_s: float, share: float = ENOUGH_MEMORY, root: Path = ROOT) -> bool:
    """Waits until so much of the memory is free, at most so long; says whether it is."""
    deadline_s = time.monotonic() + patience_s
    while free_share(root) < share:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(LOOKS_EVERY_S)
    return True


def trim_heap() -> None:
    """Returns to the system what was freed; for a process that trains one network after the other.

    glibc keeps freed memory that lies below a block in use, and finds little use for it where the next network has
    other shapes: a worker grew by 30 to 350 MB over some hundred trials. It takes a millisecond, ten after a large
    network. Other C libraries are left alone.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
