"""Opening a study store: other versions, and files that are rejected."""

import sqlite3
from pathlib import Path

import pytest

from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.time_spent import TimeSpent
from mnist_core.errors import NotWritable, RunDirError
from tests.faults.kit.first_version import downgrade_store


@pytest.mark.parametrize("read_only", [True, False])
def test_store_of_an_unknown_version_is_rejected(read_only: bool, store: Store, path: Path) -> None:
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RunDirError, match="schema version 99, this mxtrials reads versions 1 to 4"):
        (StudyReader if read_only else Store).open(path)


def test_store_of_version_1_is_readable_and_is_migrated_when_it_is_opened_for_writing(store: Store, path: Path) -> None:
    store.add_trial(0, "mlp", {}, seed=0)
    store.close()
    downgrade_store(path)

    reader = StudyReader.open(path)
    assert (len(reader.trials()), reader.times_spent(), reader.environment()) == (1, [], None)
    assert reader.spec() is None
    reader.close()

    spent = TimeSpent(0, 2.0, 1, {"training": 2.0}, {"events": 2.0})
    writer = Store.open(path)
    writer.add_time_spent(spent)
    writer.set_environment("{}")
    assert writer.spec() is None
    writer.set_spec("name: study")
    writer.close()
    again = Store.open(path)
    assert (len(again.trials()), again.times_spent(), again.environment()) == (1, [spent], "{}")
    assert again.spec() == "name: study"
    again.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_missing_store_is_rejected_and_not_created(read_only: bool, path: Path) -> None:
    with pytest.raises(RunDirError, match=r"study\.db cannot be opened"):
        (StudyReader if read_only else Store).open(path)
    assert not path.exists()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"no database at all" * 100])
def test_file_that_is_not_a_store_is_rejected(content: bytes, read_only: bool, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(RunDirError, match=r"study\.db"):
        (StudyReader if read_only else Store).open(path)


def test_store_with_damaged_pages_is_rejected_when_it_is_read(store: Store, path: Path) -> None:
    for number in range(200):
        store.add_trial(number, "mlp", {"training.learning_rate": 0.1}, seed=number)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    damaged = StudyReader.open(path)
    with pytest.raises(RunDirError, match="cannot be read as a study store"):
        damaged.trials()
    damaged.close()


def test_store_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match="cannot be created"):
        Store.create(tmp_path / "file" / "study.db", "study")
