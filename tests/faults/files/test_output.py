"""Standard output that cannot be written: the study is kept, and the exit code tells."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import command

REFUSED = "mxtrials: standard output cannot be written (No space left on device): free disk space, or redirect it"


@fault(
    "Disks and files",
    "the disk is full under standard output (`> log`)",
    seen="one sentence on stderr, exit code 3; `mxtrials show` prints what could not be printed",
    lost="nothing: the study goes on",
)
@pytest.mark.parametrize("shown", ["--json", None])
def test_study_goes_on_when_its_output_is_refused(
    shown: str | None, environment: dict[str, str], tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    run_dir = tmp_path / "run"
    arguments = [*options, f"--trials={TRIALS}", f"--out={run_dir}", *([shown] if shown else [])]
    done = to_a_full_disk(environment, "run", *arguments)
    asked = to_a_full_disk(environment, "show", run_dir)
    assert (done.returncode, done.stderr) == (3, f"{REFUSED}; the study is kept: `mxtrials show {run_dir}`\n")
    assert (asked.returncode, asked.stderr) == (3, f"{REFUSED}\n")
    assert read_results(run_dir) == read_results(undisturbed)


@fault(
    "Disks and files",
    "standard output and error are closed (`>&- 2>&-`)",
    seen="nothing; the exit code is that of the study",
    lost="nothing",
)
def test_study_goes_on_without_standard_streams(
    environment: dict[str, str], tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    run_dir = tmp_path / "run"
    arguments = command("run", *options, f"--trials={TRIALS}", "--out", run_dir)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], env=environment, check=False)
    assert done.returncode == 0
    assert read_results(run_dir) == read_results(undisturbed)


def to_a_full_disk(environment: dict[str, str], *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs a command whose output cannot be written."""
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
