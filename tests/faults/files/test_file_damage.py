"""Damaged and missing files of a run: those that can be rebuilt are, for all others there is a one-line error."""

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cluster.run_dir.paths import RunDir
from mnist_core.data.dataset import Dataset
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import assert_tensorboard_is_complete, read_results
from tests.support.command_line import CommandLine, assert_one_line_error, run_successfully
from tests.support.damaged_index import INDEXES, damage_index
from tests.support.trial_folders import trial_folder

Damage = Callable[[Path], None]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def truncate_line_six(path: Path) -> None:
    """Truncates a spec within the list of its layers."""
    path.write_text(path.read_text().partition("]")[0])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def die_in_second_trial() -> None:
    """Makes this process kill itself when it makes a folder for the second trial."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.mkdir" and re.search("trial-0001|/0001-", str(arguments[0])):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


@fault(
    "Disks and files",
    "the data cache is damaged or empty",
    seen="it is rebuilt; `mxtrials data` says so",
    cost="nothing",
)
@pytest.mark.parametrize("damage", [flip_a_bit, empty])
def test_damaged_cache_is_rebuilt(
    damage: Damage, environment: dict[str, str], small_idx_folder: Path, tmp_path: Path
) -> None:
    data = ("data", "--source", small_idx_folder, "--json")
    own_cache = {**environment, "XDG_CACHE_HOME": str(tmp_path)}
    before = json.loads(run_successfully(own_cache, *data))
    damage(Path(before["path"]))
    after = json.loads(run_successfully(own_cache, *data))
    assert after["built"]
    assert after["damage"]
    assert after["fingerprint"] == before["fingerprint"]


@fault(
    "Disks and files",
    "checkpoints are damaged, truncated or empty",
    seen="a warning with the file; the trial resumes from the previous one, or starts over",
    cost="training since the last intact checkpoint",
)
@pytest.mark.parametrize("damages", [[flip_a_bit], [truncate, empty, flip_a_bit]])
def test_damaged_checkpoint_is_skipped(
    damages: list[Damage], stopped_run: Path, mxtrials: CommandLine, undisturbed: Path
) -> None:
    states = sorted((stopped_run / "checkpoints" / "trial-0000").glob("*.state"), reverse=True)
    assert len(states) >= 2  # three if the driver could not commit the last epoch
    damaged = states[: len(damages)]
    for damage, state in zip(damages, damaged, strict=False):
        damage(state)
    done = mxtrials("resume", stopped_run, "--local")
    assert (done.returncode, done.stderr) == (0, "")
    for state in damaged:
        assert f"warning: {state} is damaged" in done.stdout
    assert read_results(stopped_run) == read_results(undisturbed)


@fault(
    "Disks and files",
    "`study.db` is damaged, truncated or empty",
    seen="one-line error, exit code 2: restore it from a copy; nothing is written to it",
    cost="what the file held, unless there is a copy",
)
@pytest.mark.parametrize("damage", [truncate, empty])
def test_damaged_store_is_rejected(damage: Damage, started_run: Path, mxtrials: CommandLine) -> None:
    store = started_run / "study.db"
    damage(store)
    damaged = store.read_bytes()
    for arguments in (["show"], ["resume", "--local"]):
        assert_one_line_error(mxtrials(*arguments, started_run), 2, str(store), "restore it")
    assert store.read_bytes() == damaged


@fault(
    "Disks and files",
    "a bit flips in a value of `study.db`",
    seen="`resume`: one-line error naming the table and row, exit code 2; nothing is written to it",
    cost="that value, unless there is a copy; `show`, which only reads, does not check for it",
)
@pytest.mark.parametrize(
    ("before", "table"),
    [
        ('"data_fingerprint": "', "study"),
        ('"training.learning_rate": 0.', "trials"),
        ('"test/accuracy": 0.', "trials"),
        ('"val/accuracy": 0.', "measurements"),
    ],
)
def test_flipped_bit_in_a_value_of_the_store_is_detected(
    before: str, table: str, started_run: Path, mxtrials: CommandLine
) -> None:
    store = started_run / "study.db"
    content = bytearray(store.read_bytes())
    for found in re.finditer(re.escape(before.encode()), content):
        content[found.end()] ^= 1
    store.write_bytes(content)
    assert_one_line_error(
        mxtrials("resume", started_run, "--local"), 2, str(store), f"table {table} is not what", "restore it"
    )
    assert store.read_bytes() == content


@fault(
    "Disks and files",
    "an index of `study.db` is damaged, its tables are not",
    seen="`show`, `resume`, `evaluate`, `reproduce`: one-line error naming the index, exit code 2, instead of the "
    "numbers of another epoch; nothing is written to it",
    cost="nothing, once it is restored from a copy",
)
def test_damaged_index_of_the_store_is_detected(started_run: Path, mxtrials: CommandLine) -> None:
    store = started_run / "study.db"
    damage_index(store, INDEXES[0])
    damaged = store.read_bytes()
    for command in (["show"], ["resume", "--local"], ["evaluate"], ["reproduce"]):
        failed = mxtrials(*command, started_run)
        assert_one_line_error(failed, 2, str(store), f"missing from index {INDEXES[0]}", "restore it")
    assert store.read_bytes() == damaged


@fault(
    "Disks and files",
    "`study.db-wal` is deleted after a crash",
    seen="the study is as it was when SQLite last moved its log into `study.db`",
    cost="what was committed after that: keep both files together",
)
def test_store_without_its_log_is_an_older_one(killed_run: Path, mxtrials: CommandLine) -> None:
    (killed_run / "study.db-wal").unlink()
    assert "interrupted (its driver stopped unexpectedly)  0 of " in mxtrials("show", killed_run).stdout


@fault(
    "Disks and files",
    "`spec.yaml` is damaged or missing",
    seen="one-line error naming the file, and the line if it is damaged, exit code 2",
    cost="nothing, once it is restored",
)
@pytest.mark.parametrize(("damage", "words"), [(truncate_line_six, ", line 6: "), (remove, " cannot be read: no such")])
def test_damaged_spec_is_rejected(damage: Damage, words: str, started_run: Path, mxtrials: CommandLine) -> None:
    damage(started_run / "spec.yaml")
    for arguments in (["show"], ["resume", "--local"]):
        assert_one_line_error(mxtrials(*arguments, started_run), 2, f"{started_run}/spec.yaml{words}")


@fault(
    "Disks and files",
    "`environment.json`, tables, TensorBoard's files or the best model are damaged or missing",
    seen="`mxtrials resume` writes them again; `environment.json` as it was, from `study.db`",
    cost="nothing",
)
@pytest.mark.parametrize("damage_environment", [truncate, flip_a_bit, remove])
def test_rebuildable_files_are_rebuilt(
    damage_environment: Damage, undisturbed: Path, mxtrials: CommandLine, tmp_path: Path
) -> None:
    run_dir = shutil.copytree(undisturbed, tmp_path / "run")
    damage_environment(run_dir / "environment.json")
    remove(run_dir / "results.parquet")
    flip_a_bit(run_dir / "metrics.parquet")
    remove(run_dir / "best" / "model-symbol.json")
    for number, damage in enumerate([flip_a_bit, truncate]):
        for events in trial_folder(RunDir(run_dir), number).glob("events.*"):
            damage(events)
    done = mxtrials("resume", run_dir, "--local", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read_results(run_dir) == read_results(undisturbed)
    assert_tensorboard_is_complete(run_dir)
    assert (run_dir / "best" / "model-symbol.json").is_file()
    assert (run_dir / "environment.json").read_bytes() == (undisturbed / "environment.json").read_bytes()


@fault(
    "Disks and files",
    "TensorBoard's files of the best trial are damaged, and the driver that rewrites them is killed before it finishes",
    seen="the next `mxtrials resume` writes what is still missing: predictions and network",
    cost="nothing",
)
def test_files_that_a_killed_driver_did_not_rebuild_are_rebuilt_by_the_next(
    started_run: Path, environment: dict[str, str], mxtrials: CommandLine, tmp_path: Path
) -> None:
    for events in trial_folder(RunDir(started_run), 0).glob("events.*"):
        flip_a_bit(events)
    resume = ("resume", started_run, "--local", "--trials=2", "--quiet")
    killed = ForkedCommand(*resume, folder=tmp_path, environment=environment, run_first=die_in_second_trial)
    assert killed.wait() == -signal.SIGKILL
    done = mxtrials(*resume)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((started_run / "best" / "model.json").read_text())["trial"] == 0
    assert_tensorboard_is_complete(started_run)


@fault(
    "Disks and files",
    "the best model is damaged",
    seen="`predict`: one-line error naming the file, exit code 2; `resume` writes it again",
    cost="nothing",
)
def test_damaged_model_is_rejected(
    started_run: Path, mxtrials: CommandLine, small_dataset: Dataset, tmp_path: Path
) -> None:
    params = started_run / "best" / "model-0000.params"
    flip_a_bit(params)
    Image.fromarray(small_dataset.test.images[0]).save(tmp_path / "digit.png")
    assert_one_line_error(mxtrials("predict", started_run, "digit.png"), 2, f"{params} is damaged")
    assert mxtrials("resume", started_run, "--local").returncode == 0
    assert mxtrials("predict", started_run, "digit.png").returncode == 0
