"""A report that cannot be written, on a disk that is full or in a folder that is in the way, harms no study."""

from pathlib import Path

from cluster.run_dir.paths import RunDir
from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine


@fault(
    "Disks and files",
    "`report.html` cannot be written at the end of a study",
    seen="a warning with the command that writes it; the study is complete, exit code 0",
    cost="nothing: `mxtrials report` writes it later",
)
def test_study_is_complete_without_its_report(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    assert mxtrials("run", "smoke", *small, "--trials", "1", "--quiet", "--out", run_dir.path).returncode == 0
    run_dir.report.unlink()
    run_dir.report.mkdir()

    done = mxtrials("resume", run_dir.path, "--trials", "2", "--local")

    assert done.returncode == 0
    (warning,) = (line for line in done.stdout.splitlines() if "the report was not written" in line)
    assert f"{run_dir.report} cannot be written" in warning
    assert f"write it with `mxtrials report {run_dir.path}`" in warning
    assert "2 of 2 trials: 2 complete" in done.stdout

    run_dir.report.rmdir()

    assert mxtrials("report", run_dir.path).returncode == 0
