"""`make mutants`: makes small changes to the code, one at a time, and runs the unit tests of each changed function.

mutmut makes the changes and runs the tests in build/mutants, a copy; `[tool.mutmut]` in pyproject.toml says where. The
exit code is 1 if a change survives that explained.toml has no reason for. Every other mutant is run, which takes about
15 minutes on two cores; ARGS="*" runs all, ARGS="cluster.driver.*" those whose names match. `mutmut show NAME`, in that
folder, shows a mutant.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from jobs.tables import table
from tests.mutants.explained import change_of, function_of, is_same_sql, read_explained

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "mutants"
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
LOG = WORK / "mutmut.log"
SAMPLE = ("*[02468]",)
COPIED = ("mnist_core", "cluster", "jobs", "tests")
# mutmut leaves decorated functions alone, and this decorator does nothing when the code runs.
OVERRIDE = re.compile(r"^ *@override\n", re.MULTILINE)
# An import that fails, a time limit and a crash are noticed, as a failed test is.
NOTICED = {"killed", "timeout", "segfault", "caught by type check"}


def copy_sources() -> None:
    """Replaces the working folder by a copy of the packages, the tests and the configuration."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", WORK)
    for package in ("mnist_core", "cluster"):
        for file in (WORK / package).rglob("*.py"):
            file.write_text(OVERRIDE.sub("", file.read_text()))


def mutmut(*arguments: str) -> str:
    """Returns what a command of mutmut prints."""
    return subprocess.run([MUTMUT, *arguments], cwd=WORK, capture_output=True, text=True, check=True).stdout


def run_mutants(names: tuple[str, ...], console: Console) -> None:
    """Runs the mutants whose names match, and shows mutmut's progress on a terminal."""
    command = [sys.executable, "-u", MUTMUT, "run", *names]
    with (
        console.status("starting mutmut") as status,
        LOG.open("w", buffering=1) as log,
        subprocess.Popen(command, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:  # also ended by a carriage return
            log.write(line)
            status.update(escape(line.strip()))
    if process.returncode != 0:
        raise SystemExit(f"mutmut failed: see {LOG}")


def outcomes() -> dict[str, str]:
    """Returns mutant -> how it ended, for all that were run."""
    lines = (line.strip().split(": ", 1) for line in mutmut("results", "--all", "true").splitlines() if line.strip())
    return {name: outcome for name, outcome in lines if outcome != "not checked"}


def draw(console: Console, outcome_of: dict[str, str], unexplained: list[str]) -> None:
    """Draws a row for each module, and one for all."""
    counts: dict[str, Counter[str]] = {}
    for mutant, outcome in outcome_of.items():
        noticed = "noticed" if outcome in NOTICED else "unexplained" if mutant in unexplained else "explained"
        for row in (mutant.partition(".x")[0], "all"):
            counts.setdefault(row, Counter())[noticed] += 1
    drawn = table("module", "mutants", "noticed", "explained", "unexplained", left=("module",))
    for row, count in sorted(counts.items(), key=lambda each: (each[0] == "all", each[0])):
        figures = (count.total(), count["noticed"], count["explained"], count["unexplained"])
        drawn.add_row(row, *map(str, figures))
    console.print(drawn)


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Runs the mutants and reports those that no test notices."""
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False)
    copy_sources()
    run_mutants(names or SAMPLE, console)
    outcome_of = outcomes()
    reasons = read_explained()
    survivors = {name: mutmut("show", name) for name, outcome in outcome_of.items() if outcome not in NOTICED}
    changes = {name: change_of(name, diff) for name, diff in survivors.items()}
    reasons |= {changes[name]: "SQL ignores case." for name, diff in survivors.items() if is_same_sql(diff)}
    unexplained = [name for name, change in changes.items() if change not in reasons]
    draw(console, outcome_of, unexplained)
    for change in sorted({changes[name] for name in survivors if name not in unexplained}):
        console.print(f"explained: {change.function}: {change.code}\n    {reasons[change]}")
    run = {function_of(name) for name in outcome_of}
    for gone in sorted(change for change in reasons.keys() - set(changes.values()) if change.function in run):
        console.print(f"no longer survives, so take it out of explained.toml: {gone.function}: {gone.code}")
    for name in unexplained:
        console.print(
            f"unexplained ({outcome_of[name]}): {changes[name].function}: {changes[name].code}\n{survivors[name]}"
        )
    if unexplained:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
