"""Standard output that cannot be written: the study is kept, and the exit code says so."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import command

REJECTED = "mxtrials: standard output cannot be written (No space left on device): free disk space, or redirect it"


@fault(
    "Disks and files",
    "the disk that standard output goes to is full (`> log`)",
    seen="one-line error on stderr, exit code 3; `mxtrials show` prints what could not be printed",
    cost="nothing: the study continues",
)
@pytest.mark.parametrize("option", ["--json", None])
def test_study_continues_if_its_output_cannot_be_written(
    option: str | None, environment: dict[str, str], tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    run_dir = tmp_path / "run"
    arguments = [*options, f"--trials={TRIALS}", f"--out={run_dir}", *([option] if option else [])]
    done = run_on_full_disk(environment, "run", *arguments)
    shown = run_on_full_disk(environment, "show", run_dir)
    saved = f"the study itself is saved: see `mxtrials show {run_dir}`"
    assert (done.returncode, done.stderr) == (3, f"{REJECTED}; {saved}\n")
    assert (shown.returncode, shown.stderr) == (3, f"{REJECTED}\n")
    assert read_results(run_dir) == read_results(undisturbed)


@fault(
    "Disks and files",
    "standard output and error are closed (`>&- 2>&-`)",
    seen="nothing; the exit code is the study's",
    cost="nothing",
)
def test_study_continues_without_standard_streams(
    environment: dict[str, str], tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    run_dir = tmp_path / "run"
    arguments = command("run", *options, f"--trials={TRIALS}", "--out", run_dir)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], env=environment, check=False)
    assert done.returncode == 0
    assert read_results(run_dir) == read_results(undisturbed)


def run_on_full_disk(environment: dict[str, str], *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs a command whose standard output is a full disk."""
    with Path("/dev/full").open("w") as full:
        return subprocess.run(
            command(*arguments),
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
