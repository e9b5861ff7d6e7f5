"""Read-only folders: commands that only read work, all others fail with a one-line error."""

import json
from pathlib import Path

import pytest
from PIL import Image

from mnist_core.data.dataset import Dataset
from tests.faults.kit.matrix import fault
from tests.faults.kit.small_disk import Disks
from tests.support.command_line import assert_one_line_error


@fault(
    "Disks and files",
    "a run directory becomes read-only",
    seen="`show`, `predict` and `evaluate` work; `resume` fails with a one-line error, exit code 3",
    cost="nothing",
)
def test_read_only_run_can_be_read_but_not_resumed(
    disks: Disks, started_run: Path, small_dataset: Dataset, tmp_path: Path
) -> None:
    Image.fromarray(small_dataset.test.images[0]).save(tmp_path / "digit.png")
    shown = disks.mxtrials("show", started_run, "--json").stdout
    disks.make_read_only(started_run)
    with pytest.raises(OSError, match="Read-only file system"):
        disks.visible(started_run / "study.db").touch()
    assert disks.mxtrials("show", started_run, "--json").stdout == shown
    assert disks.mxtrials("evaluate", started_run).returncode == 0
    assert disks.mxtrials("predict", started_run, tmp_path / "digit.png").returncode == 0
    failed = disks.mxtrials("resume", started_run, "--trials=2", "--local")
    assert_one_line_error(failed, 3, f"{started_run} cannot be written (Read-only file system)", "copy the run")


@fault(
    "Disks and files",
    "a run directory becomes read-only after its driver was killed",
    seen='`show` says "interrupted", with everything that was committed',
    cost="nothing",
)
def test_killed_run_is_shown_if_it_is_read_only(disks: Disks, killed_run: Path) -> None:
    disks.make_read_only(killed_run)
    shown = json.loads(disks.mxtrials("show", killed_run, "--json").stdout)
    assert shown["state"] == "interrupted"
    assert shown["trials"][0]["epochs"] >= 2


@fault(
    "Disks and files",
    "the folder for a new run, or for the data cache, is read-only",
    seen="one-line error naming the folder, exit code 3",
    cost="nothing",
)
@pytest.mark.parametrize("folder", ["runs", "cache"])
def test_study_does_not_start_in_a_read_only_folder(
    folder: str, disks: Disks, tmp_path: Path, options: list[str]
) -> None:
    disks.mount(tmp_path / folder)
    disks.make_read_only(tmp_path / folder)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")} if folder == "cache" else {}
    done = disks.mxtrials("run", *options, "--out", tmp_path / "runs" / "run", **cache)
    assert_one_line_error(done, 3, str(tmp_path / folder), "(Read-only file system)")
