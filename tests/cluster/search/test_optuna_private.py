"""The internals of Optuna that the search relies on, in the version that was checked."""

import inspect

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage

from cluster.search.bounded_storage import BoundedStorage
from cluster.search.optuna_private import running_trial


def test_optuna_is_the_version_whose_internals_were_checked() -> None:
    """After an upgrade, compare optuna_private.py and bounded_storage.py with its source, then change the version."""
    assert optuna.__version__ == "5.0.0"


def test_samplers_have_the_private_names_that_the_search_uses() -> None:
    for sampler in (optuna.samplers.RandomSampler(), optuna.samplers.TPESampler()):
        assert isinstance(sampler._rng.rng, np.random.RandomState)
    assert isinstance(optuna.samplers.TPESampler()._random_sampler, optuna.samplers.RandomSampler)


@pytest.mark.parametrize("name", ["get_all_trials", "get_best_trial", "set_trial_system_attr"])
def test_overridden_storage_method_has_the_parameters_of_optunas(name: str) -> None:
    ours = inspect.signature(getattr(BoundedStorage, name))
    theirs = inspect.signature(getattr(InMemoryStorage, name))
    assert list(ours.parameters) == list(theirs.parameters)


def test_running_trial_has_its_number_as_id_and_nothing_else() -> None:
    trial = running_trial(7)
    assert (trial.number, trial._trial_id, trial.state) == (7, 7, optuna.trial.TrialState.RUNNING)
    assert (trial.value, trial.params, trial.intermediate_values) == (None, {}, {})
