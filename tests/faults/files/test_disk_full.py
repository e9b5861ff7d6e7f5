"""Disks that fill up at any moment of a study, for which the kernel itself raises ENOSPC."""

import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import assert_tensorboard_is_complete, read_results
from tests.faults.kit.small_disk import FILLER, Disks
from tests.support.command_line import CommandLine, assert_one_line_error

FOLDERS = ("best", "checkpoints", "tensorboard")


def assert_finishes(disks: Disks, run_dir: Path, undisturbed: Path) -> None:
    """Resumes the study and checks that it ends with the results of an undisturbed one."""
    done = disks.mxtrials("resume", run_dir, "--local", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read_results(disks.visible(run_dir)) == read_results(undisturbed)


@fault(
    "Disks and files",
    "the disk is full when a study starts (its lock, `spec.yaml`, `environment.json`, `study.db`)",
    seen="one-line error naming the file, exit code 3, no run directory",
    cost="nothing",
)
@pytest.mark.parametrize(
    ("pages", "file"), [(0, "run"), (1, "run/spec.yaml"), (2, "run/environment.json"), (3, "run/study.db")]
)
def test_disk_full_at_the_start(pages: int, file: str, disks: Disks, tmp_path: Path, options: list[str]) -> None:
    disk = tmp_path / "disk"
    disks.mount(disk)
    disks.fill(disk, pages)
    done = disks.mxtrials("run", *options, "--out", disk / "run")
    reason = "disk is full" if file == "run/study.db" else "No space left on device"
    assert_one_line_error(done, 3, f"{disk}/{file} cannot be", reason, "free disk space")
    assert [path.name for path in disks.visible(disk).iterdir()] == [FILLER]


@fault(
    "Disks and files",
    "the disk fills up while the store or a checkpoint is written",
    seen="one-line error naming the file, exit code 3; `mxtrials resume` continues once there is space",
    cost="training since the last checkpoints",
)
@pytest.mark.parametrize(("pages", "file"), [(60, "study.db"), (100, "checkpoints")])
def test_disk_full_during_a_study(
    pages: int, file: str, disks: Disks, tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    disk = tmp_path / "disk"
    run_dir = disk / "run"
    disks.mount(disk, pages)
    rare_states = ["--set=limits.checkpoint_every_s=100"] if file == "study.db" else []
    done = disks.mxtrials("run", *options, *rare_states, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    assert_one_line_error(done, 3, f"{run_dir}/{file}", "free disk space", f"mxtrials resume {run_dir}")
    assert disks.mxtrials("show", run_dir).returncode == 0
    disks.resize(disk, 1024)
    assert_finishes(disks, run_dir, undisturbed)


@pytest.fixture
def split_run(disks: Disks, started_run: Path, tmp_path: Path) -> Path:
    """An unfinished run directory on several disks: its folders have one each, and the store is on none of them."""
    run_dir = tmp_path / "split"
    store = tmp_path / "store"
    for folder in (run_dir, *(run_dir / name for name in FOLDERS)):
        disks.mount(folder)
    shutil.copytree(started_run, disks.visible(run_dir), dirs_exist_ok=True)
    shutil.move(disks.visible(run_dir) / "study.db", store)
    (disks.visible(run_dir) / "study.db").symlink_to(store)
    return run_dir


@fault(
    "Disks and files",
    "the disk fills up while the results or the best model are written",
    seen="one-line error naming the file, exit code 3; `mxtrials resume` writes them once there is space",
    cost="nothing",
)
@pytest.mark.parametrize(("full", "file"), [("", "results.parquet"), ("best", "best/model-0000.params")])
def test_disk_full_at_the_end(full: str, file: str, disks: Disks, split_run: Path, undisturbed: Path) -> None:
    disks.fill(split_run / full, free_pages=2)  # for the lock and the spec
    done = disks.mxtrials("resume", split_run, f"--trials={TRIALS}", "--local", "--quiet")
    assert_one_line_error(done, 3, f"{split_run}/{file} cannot be written (No space left on device)", "free disk space")
    disks.free_space(split_run / full)
    assert_finishes(disks, split_run, undisturbed)


@fault(
    "Disks and files",
    "the disk fills up while TensorBoard's files are written",
    seen="one-line warning at the end, exit code 0; the next `mxtrials resume` writes them again",
    cost="nothing: the study continues without them",
)
def test_disk_full_for_tensorboard(disks: Disks, split_run: Path, undisturbed: Path) -> None:
    disks.fill(split_run / "tensorboard", free_pages=2)
    done = disks.mxtrials("resume", split_run, f"--trials={TRIALS}", "--local", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert "TensorBoard logging stopped: cannot write" in done.stderr
    assert read_results(disks.visible(split_run)) == read_results(undisturbed)
    disks.free_space(split_run / "tensorboard")
    assert_finishes(disks, split_run, undisturbed)
    assert_tensorboard_is_complete(disks.visible(split_run))


@fault(
    "Disks and files",
    "the disk of the data cache is full",
    seen="one-line error naming the file, exit code 3",
    cost="nothing",
)
def test_disk_full_for_the_data_cache(disks: Disks, tmp_path: Path, options: list[str]) -> None:
    cache = disks.mount(tmp_path / "cache", 4)
    done = disks.mxtrials("run", *options, "--out", tmp_path / "run", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_one_line_error(done, 3, f"the data cache {tmp_path}/cache", "No space left on device", "free disk space")
    assert not [path for path in cache.rglob("*") if path.suffix in (".arrow", ".tmp")]
    assert not (tmp_path / "run").exists()


@fault(
    "Disks and files",
    "`run.log` cannot be written, e.g. because the disk is full",
    seen="a warning that names the file, exit code 0",
    cost="the rest of the log: the study continues",
)
@pytest.mark.parametrize("target", ["/dev/full", "no-such-folder/log"])
def test_study_continues_if_its_log_cannot_be_written(
    target: str, mxtrials: CommandLine, started_run: Path, undisturbed: Path
) -> None:
    log = started_run / "run.log"
    log.unlink(missing_ok=True)
    log.symlink_to(target)
    done = mxtrials("resume", started_run, f"--trials={TRIALS}", "--local")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"warning: {log} is no longer written") == 1
    assert read_results(started_run) == read_results(undisturbed)
