"""The memory of the node that this process is on: how much of it is free, and how often the kernel ran out of it."""

import math
import resource
import time
from collections.abc import Iterator
from pathlib import Path

_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
# Files of a container's memory limit, its use and its statistics: cgroup versions 2 and 1.
_LIMITS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)
# After a lack of memory a trial begins when so much of its node's is free; it waits so long for that at most.
ENOUGH_MEMORY, MEMORY_PATIENCE_S = 0.15, 120.0
LOOKS_EVERY_S = 0.5


def free_share(proc: Path = _PROC, cgroup: Path = _CGROUP) -> float:
    """The free share, in 0..1, of the node's memory, or of what this container may have of it if that is less.

    1 where the system does not tell. Memory of the page cache counts as free: the kernel gives it up.
    """
    return max(0.0, min((free / whole for free, whole in _memories(proc, cgroup)), default=1.0))


def free_bytes(proc: Path = _PROC, cgroup: Path = _CGROUP) -> float:
    """How much memory this process could take now, by all that limits it; infinite where the system does not tell."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    free = [free for free, _ in _memories(proc, cgroup)]
    if limit != resource.RLIM_INFINITY:
        free.append(limit - int((proc / "self" / "statm").read_text().split()[0]) * resource.getpagesize())
    return max(0.0, min(free, default=math.inf))


def _memories(proc: Path, cgroup: Path) -> Iterator[tuple[float, float]]:
    """Bytes that are free, and all bytes: of the node, and of each limit on this container."""
    node = _numbers(proc / "meminfo")
    if node.get("MemTotal:"):
        yield 1024 * node.get("MemAvailable:", 0), 1024 * node["MemTotal:"]
    for names in _LIMITS:
        limit, used, statistics = (cgroup / name for name in names)
        if limit_bytes := _number(limit):
            cached_bytes = _numbers(statistics).get("inactive_file", 0)
            yield limit_bytes - (_number(used) or 0) + cached_bytes, limit_bytes


def kernel_kills(proc: Path = _PROC) -> int:
    """How many processes the kernel has killed for lack of memory, on the node, since it was started."""
    return _numbers(proc / "vmstat").get("oom_kill", 0)


def wait_for_memory(share: float = ENOUGH_MEMORY, patience_s: float = MEMORY_PATIENCE_S) -> bool:
    """Waits until so much of the memory is free, at most so long; says whether it is."""
    deadline_s = time.monotonic() + patience_s
    while free_share() < share:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(LOOKS_EVERY_S)
    return True


def _numbers(file: Path) -> dict[str, int]:
    """The lines of a file that begin with a name and a number; nothing if it cannot be read."""
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _number(file: Path) -> int | None:
    """The number that a file holds; None where it holds no number (such as "max"), or cannot be read."""
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
