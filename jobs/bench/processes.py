"""What Linux tells of processes and their memory: who started whom, and which part of its pages is a process's own."""

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_KIB_IN_MIB = 1024


def family(pid: int) -> list[int]:
    """A process, and all that it and its children have started and that still run."""
    parents = dict(_parents())
    found = [pid]
    for each in found:  # grows on the way
        found += [child for child, parent in parents.items() if parent == each]
    return found


def proportional_mib(pid: int, mapping: str | None = None) -> float:
    """The proportional set size, in which a page that n processes have mapped counts 1/n in each; 0 if it has ended.

    Args:
        pid: the process.
        mapping: counts only what is mapped of files with this in their name.
    """
    return _sum_mib(pid, "Pss:", mapping)


def resident_mib(pid: int, mapping: str | None = None) -> float:
    """The resident set size, in which every page counts in full in each process; see `proportional_mib`."""
    return _sum_mib(pid, "Rss:", mapping)


def mapped_files(pid: int, mapping: str) -> set[tuple[str, str]]:
    """Device and inode of each mapped file with this in its name: the same file in two processes is the same memory."""
    headers = (line.split(maxsplit=5) for line in _smaps(pid) if mapping in line)
    return {(fields[3], fields[4]) for fields in headers if len(fields) == 6}


def _sum_mib(pid: int, field: str, mapping: str | None) -> float:
    """Sums a field over /proc/PID/smaps, which has a line of address, rights, file and so on before each mapping's."""
    total, counts = 0, mapping is None
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
        except OSError:  # it has ended meanwhile
            continue
        yield int(folder.name), int(stat.rpartition(")")[2].split()[1])
