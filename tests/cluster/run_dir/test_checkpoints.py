"""Checkpoints on disk: which are kept, and how damaged ones are handled."""

from pathlib import Path

import numpy as np
import pytest

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from mnist_core.errors import CheckpointError, NotWritable
from mnist_core.model.parameters import weights_sha256
from mnist_core.training.state import TrainingState, pack, unpack


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def checkpoints(run_dir: RunDir) -> Checkpoints:
    return Checkpoints(run_dir)


def state(epoch: int) -> bytes:
    return pack(TrainingState(epoch, float(epoch), np.full(4, epoch, np.float32), ()))


def sha256(epoch: int) -> str:
    return weights_sha256(unpack(state(epoch)).weights)


def newest_epoch(checkpoints: Checkpoints, number: int = 0) -> int | None:
    data = checkpoints.load_newest(number)
    return None if data is None else unpack(data).epoch


def test_trial_without_checkpoints_has_no_newest(checkpoints: Checkpoints) -> None:
    assert checkpoints.load_newest(0) is None
    with pytest.raises(CheckpointError, match="no longer contains the final weights"):
        checkpoints.load_final(0, None)


def test_all_checkpoints_are_kept_until_a_sweep(checkpoints: Checkpoints) -> None:
    for epoch in range(1, 6):
        checkpoints.save(0, epoch, state(epoch))
    assert checkpoints.load_newest(0, at_most=1) == state(1)


def test_sweep_keeps_the_newest_two_checkpoints_beyond_epoch_ten(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    for epoch in range(1, 13):
        checkpoints.save(0, epoch, state(epoch))
    checkpoints.sweep()
    assert sorted(run_dir.trial_checkpoints(0).iterdir()) == [run_dir.checkpoint(0, 11), run_dir.checkpoint(0, 12)]
    assert newest_epoch(checkpoints) == 12
    assert checkpoints.load_final(0, sha256(12)).epoch == 12


def test_checkpoint_of_an_unrecorded_epoch_is_deleted(checkpoints: Checkpoints) -> None:
    for epoch in (3, 4):
        checkpoints.save(0, epoch, state(epoch))
    found = checkpoints.load_newest(0, at_most=3)
    assert found is not None
    assert unpack(found).epoch == 3
    assert newest_epoch(checkpoints) == 3
    assert checkpoints.load_newest(0, at_most=2) is None


def test_damaged_checkpoints_are_reported_and_do_not_block_later_ones(run_dir: RunDir) -> None:
    warnings: list[str] = []
    checkpoints = Checkpoints(run_dir, warnings.append)
    for epoch in (8, 9):
        checkpoints.save(0, epoch, state(epoch))
        run_dir.checkpoint(0, epoch).write_bytes(b"damaged")
    assert checkpoints.load_newest(0) is None
    for epoch, warning in zip((9, 8), warnings, strict=True):
        assert str(run_dir.checkpoint(0, epoch)) in warning
    for epoch in (1, 2, 3):
        checkpoints.save(0, epoch, state(epoch))
        assert newest_epoch(checkpoints) == epoch


def test_checkpoint_saved_twice_replaces_the_first(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    for _ in range(2):
        checkpoints.save(0, 1, state(1))
    assert list(run_dir.trial_checkpoints(0).iterdir()) == [run_dir.checkpoint(0, 1)]


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_checkpoint_before_a_damaged_newest_one_is_loaded(keep: int, checkpoints: Checkpoints, run_dir: RunDir) -> None:
    for epoch in (1, 2):
        checkpoints.save(0, epoch, state(epoch))
    run_dir.checkpoint(0, 2).write_bytes(state(2)[:keep])
    assert newest_epoch(checkpoints) == 1


def test_unreadable_checkpoint_does_not_count_as_damaged(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    checkpoints.save(0, 1, state(1))
    run_dir.checkpoint(0, 2).mkdir()  # a folder, which not even root can read as a file
    with pytest.raises(IsADirectoryError):
        checkpoints.load_newest(0)
    assert run_dir.checkpoint(0, 2).exists()


def test_trial_with_only_damaged_checkpoints_has_none(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    checkpoints.save(0, 1, state(1))
    run_dir.checkpoint(0, 1).write_bytes(b"damaged")
    assert checkpoints.load_newest(0) is None
    with pytest.raises(CheckpointError):
        checkpoints.load_final(0, sha256(1))


def test_older_checkpoint_never_counts_as_the_final_one(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    for epoch in (1, 2):
        checkpoints.save(0, epoch, state(epoch))
    run_dir.checkpoint(0, 2).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="restore it from a copy"):
        checkpoints.load_final(0, sha256(2))


def test_sweep_deletes_the_checkpoints_of_discarded_trials_only(checkpoints: Checkpoints, run_dir: RunDir) -> None:
    for number in (0, 1):
        checkpoints.save(number, 1, state(1))
    checkpoints.discard(0)
    checkpoints.discard(7)
    assert checkpoints.load_newest(0) is not None
    checkpoints.sweep()
    assert not run_dir.trial_checkpoints(0).exists()
    assert newest_epoch(checkpoints, 1) == 1


def test_checkpoint_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match="cannot be created"):
        Checkpoints(RunDir(tmp_path / "file")).save(0, 1, state(1))
