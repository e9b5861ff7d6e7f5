"""Files in which the kernel tells what it gives to this process: where its control groups are, and how to read numbers.

All functions answer for kernels without such a file, too. The root folder is an argument so that /proc and /sys of any
machine can be read.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cgroup_folders(controller: str, root: Path) -> Iterator[Path]:
    """Folders of the control groups that may limit this process, its own first, then the ones around it.

    Args:
        controller: of what, such as "memory": in version 1 each has groups of its own, in version 2 all share them.
        root: of the machine's files.
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
    # A container may see the name that its group has outside: what it can see of it begins at the mount.
    while folder != mounted and mounted in folder.parents:
        yield folder
        folder = folder.parent
    yield mounted


def read_lines(file: Path) -> list[str]:
    """Of a file; none if it cannot be read."""
    try:
        return file.read_text().splitlines()
    except OSError:  # another kernel, another version of control groups
        return []


def read_counters(file: Path) -> dict[str, int]:
    """The lines of a file that begin with a name and a number; nothing if it cannot be read."""
    fields = [line.split() for line in read_lines(file)]
    return {found[0]: int(found[1]) for found in fields if len(found) > 1 and found[1].isdecimal()}


def read_number(file: Path) -> int | None:
    """The number that a file holds; None where it holds no number (such as "max"), or cannot be read."""
    text = "".join(read_lines(file)).strip()
    return int(text) if text.isdecimal() else None
