"""A reader beside the writer of a study store: what it sees, and that it leaves the store as it is."""

import sqlite3
from pathlib import Path

import pytest

from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.trial import TrialState


def test_reader_sees_what_is_committed_while_the_writer_continues(store: Store, path: Path) -> None:
    reader = StudyReader.open(path)
    store.add_trial(0, "mlp", {}, seed=0)
    with store.transaction() as sql:
        sql.execute("UPDATE trials SET state = 'RUNNING'")
        assert [trial.state for trial in reader.trials()] == [TrialState.WAITING]
    assert [trial.state for trial in reader.trials()] == [TrialState.RUNNING]
    reader.close()


def test_closed_store_is_one_file_that_can_be_read_without_others(store: Store, path: Path) -> None:
    reader = StudyReader.open(path)
    reader.close()
    store.close()
    assert list(path.parent.iterdir()) == [path]
    StudyReader.open(path).close()
    assert list(path.parent.iterdir()) == [path]


def test_reader_can_continue_after_the_writer_has_closed_the_store(store: Store, path: Path) -> None:
    store.add_trial(0, "mlp", {}, seed=0)
    reader = StudyReader.open(path)
    assert len(reader.trials()) == 1
    store.close()
    assert len(reader.trials()) == 1
    reader.close()


def test_reader_cannot_write(store: Store, path: Path) -> None:
    with StudyReader.open(path) as reader:
        assert not hasattr(reader, "set_study")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.connection.execute("UPDATE study SET state = 'complete'")
