"""Samples the parameters of a study's trials: with Optuna's samplers, from the grid, or from Sobol points."""

from collections.abc import Callable

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import assert_never

from cluster.search.bounded_storage import BoundedStorage, Window, silence_optuna
from cluster.search.optuna_private import ReseededRandomSampler, ReseededTpeSampler, running_trial
from cluster.spec import strategies
from cluster.spec.space import Choices, Params, ParamValue, Range, canonical_json, grid_point, point_at
from cluster.spec.study_spec import StudySpec

_SAMPLING_STREAM = 1  # makes a sampler's random numbers independent of its trial's initial weights
_STUDY_NAME = "study"
_NO_PRUNER = optuna.pruners.NopPruner()


class TrialSampler:
    """Samples the parameters of new trials, each with its own seed, from what a bounded storage keeps of the others."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._distributions = {name: _distribution(entry) for name, entry in spec.search.space.items()}
        self._storage = BoundedStorage(spec.search.direction, _window(spec.search.sampler))
        with silence_optuna():
            self._seeded_sampler = _seeded_sampler(spec.search.sampler, self._distributions)
        optuna.create_study(
            study_name=_STUDY_NAME, storage=self._storage, direction=StudyDirection[spec.search.direction.name]
        )

    def start(self, number: int, params: Params | None = None) -> FrozenTrial:
        """Starts a trial.

        Args:
            number: the trial's number.
            params: the trial's parameters; None to sample them.

        Raises:
            ValueError: the grid has no such point, or a value of `params` is not in the space.
        """
        trial = running_trial(number)
        self._storage.start(trial)
        trial.params = self._encoded(params) if params is not None else self._sample(trial)
        trial.distributions = self._distributions
        return trial

    def finish(self, trial: FrozenTrial) -> None:
        """Records a finished trial."""
        self._storage.finish(trial)

    def params(self, trial: FrozenTrial) -> dict[str, ParamValue]:
        """Returns the parameters of a trial started here: dotted field name -> value."""
        return {name: _decoded(entry, trial.params[name]) for name, entry in self._spec.search.space.items()}

    def _sample(self, trial: FrozenTrial) -> dict[str, int | float]:
        match self._spec.search.sampler:
            case strategies.GridSampler():
                return self._encoded(grid_point(self._spec.search.space, trial.number))
            case strategies.QmcSampler():
                return self._encoded(_sobol_point(self._spec, trial.number))
            case _:
                return self._ask_optuna(trial)

    def _ask_optuna(self, trial: FrozenTrial) -> dict[str, int | float]:
        """Asks an Optuna sampler the way an Optuna study does."""
        with silence_optuna():
            sampler = self._seeded_sampler(sampling_seed(self._spec.seed, trial.number))
            # A study caches the trials that it has read, so each trial needs a new study.
            study = optuna.load_study(study_name=_STUDY_NAME, storage=self._storage, sampler=sampler, pruner=_NO_PRUNER)
            codes = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
            for name, distribution in self._distributions.items():
                if distribution.single():
                    codes[name] = 0  # a single choice; ranges always have several values
                elif name not in codes:
                    codes[name] = sampler.sample_independent(study, trial, name, distribution)
        return codes

    def _encoded(self, params: Params) -> dict[str, int | float]:
        space = self._spec.search.space
        return {name: _encoded(space[name], value) for name, value in params.items() if name in space}


def sampling_seed(study_seed: int, number: int) -> int:
    """Returns the seed of the sampler for one trial; independent of the trial's own seed.

    Each trial has its own, so that its parameters do not depend on earlier draws, which the store does not record.
    """
    return int(np.random.SeedSequence([study_seed, number, _SAMPLING_STREAM]).generate_state(1)[0])


def _encoded(entry: Range | Choices, value: ParamValue) -> int | float:
    if isinstance(entry, Choices):
        return [canonical_json(choice) for choice in entry.choices].index(canonical_json(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not in a range")
    return value if entry.step is None else round((value - entry.low) / entry.step)


def _decoded(entry: Range | Choices, code: int | float) -> ParamValue:
    return code if isinstance(entry, Range) and entry.step is None else entry.nth(int(code))


def _window(sampler: strategies.SamplerConfig) -> Window:
    """Returns which finished trials a sampler sees: at least its `n_startup_trials`, or it would never start.

    Optuna's TPE counts one trial in ten as good, up to 25, which takes 250 trials, and gives the others less weight the
    older they are. CMA-ES needs its generation. random, grid and qmc need none.
    """
    match sampler:
        case strategies.TpeSampler():
            return Window((TrialState.COMPLETE, TrialState.PRUNED), best=25, newest=max(225, sampler.n_startup_trials))
        case strategies.GpSampler():
            return Window((TrialState.COMPLETE,), best=25, newest=max(225, sampler.n_startup_trials))
        case strategies.CmaesSampler():
            return Window((TrialState.COMPLETE,), newest=max(500, sampler.n_startup_trials))
        case strategies.RandomSampler() | strategies.GridSampler() | strategies.QmcSampler():
            return Window()
        case _:
            assert_never(sampler)


def _distribution(entry: Range | Choices) -> BaseDistribution:
    """Returns the distribution of an entry's codes. Optuna sees only these: a choice's or step's index, or the value.

    Optuna's own choices cannot be lists or mappings and confuse 1 with true; its float steps are inexact.
    """
    if isinstance(entry, Choices):
        return CategoricalDistribution(range(entry.size))
    if entry.step is not None:
        return IntDistribution(0, (entry.size or 1) - 1)
    if entry.is_integer:
        return IntDistribution(int(entry.low), int(entry.high), log=entry.log)
    return FloatDistribution(entry.low, entry.high, log=entry.log)


def _seeded_sampler(
    config: strategies.SamplerConfig, space: dict[str, BaseDistribution]
) -> Callable[[int], BaseSampler]:
    """Returns a function that returns the sampler for a seed."""
    match config:
        case strategies.TpeSampler(n_startup_trials=count):
            return ReseededTpeSampler(space, count).seeded
        case strategies.CmaesSampler(n_startup_trials=count):
            return lambda seed: CmaEsSampler(seed=seed, n_startup_trials=count, warn_independent_sampling=False)
        case strategies.GpSampler(n_startup_trials=count):
            return lambda seed: GPSampler(seed=seed, n_startup_trials=count)
        case strategies.RandomSampler() | strategies.GridSampler() | strategies.QmcSampler():
            return ReseededRandomSampler().seeded
        case _:
            assert_never(config)


def _sobol_point(spec: StudySpec, number: int) -> dict[str, ParamValue]:
    """Returns point `number` of the scrambled Sobol sequence for the spec's seed."""
    from scipy.stats import qmc  # slow to import, and no other sampler needs it

    space = spec.search.space
    sequence = qmc.Sobol(max(len(space), 1), scramble=True, seed=spec.seed)
    if number:  # fast_forward(0) raises
        sequence.fast_forward(number)
    return point_at(space, sequence.random(1)[0][: len(space)].tolist())
