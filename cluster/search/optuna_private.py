"""What the search needs from Optuna's internals: samplers that can be reseeded, and trials without a study.

Only this file uses Optuna's private names. tests/cluster/search/test_optuna_private.py names the version it relies on.
"""

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override


def running_trial(number: int) -> FrozenTrial:
    """Returns a running trial without parameters; its id is its number. Optuna's `create_trial` can set neither."""
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


class ReseededRandomSampler(optuna.samplers.RandomSampler):
    """Optuna's random sampler, reseeded for each trial, because a new generator would cost more than the sampling."""

    def seeded(self, seed: int) -> "ReseededRandomSampler":
        """Reseeds and returns this sampler, which then draws like a new one with this seed."""
        self._rng.rng.seed(seed)
        return self


class ReseededTpeSampler(optuna.samplers.TPESampler):
    """Optuna's TPE, reseeded for each trial.

    It is given the parameters that all trials share; Optuna's own searches all trials for them.
    """

    def __init__(self, distributions: dict[str, BaseDistribution], n_startup_trials: int) -> None:
        super().__init__(n_startup_trials=n_startup_trials, constant_liar=True)
        self._startup_sampler = ReseededRandomSampler()
        self._random_sampler = self._startup_sampler
        self._common = {name: each for name, each in distributions.items() if not each.single()}

    def seeded(self, seed: int) -> "ReseededTpeSampler":
        """Reseeds and returns this sampler, which then draws like a new one with this seed."""
        self._rng.rng.seed(seed)
        self._startup_sampler.seeded(seed)
        return self

    @override
    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        del study, trial
        return self._common
