"""Opening a study store: other versions, and files that are rejected."""

import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.time_spent import TimeSpent
from cluster.trial import TrialState
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
    assert (reader.spec(), reader.seed_bits()) == (None, 32)
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


@pytest.mark.parametrize("read_only", [True, False])
def test_store_with_damaged_pages_is_rejected(read_only: bool, store: Store, path: Path) -> None:
    for number in range(200):
        store.add_trial(number, "mlp", {"training.learning_rate": 0.1}, seed=number)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(RunDirError, match="cannot be read as a study store"):
        (StudyReader if read_only else Store).open(path)


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_umask_says_who_may_write_to_a_store_and_to_its_log(umask: int, path: Path) -> None:
    before = os.umask(umask)
    try:
        store = Store.create(path, "study")
    finally:
        os.umask(before)
    with closing(store):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["study.db", "study.db-wal", "study.db-shm"], 0o666 & ~umask)


@pytest.mark.parametrize("crashed", [True, False])
def test_store_that_is_opened_again_logs_ahead_and_ends_as_one_file(crashed: bool, store: Store, path: Path) -> None:
    store.add_trial(0, "mlp", {}, seed=0)
    if crashed:  # what a killed writer leaves: a store and its log
        again = path.parent / "copy" / path.name
        again.parent.mkdir()
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(path.parent / name, again.parent / name)
        assert (again.parent / f"{path.name}-wal").stat().st_size > 0
    else:
        store.close()
        again = path
    with closing(Store.open(again)) as writer, closing(StudyReader.open(again)) as reader:
        assert writer.rows("PRAGMA journal_mode")[0][0] == "wal"
        with writer.transaction() as sql:  # a reader waits for no writer
            sql.execute("UPDATE trials SET state = 'RUNNING'")
            assert [trial.state for trial in reader.trials()] == [TrialState.WAITING]
        assert [trial.state for trial in reader.trials()] == [TrialState.RUNNING]
        reader.close()
        writer.add_trial(1, "mlp", {}, seed=1)
        writer.close()
        assert list(again.parent.iterdir()) == [again]
    with StudyReader.open(again) as reader:
        assert [trial.number for trial in reader.trials()] == [0, 1]


def test_store_without_its_study_is_rejected_by_its_path(store: Store, path: Path) -> None:
    store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM study")
    connection.close()
    reader = StudyReader.open(path)
    for read in (reader.study, reader.environment):
        with pytest.raises(RunDirError, match=re.escape(str(path))):
            read()
    reader.close()


def test_store_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match="cannot be created"):
        Store.create(tmp_path / "file" / "study.db", "study")
