"""`make size`: how many files and lines each folder has, and which of its files is the longest."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from jobs.tables import table

ROOT = Path(__file__).parents[2]
PACKAGES = ("mnist_core", "cluster", "jobs", "tests")


def rooms() -> Iterator[tuple[str, list[Path]]]:
    """Yields each folder that has Python files, by its path, with these files."""
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (ROOT / package).rglob("*.py")}):
            yield str(folder.relative_to(ROOT)), sorted(folder.glob("*.py"))


def lines_of(file: Path) -> int:
    """Counts the lines of a file."""
    return len(file.read_text().splitlines())


def draw(console: Console) -> None:
    """Draws a row for each folder, and one for each package."""
    drawn = table("folder", "files", "lines", "longest file", "its lines", left=("folder", "longest file"))
    totals = dict.fromkeys(PACKAGES, (0, 0))
    for name, files in rooms():
        longest = max(files, key=lines_of)
        lines = sum(map(lines_of, files))
        package = name.split("/")[0]
        totals[package] = (totals[package][0] + len(files), totals[package][1] + lines)
        drawn.add_row(name, str(len(files)), f"{lines:,}", longest.name, str(lines_of(longest)))
    drawn.add_section()
    for package, (count, lines) in totals.items():
        drawn.add_row(f"{package}, all", str(count), f"{lines:,}", "", "")
    console.print(drawn)


if __name__ == "__main__":
    draw(Console(width=None if sys.stdout.isatty() else 100))
