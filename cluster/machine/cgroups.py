"""Finds the cgroups of this process, and reads the kernel's files of numbers.

A file that this kernel does not have counts as empty. The root folder is an argument so that tests can read the /proc
and /sys of any machine.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cgroup_folders(controller: str, root: Path) -> Iterator[Path]:
    """Yields the folders of the cgroups that may limit this process: its own first, then the enclosing ones.

    Args:
        controller: what they limit, such as "memory"; cgroup v1 has separate groups for each controller, v2 one
            hierarchy for all.
        root: the root folder of the machine's files.
    """
    mounted = root / "sys/fs/cgroup"
    for line in read_lines(root / "proc/self/cgroup"):
        _, controllers, name = line.split(":", 2)
        if not controllers:
            yield from _outwards(mounted, name)
        elif controller in controllers.split(","):
            yield from _outwards(mounted / controller, name)


def _outwards(mounted: Path, name: str) -> Iterator[Path]:
    folder = mounted / name.strip("/")
    # In a container, the name may be the one from outside, of which only the mount is visible: folders that do not
    # exist count as groups without limits.
    while folder != mounted and mounted in folder.parents:
        yield folder
        folder = folder.parent
    yield mounted


def read_lines(file: Path) -> list[str]:
    """Returns the lines of a file; [] if it cannot be read."""
    try:
        return file.read_text().splitlines()
    except OSError:  # another kernel or another version of cgroups
        return []


def read_counters(file: Path) -> dict[str, int]:
    """Returns a file's numbers by name, from lines that start with a name and a number; {} if it cannot be read."""
    fields = [line.split() for line in read_lines(file)]
    return {found[0]: int(found[1]) for found in fields if len(found) > 1 and found[1].isdecimal()}


def read_number(file: Path) -> int | None:
    """Returns the number in a file; None if it holds something else, such as "max", or cannot be read."""
    text = "".join(read_lines(file)).strip()
    return int(text) if text.isdecimal() else None
