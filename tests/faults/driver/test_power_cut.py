"""What a power cut would find on the disk: what was synced, in which order. The cut itself is not caused."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.creation import create_atomically
from cluster.run_dir.paths import RunDir
from cluster.store.store import Store
from tests.faults.kit.matrix import fault

FULL = 2  # SQLite's number for synchronous=FULL
DURABLE = {"write", "fsync", "replace", "rename", "commit"}


def calls_of(action: Callable[[], object]) -> list[str]:
    """The calls of DURABLE that an action makes, in order; the fsync of a folder is `fsync folder`."""
    calls: list[str] = []

    def profile(frame: FrameType, event: str, function: object) -> None:
        name = getattr(function, "__name__", "")
        if event == "c_call" and name in DURABLE:
            calls.append(f"{name} folder" if frame.f_code.co_name == "sync_folder" else name)

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    with create_atomically(tmp_path / "runs" / "study") as hidden:
        Store.create(hidden.store, "study").close()
    return RunDir(tmp_path / "runs" / "study")


@fault(
    "The driver",
    "a power cut (not caused: the tests check what is synced to disk, and in which order)",
    seen="`mxtrials resume` continues",
    cost="training since the last checkpoints; every commit is on disk, every checkpoint before the store refers to it",
)
def test_checkpoint_is_synced_before_the_store_refers_to_it(run_dir: RunDir) -> None:
    checkpoints = Checkpoints(run_dir)
    with closing(Store.open(run_dir.store)) as store:
        (journal,), (synchronous,) = (
            store.connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
        )
        assert (journal, synchronous) == ("wal", FULL)

        def save_epoch() -> None:
            store.begin()
            store.add_trial(0, "mlp", {}, 0)
            checkpoints.save(0, 1, b"state")
            store.commit()

        save = ["write", "fsync", "replace", "fsync folder"]
        assert calls_of(save_epoch) == ["fsync folder", "fsync folder", *save, "commit"]  # two folders are new
        assert calls_of(lambda: checkpoints.save(0, 2, b"state")) == save


def test_run_directory_is_synced_before_its_first_trial(tmp_path: Path) -> None:
    def create() -> None:
        with create_atomically(tmp_path / "runs" / "study"):
            pass

    assert calls_of(create) == ["rename", "fsync folder", "fsync folder"]  # `runs` is new too
