"""Too few open files, at each level of too few."""

from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import CommandLine, assert_refused, run_with_ulimit


@fault(
    "Disks and files",
    "a process may have too few open files (`ulimit -n`)",
    seen="one sentence, exit code 3; `mxtrials resume` goes on when there are more",
    lost="nothing",
)
def test_too_few_open_files_are_told(
    environment: dict[str, str], started_run: Path, mxtrials: CommandLine, undisturbed: Path
) -> None:
    resume = ("resume", started_run, f"--trials={TRIALS}", "--local", "--quiet")
    for files in (6, 8):
        refused = run_with_ulimit(f"-n {files}", environment, *resume)
        assert_refused(refused, 3)
        assert "open" in refused.stderr
    assert mxtrials(*resume).returncode == 0
    assert read_results(started_run) == read_results(undisturbed)


@fault(
    "Disks and files",
    "a process may have too few open files for Ray",
    seen="one sentence with the limit and `ulimit`, exit code 3, before Ray is started; no run directory",
    lost="nothing: nothing had begun",
)
@pytest.mark.parametrize("files", [12, 63])
def test_too_few_open_files_for_ray_are_told_at_once(
    files: int, environment: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    on_ray = [option for option in options if option != "--local"]
    refused = run_with_ulimit(f"-n {files}", environment, "run", *on_ray, "--out", tmp_path / "run", "--quiet")
    assert_refused(refused, 3, f"{files} open files", "64 or more", "ulimit -n", "--local")
    assert not (tmp_path / "run").exists()
