"""What a power cut would find on the disk: what was forced there, in which order. The cut itself is not caused."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.store.store import Store
from tests.faults.kit.matrix import fault

FULL = 2  # SQLite's number of it
DURABLE = {"write", "fsync", "replace", "rename", "commit"}


def calls_of(action: Callable[[], object]) -> list[str]:
    """What an action asks of the system for its files, in this order; a folder's fsync as `fsync folder`."""
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
    with RunDir.create_atomically(tmp_path / "runs" / "study") as hidden:
        Store.create(hidden.store, "study").close()
    return RunDir(tmp_path / "runs" / "study")


@fault(
    "The driver",
    "a power cut (not caused: the tests show what is forced to the disk, and when)",
    seen="`mxtrials resume` goes on",
    lost="training since the last states; what was committed is on the disk, states before the store knows of them",
)
def test_state_is_on_the_disk_before_the_store_knows_of_it(run_dir: RunDir) -> None:
    checkpoints = Checkpoints(run_dir)
    with closing(Store.open(run_dir.store)) as store:
        (journal,), (synchronous,) = (
            store.connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
        )
        assert (journal, synchronous) == ("wal", FULL)

        def one_epoch() -> None:
            store.begin()
            store.add_trial(0, "mlp", {}, 0)
            checkpoints.save(0, 1, b"state")
            store.commit()

        forced = ["write", "fsync", "replace", "fsync folder"]
        assert calls_of(one_epoch) == ["fsync folder", "fsync folder", *forced, "commit"]  # two folders are new
        assert calls_of(lambda: checkpoints.save(0, 2, b"state")) == forced


def test_run_directory_is_on_the_disk_before_its_first_trial(tmp_path: Path) -> None:
    def begin() -> None:
        with RunDir.create_atomically(tmp_path / "runs" / "study"):
            pass

    assert calls_of(begin) == ["rename", "fsync folder", "fsync folder"]  # `runs` is new, too
