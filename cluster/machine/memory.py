"""Free memory and out-of-memory kills of this node, or of the cgroup (container, job) that limits this process."""

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
# The files with a cgroup's limit and usage, in v2 and v1.
_LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
# The file that counts a cgroup's processes killed because it or the node ran out of memory, likewise.
_KILLS = ("memory.events", "memory.oom_control")
# A trial that ran out of memory restarts once this share of the memory is free.
ENOUGH_MEMORY = 0.15
CHECK_EVERY_S = 0.5
# The least that a worker adds to a node's memory: `mxtrials bench memory` measured 112 MiB, see docs/performance.md.
WORKER_BYTES = 120_000_000


@dataclass(frozen=True)
class Memory:
    """Memory in bytes; `available` includes page cache that the kernel can reclaim."""

    total: int
    available: int


def read_memory(root: Path = ROOT) -> Memory:
    """Returns the node's memory (`/proc/meminfo`), or less if a cgroup allows or has less left."""
    memories = list(_memories(root))
    return Memory(min(each.total for each in memories), min(each.available for each in memories))


def free_share(root: Path = ROOT) -> float:
    """Returns the free share of the node's memory, or of a cgroup's if lower, in [0, 1]; 1 if unknown."""
    return min((each.available / each.total for each in _memories(root)), default=1.0)


def free_bytes(root: Path = ROOT) -> float:
    """Returns how much memory this process could allocate now under all its limits; infinite if unknown."""
    free = [each.available for each in _memories(root)]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        pages = int((root / "proc/self/statm").read_text().split()[0])
        free.append(max(0, limit - pages * resource.getpagesize()))
    return min(free, default=math.inf)


def _memories(root: Path) -> Iterator[Memory]:
    """Yields the memory of the node and of each cgroup with a limit."""
    node = read_counters(root / "proc/meminfo")
    if node.get("MemTotal:"):
        yield Memory(node["MemTotal:"] * _KIB, node.get("MemAvailable:", 0) * _KIB)
    for folder in cgroup_folders("memory", root):
        for limit, use in _LIMITS:
            if limit_bytes := read_number(folder / limit):
                # The usage includes the group's page cache, of which the kernel can drop the inactive part.
                used_bytes = (read_number(folder / use) or 0) - _cached_bytes(folder)
                yield Memory(limit_bytes, max(0, limit_bytes - used_bytes))


def _cached_bytes(folder: Path) -> int:
    """Returns the inactive file pages of a group and its subgroups, which v1 and v2 name differently."""
    statistics = read_counters(folder / "memory.stat")
    return statistics.get("total_inactive_file", statistics.get("inactive_file", 0))


def oom_counter_file(root: Path = ROOT) -> Path:
    """Returns the file that counts the kernel's out-of-memory kills in this process's cgroup, or else on its node.

    A cgroup counts kills of its own processes, whether the cgroup or the node ran out of memory; the node's count
    includes those of other containers.
    """
    files = (folder / name for folder in cgroup_folders("memory", root) for name in _KILLS)
    return next((file for file in files if "oom_kill" in read_counters(file)), root / "proc/vmstat")


def oom_kill_count(counter: Path) -> int:
    """Returns the kills that an `oom_counter_file` has counted so far; 0 if it cannot be read."""
    return read_counters(counter).get("oom_kill", 0)


def wait_for_memory(patience_s: float, share: float = ENOUGH_MEMORY, root: Path = ROOT) -> bool:
    """Waits until `share` of the memory is free, `patience_s` at most; returns whether it is free."""
    deadline_s = time.monotonic() + patience_s
    while free_share(root) < share:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(CHECK_EVERY_S)
    return True


def trim_heap() -> None:
    """Returns freed memory to the system; for a process that trains one network after another.

    glibc keeps freed memory that lies below a block in use, and can rarely reuse it if the next network has other
    shapes: workers grew by 30 to 350 MB over a few hundred trials. Takes 1 ms, or 10 ms after a large network. Does
    nothing with another C library.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
