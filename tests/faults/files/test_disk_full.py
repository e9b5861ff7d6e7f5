"""Disks that fill up at any moment of a study, by the kernel's own word: ENOSPC."""

import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import assert_tensorboard_is_complete, read_results
from tests.faults.kit.small_disk import FILLER, Disks
from tests.support.command_line import assert_refused

FOLDERS = ("best", "checkpoints", "tensorboard")


def assert_finishes(disks: Disks, run_dir: Path, undisturbed: Path) -> None:
    """Resumed, the study ends with what it would have come to without the fault."""
    done = disks.mxtrials("resume", run_dir, "--local", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read_results(disks.visible(run_dir)) == read_results(undisturbed)


@fault(
    "Disks and files",
    "the disk is full when a study begins (`spec.yaml`, `environment.json`, `study.db`)",
    seen="one sentence with the file, exit code 3, no run directory",
    lost="nothing: nothing had begun",
)
@pytest.mark.parametrize(("pages", "file"), [(0, "spec.yaml"), (1, "environment.json"), (2, "study.db")])
def test_disk_full_at_the_beginning(pages: int, file: str, disks: Disks, tmp_path: Path, options: list[str]) -> None:
    disk = tmp_path / "disk"
    disks.mount(disk)
    disks.fill(disk, pages)
    done = disks.mxtrials("run", *options, "--out", disk / "run")
    no_room = "disk is full" if file == "study.db" else "No space left on device"
    assert_refused(done, 3, f"{disk}/run/{file} cannot be", no_room, "free disk space")
    assert [path.name for path in disks.visible(disk).iterdir()] == [FILLER]


@fault(
    "Disks and files",
    "the disk fills up: the store, a training state",
    seen="one sentence with the file, exit code 3; `mxtrials resume` goes on when there is room",
    lost="training since the last states",
)
@pytest.mark.parametrize(("pages", "file"), [(60, "study.db"), (100, "checkpoints")])
def test_disk_full_amid_a_study(
    pages: int, file: str, disks: Disks, tmp_path: Path, options: list[str], undisturbed: Path
) -> None:
    disk, run_dir = tmp_path / "disk", tmp_path / "disk" / "run"
    disks.mount(disk, pages)
    rare_states = ["--set=limits.checkpoint_every_s=100"] if file == "study.db" else []
    done = disks.mxtrials("run", *options, *rare_states, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    assert_refused(done, 3, f"{run_dir}/{file}", "free disk space", f"mxtrials resume {run_dir}")
    assert disks.mxtrials("show", run_dir).returncode == 0
    disks.resize(disk, 1024)
    assert_finishes(disks, run_dir, undisturbed)


@pytest.fixture
def split_run(disks: Disks, started_run: Path, tmp_path: Path) -> Path:
    """A run directory that lacks trials, on a disk for itself, with others for its store and each of its folders."""
    run_dir, store = tmp_path / "split", tmp_path / "store"
    for folder in (run_dir, *(run_dir / name for name in FOLDERS)):
        disks.mount(folder)
    shutil.copytree(started_run, disks.visible(run_dir), dirs_exist_ok=True)
    shutil.move(disks.visible(run_dir) / "study.db", store)
    (disks.visible(run_dir) / "study.db").symlink_to(store)
    return run_dir


@fault(
    "Disks and files",
    "the disk fills up: the results, the best model",
    seen="one sentence with the file, exit code 3; `mxtrials resume` writes them when there is room",
    lost="nothing",
)
@pytest.mark.parametrize(("full", "file"), [("", "results.parquet"), ("best", "best/model-0000.params")])
def test_disk_full_at_the_end(full: str, file: str, disks: Disks, split_run: Path, undisturbed: Path) -> None:
    disks.fill(split_run / full, free_pages=2)  # which the lock and the spec need
    done = disks.mxtrials("resume", split_run, f"--trials={TRIALS}", "--local", "--quiet")
    assert_refused(done, 3, f"{split_run}/{file} cannot be written (No space left on device)", "free disk space")
    disks.free_space(split_run / full)
    assert_finishes(disks, split_run, undisturbed)


@fault(
    "Disks and files",
    "the disk fills up: TensorBoard's files",
    seen="a sentence at the end, exit code 0; the next `mxtrials resume` writes them anew",
    lost="nothing: the study goes on without its picture",
)
def test_disk_full_in_tensorboard(disks: Disks, split_run: Path, undisturbed: Path) -> None:
    disks.fill(split_run / "tensorboard", free_pages=2)
    done = disks.mxtrials("resume", split_run, f"--trials={TRIALS}", "--local", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert "TensorBoard shows no more of this study" in done.stderr
    assert read_results(disks.visible(split_run)) == read_results(undisturbed)
    disks.free_space(split_run / "tensorboard")
    assert_finishes(disks, split_run, undisturbed)
    assert_tensorboard_is_complete(disks.visible(split_run))


@fault(
    "Disks and files",
    "the disk is full under the data cache",
    seen="one sentence with the file, exit code 3",
    lost="nothing: nothing had begun",
)
def test_disk_full_under_the_cache(disks: Disks, tmp_path: Path, options: list[str]) -> None:
    cache = disks.mount(tmp_path / "cache", 4)
    done = disks.mxtrials("run", *options, "--out", tmp_path / "run", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_refused(done, 3, f"the data cache {tmp_path}/cache", "No space left on device", "free disk space")
    assert not [path for path in cache.rglob("*") if path.suffix in (".arrow", ".tmp")]
    assert not (tmp_path / "run").exists()
