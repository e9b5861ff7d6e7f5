"""Reads processes and their memory from /proc: their descendants, and how much of their memory is shared."""

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_KIB_IN_MIB = 1024


def process_tree(pid: int) -> list[int]:
    """Returns a process and all its running descendants."""
    parents = dict(_parents())
    found = [pid]
    for each in found:  # grows while it is walked
        found += [child for child, parent in parents.items() if parent == each]
    return found


def proportional_mib(pid: int, mapping: str | None = None) -> float:
    """Returns the proportional set size: a page that n processes have mapped counts 1/n in each; 0 if it has ended.

    Args:
        pid: the process.
        mapping: if given, only mappings of files with this in their name count.
    """
    return _sum_mib(pid, "Pss:", mapping)


def resident_mib(pid: int, mapping: str | None = None) -> float:
    """Returns the resident set size: every page counts in full for each process; see `proportional_mib`."""
    return _sum_mib(pid, "Rss:", mapping)


def mapped_files(pid: int, mapping: str) -> set[tuple[str, str]]:
    """Returns device and inode of each mapped file with this in its name; processes with equal ones share memory."""
    headers = (line.split(maxsplit=5) for line in _smaps(pid) if mapping in line)
    return {(fields[3], fields[4]) for fields in headers if len(fields) == 6}


def _sum_mib(pid: int, field: str, mapping: str | None) -> float:
    """Sums a field over /proc/PID/smaps, in which each mapping's fields follow a line with its address and file."""
    total = 0
    counts = mapping is None
    for line in _smaps(pid):
        name = line.split(maxsplit=1)[0]
        if not name.endswith(":"):
            counts = mapping is None or mapping in line
        elif counts and name == field:
            total += int(line.split()[1])
    return total / _KIB_IN_MIB


def _smaps(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "smaps").read_text().splitlines()
    except OSError:
        return []


def _parents() -> Iterator[tuple[int, int]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # the process has ended
            continue
        yield int(folder.name), int(stat.rpartition(")")[2].split()[1])
