"""Who proposes a study's trials: Optuna's samplers over a bounded history, the grid, and Sobol points."""

from collections.abc import Callable

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from cluster.search.bounded_storage import BoundedStorage, Window, silence_optuna
from cluster.search.optuna_private import ReseededRandomSampler, ReseededTpeSampler, running_trial
from cluster.spec import strategies
from cluster.spec.space import Choices, Params, ParamValue, Range, canonical_json, grid_point, point_at
from cluster.spec.study_spec import StudySpec

_SAMPLING = 1
_STUDY = "proposals"
_NO_PRUNER = optuna.pruners.NopPruner()
_COMPLETE, _PRUNED = TrialState.COMPLETE, TrialState.PRUNED


class TrialSampler:
    """Parameters of new trials, each from a sampler of its own, which is told of the trials in a bounded history."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._distributions = {name: _distribution(entry) for name, entry in spec.search.space.items()}
        self._storage = BoundedStorage(spec.search.direction, _window(spec.search.sampler))
        with silence_optuna():
            self._sampler_of = _samplers(spec.search.sampler, self._distributions)
        optuna.create_study(
            study_name=_STUDY, storage=self._storage, direction=StudyDirection[spec.search.direction.name]
        )

    def begin(self, number: int, fixed: Params | None = None) -> FrozenTrial:
        """A running trial with parameters for `number`, or with the given ones.

        Raises:
            ValueError: the grid has no such point, or a given value is not in the space.
        """
        trial = running_trial(number)
        self._storage.begin(trial)
        trial.params = self._encoded(fixed) if fixed is not None else self._proposed(trial)
        trial.distributions = self._distributions
        return trial

    def end(self, trial: FrozenTrial) -> None:
        """Takes a trial whose state is final."""
        self._storage.end(trial)

    def params(self, trial: FrozenTrial) -> dict[str, ParamValue]:
        """The parameters of a trial that began here, by dotted field name."""
        return {name: _decoded(entry, trial.params[name]) for name, entry in self._spec.search.space.items()}

    def _proposed(self, trial: FrozenTrial) -> dict[str, int | float]:
        match self._spec.search.sampler:
            case strategies.GridSampler():
                return self._encoded(grid_point(self._spec.search.space, trial.number))
            case strategies.QmcSampler():
                return self._encoded(_sobol_point(self._spec, trial.number))
            case _:
                return self._sampled(trial)

    def _sampled(self, trial: FrozenTrial) -> dict[str, int | float]:
        """Asks a sampler as Optuna's study does."""
        with silence_optuna():
            sampler = self._sampler_of(sampling_seed(self._spec.seed, trial.number))
            # A study remembers the trials that it has read, so each proposal gets a new one.
            study = optuna.load_study(study_name=_STUDY, storage=self._storage, sampler=sampler, pruner=_NO_PRUNER)
            codes = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
            for name, distribution in self._distributions.items():
                if distribution.single():
                    codes[name] = 0  # the only choice; no range has a single value
                elif name not in codes:
                    codes[name] = sampler.sample_independent(study, trial, name, distribution)
        return codes

    def _encoded(self, params: Params) -> dict[str, int | float]:
        space = self._spec.search.space
        return {name: _encoded(space[name], value) for name, value in params.items() if name in space}


def sampling_seed(study_seed: int, number: int) -> int:
    """The seed of a trial's sampler: what it draws cannot depend on earlier draws, which no store keeps.

    It is independent of the trial's own seed, which draws the initial weights.
    """
    return int(np.random.SeedSequence([study_seed, number, _SAMPLING]).generate_state(1)[0])


def _encoded(entry: Range | Choices, value: ParamValue) -> int | float:
    if isinstance(entry, Choices):
        return [canonical_json(choice) for choice in entry.choices].index(canonical_json(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not in a range")
    return value if entry.step is None else round((value - entry.low) / entry.step)


def _decoded(entry: Range | Choices, code: int | float) -> ParamValue:
    return code if isinstance(entry, Range) and entry.step is None else entry.nth(int(code))


def _window(sampler: strategies.SamplerConfig) -> Window:
    """What a sampler is shown: at least as many trials as it wants to see before it begins.

    Optuna's TPE counts one trial in ten as good, but at most 25, so that 250 hold them all, and weighs the others the
    less the older they are. CMA-ES looks at its generation. random, grid and qmc look at no history.
    """
    match sampler:
        case strategies.TpeSampler():
            return Window((_COMPLETE, _PRUNED), best=25, newest=max(225, sampler.n_startup_trials))
        case strategies.GpSampler():
            return Window((_COMPLETE,), best=25, newest=max(225, sampler.n_startup_trials))
        case strategies.CmaesSampler():
            return Window((_COMPLETE,), newest=max(500, sampler.n_startup_trials))
        case _:
            return Window()


def _distribution(entry: Range | Choices) -> BaseDistribution:
    """For Optuna a choice is its index, and so is a step of a range.

    Optuna's choices are neither lists nor mappings, and take 1 and true for the same; its float steps are inexact.
    """
    if isinstance(entry, Choices):
        return CategoricalDistribution(range(entry.size))
    if entry.step is not None:
        return IntDistribution(0, (entry.size or 1) - 1)
    if entry.is_integer:
        return IntDistribution(int(entry.low), int(entry.high), log=entry.log)
    return FloatDistribution(entry.low, entry.high, log=entry.log)


def _samplers(config: strategies.SamplerConfig, space: dict[str, BaseDistribution]) -> Callable[[int], BaseSampler]:
    """A sampler for each seed."""
    match config:
        case strategies.TpeSampler(n_startup_trials=count):
            return ReseededTpeSampler(space, count).seeded
        case strategies.CmaesSampler(n_startup_trials=count):
            return lambda seed: CmaEsSampler(seed=seed, n_startup_trials=count, warn_independent_sampling=False)
        case strategies.GpSampler(n_startup_trials=count):
            return lambda seed: GPSampler(seed=seed, n_startup_trials=count)
        case _:
            return ReseededRandomSampler().seeded


def _sobol_point(spec: StudySpec, number: int) -> dict[str, ParamValue]:
    """Point `number` of the scrambled Sobol sequence of the spec's seed."""
    from scipy.stats import qmc  # slow to import, and no other sampler needs it

    space = spec.search.space
    sequence = qmc.Sobol(max(len(space), 1), scramble=True, seed=spec.seed)
    if number:  # the sequence refuses to go forward by nothing
        sequence.fast_forward(number)
    return point_at(space, sequence.random(1)[0][: len(space)].tolist())
