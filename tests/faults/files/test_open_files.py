"""Limits of open files that are too low at different moments of a study."""

from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import CommandLine, assert_one_line_error, run_with_ulimit


@fault(
    "Disks and files",
    "the limit of open files is too low (`ulimit -n`)",
    seen="one-line error, exit code 3; `mxtrials resume` continues under a higher limit",
    cost="nothing",
)
def test_too_few_open_files_are_reported(
    environment: dict[str, str], started_run: Path, mxtrials: CommandLine, undisturbed: Path
) -> None:
    resume = ("resume", started_run, f"--trials={TRIALS}", "--local", "--quiet")
    for files in (6, 8):
        failed = run_with_ulimit(f"-n {files}", environment, *resume)
        assert_one_line_error(failed, 3)
        assert "open" in failed.stderr
    assert mxtrials(*resume).returncode == 0
    assert read_results(started_run) == read_results(undisturbed)


@fault(
    "Disks and files",
    "the limit of open files is too low for Ray",
    seen="one-line error naming the limit and `ulimit`, exit code 3, before Ray starts; no run directory",
    cost="nothing",
)
@pytest.mark.parametrize("files", [12, 63])
def test_too_few_open_files_for_ray_are_reported_before_it_starts(
    files: int, environment: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    on_ray = [option for option in options if option != "--local"]
    failed = run_with_ulimit(f"-n {files}", environment, "run", *on_ray, "--out", tmp_path / "run", "--quiet")
    assert_one_line_error(failed, 3, f"the limit of open files is {files}", "at least 64", "ulimit -n", "--local")
    assert not (tmp_path / "run").exists()
