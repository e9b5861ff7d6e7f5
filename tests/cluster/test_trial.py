"""The seeds of a study's trials."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.store.store import Store
from cluster.trial import SeedBits, trial_seed
from tests.faults.kit.first_version import downgrade_store


def test_seeds_of_a_large_study_differ() -> None:
    assert trial_seed(42, 1737, 32) == trial_seed(42, 43705, 32)  # why there are longer ones
    assert len({trial_seed(42, number, 64) for number in range(50_000)}) == 50_000


def test_seeds_of_studies_that_have_started_stay_as_they_were() -> None:
    assert [trial_seed(0, number, 32) for number in range(3)] == [2968811710, 3964924996, 3141116543]


@pytest.mark.parametrize("bits", [32, 64])
@given(st.integers(0, 2**31 - 1), st.integers(0, 1_000_000))
def test_seed_has_no_more_than_its_bits(bits: SeedBits, study_seed: int, number: int) -> None:
    assert 0 <= trial_seed(study_seed, number, bits) < 2**bits


def test_store_tells_which_seeds_its_study_has(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with Store.create(path, "study") as store:
        assert store.seed_bits() == 64
    downgrade_store(path)
    with Store.open(path) as store:
        assert store.seed_bits() == 32


@given(seed=st.integers(0, 2**64 - 1))
def test_seed_comes_back_as_it_was_stored(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Store.create(tmp_path_factory.mktemp("store") / "study.db", "study") as store:
        store.add_trial(0, "mlp", {}, seed)
        assert [trial.seed for trial in store.trials()] == [seed]
