"""A damaged study store is read or rejected with an expected error, whatever the damage."""

from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.time_spent import TimeSpent
from cluster.trial import TrialState
from mnist_core.errors import NotWritable, RunDirError
from mnist_core.measurement import Measurement
from tests.support.damaged_index import INDEXES, damage_index

CONFUSION = {"digit": tuple(tuple(range(10)) for _ in range(10))}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a store of four trials."""
    path = tmp_path_factory.mktemp("intact") / "study.db"
    with closing(Store.create(path, "study", '{"data_fingerprint": "abcd"}', "name: study")) as store:
        for number in range(4):
            store.add_trial(number, "mlp", {"training.learning_rate": 0.1}, seed=number)
            store.start_attempt(number, "cpu-0")
            for epoch in (1, 2):
                store.add_measurement(number, Measurement(epoch, {"val/loss": 1.0}, float(epoch), CONFUSION), 1.0)
            store.finish_trial(number, TrialState.COMPLETE, 1.0, "ab" * 32)
        store.set_test(0, {"test/accuracy": 0.5})
        store.add_time_spent(TimeSpent(0, 2.0, 1, {"training": 2.0}, {"events": 2.0}))
    return path.read_bytes()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "study.db"


@example(start=0.0, length=1, change=lambda piece: b"")
@example(start=0.0, length=10**6, change=lambda piece: b"")
@given(
    start=st.floats(0, 1),
    length=st.sampled_from([1, 1, 16, 512, 4096]),
    change=st.sampled_from(
        [
            lambda piece: bytes(len(piece)),
            lambda piece: bytes(byte ^ 1 for byte in piece),
            lambda piece: bytes(byte ^ 128 for byte in piece),
            lambda piece: bytes(reversed(piece)),
            lambda piece: b"",
        ]
    ),
)
@pytest.mark.parametrize("read_only", [True, False])
def test_damaged_store_is_read_or_rejected(
    start: float, length: int, change: object, intact: bytes, damaged: Path, read_only: bool
) -> None:
    assert callable(change)
    begin = int(start * len(intact))
    end = min(len(intact), begin + length)
    for log in damaged.parent.iterdir():
        log.unlink()
    damaged.write_bytes(intact[:begin] + change(intact[begin:end]) + intact[end:])
    with suppress(RunDirError, NotWritable), closing((StudyReader if read_only else Store).open(damaged)) as store:
        store.study()
        store.environment()
        store.spec()
        for trial in store.trials():
            store.measurements(trial.number)
        store.times_spent()
        if isinstance(store, Store):
            store.add_trial(9, "mlp", {}, seed=1)
            store.start_attempt(9, "cpu-0")
            store.finish_trial(9, TrialState.COMPLETE, 1.0, "ab" * 32)


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_store_with_a_flipped_bit_is_unchanged_or_rejected(place: int, bit: int, intact: bytes, damaged: Path) -> None:
    for log in damaged.parent.iterdir():
        log.unlink()
    used = [position for position, byte in enumerate(intact) if byte]
    content = bytearray(intact)
    damaged.write_bytes(intact)
    with closing(Store.open(damaged)) as store:
        expected = contents_of(store)
    content[used[place % len(used)]] ^= 1 << bit
    damaged.write_bytes(content)
    with suppress(RunDirError, NotWritable), closing(Store.open(damaged)) as store:
        assert contents_of(store) == expected


@pytest.mark.parametrize("name", [b"study_spec", b"times_spent", b"environment TEXT"])
def test_name_in_the_schema_that_becomes_a_capital_hides_nothing(name: bytes, intact: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(intact)
    with StudyReader.open(path) as reader:
        expected = reader.spec(), reader.seed_bits(), reader.environment(), reader.times_spent()
    assert all(expected)
    path.write_bytes(intact.replace(name, name.capitalize()))
    with StudyReader.open(path) as reader:
        assert (reader.spec(), reader.seed_bits(), reader.environment(), reader.times_spent()) == expected


def test_reader_rejects_a_spec_with_a_flipped_bit(intact: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(intact.replace(b"name: study", b"name: sTudy"))
    with StudyReader.open(path) as reader, pytest.raises(RunDirError, match="table study_spec is not what was written"):
        reader.spec()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("index", INDEXES)
def test_index_that_leads_to_another_row_is_rejected(
    index: str, read_only: bool, intact: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(intact)
    damage_index(path, index)
    with pytest.raises(RunDirError, match=rf"cannot be read as a study store \(row \d+ missing from index {index}\)"):
        (StudyReader if read_only else Store).open(path)


def contents_of(store: Store) -> object:
    trials = store.trials()
    return store.study(), store.spec(), trials, [store.measurements(trial.number) for trial in trials]
