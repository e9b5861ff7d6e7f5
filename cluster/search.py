"""Who proposes a study's trials and who stops them early: Optuna by ask-and-tell, kept in memory.

The only importer of Optuna. It knows nothing that the study store does not: a resumed study tells it again.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from cluster import strategies
from cluster.space import Choices, Params, ParamValue, Range, canonical, grid_point, point_at
from cluster.study_spec import StudySpec

Outcome = Literal["complete", "pruned", "fail"]
SAMPLING = 1

_PRUNERS: Mapping[str, Callable[..., optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "asha": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "threshold": optuna.pruners.ThresholdPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
    "patient": optuna.pruners.PatientPruner,
}


@dataclass(frozen=True)
class _Running:
    """A trial twice: `trial` among all, for the sampler; `rival` among its network's kind, for the pruner."""

    trial: optuna.Trial
    rival: optuna.Trial
    decisions: dict[int, bool] = field(default_factory=dict)


class Search:
    """Proposes parameters and decides which trials to stop.

    What trial n is given depends on the spec's seed, on n and on what was told before, never on how often or in which
    process it was asked; `random`, `grid` and `qmc` depend on the seed and n alone. A trial is compared only with
    trials of the same kind of network, because kinds learn at different speeds.
    """

    def __init__(self, spec: StudySpec) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._spec = spec
        self._distributions = {name: _distribution(entry) for name, entry in spec.search.space.items()}
        self._study = optuna.create_study(
            direction=spec.search.direction, sampler=optuna.samplers.RandomSampler(seed=0)
        )
        self._leagues: dict[str, optuna.Study] = {}
        self._running: dict[int, _Running] = {}

    def ask(self, number: int) -> dict[str, ParamValue]:
        """The parameters of a new trial, by dotted field name; {} for an empty space.

        Raises:
            ValueError: the trial is running already, or the grid has no such point.
        """
        match self._spec.search.sampler:
            case strategies.GridSampler():
                return self._start(number, grid_point(self._spec.search.space, number))
            case strategies.QmcSampler():
                return self._start(number, _sobol_point(self._spec, number))
            case _:
                with _quiet():
                    self._study.sampler = _sampler(self._spec, number, self._distributions)
                return self._start(number, None)

    def adopt(self, number: int, params: Params, reported: Mapping[int, float]) -> None:
        """Goes on with a trial that was asked for in an earlier process.

        A resumed study adopts its trials in the order of their numbers, and tells at once how the finished ones ended:
        then the search is what it was.

        Args:
            number: the trial's.
            params: what it was given then.
            reported: its objective by epoch.
        """
        self._start(number, params)
        for epoch in sorted(reported):
            self.report(number, epoch, reported[epoch])
        # It went on after all of them but the last, whatever they would be answered in this order of reports.
        self._running[number].decisions.update(dict.fromkeys(sorted(reported)[:-1], False))

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Takes the objective after an epoch and says whether to stop the trial now.

        An epoch that was reported before, by a trial that was retried or resumed, changes nothing and gives the same
        answer again. A value that is not finite stops the trial, and neither sampler nor pruner learns it.
        """
        running = self._running_trial(number)
        if epoch not in running.decisions:
            running.decisions[epoch] = not math.isfinite(value) or self._is_beaten(running, epoch, value)
        return running.decisions[epoch]

    def tell(self, number: int, outcome: Outcome, value: float | None = None) -> None:
        """Ends a trial. A complete trial whose value is not finite counts as failed, so that it is never the best.

        Args:
            number: of a trial that was asked for or adopted.
            outcome: how it ended.
            value: the objective of a complete trial; otherwise unused.
        """
        running = self._running_trial(number)
        del self._running[number]
        is_complete = outcome == "complete" and value is not None and math.isfinite(value)
        state = optuna.trial.TrialState["FAIL" if outcome == "complete" and not is_complete else outcome.upper()]
        for trial in (running.trial, running.rival):
            trial.study.tell(trial, value if is_complete else None, state=state)

    def _running_trial(self, number: int) -> _Running:
        if number not in self._running:
            raise ValueError(f"trial {number} is not running: ask for it or adopt it first")
        return self._running[number]

    def _start(self, number: int, fixed: Params | None) -> dict[str, ParamValue]:
        if number in self._running:
            raise ValueError(f"trial {number} is running already")
        if fixed is not None:
            self._study.enqueue_trial(self._encoded(fixed))
        with _quiet():
            trial = self._study.ask(self._distributions)
        params = self._decoded(trial.params)
        self._running[number] = _Running(trial, self._league(params).ask())
        return params

    def _is_beaten(self, running: _Running, epoch: int, value: float) -> bool:
        running.trial.report(value, epoch)
        running.rival.report(value, epoch)
        with _quiet():
            return running.rival.should_prune()

    def _league(self, params: Params) -> optuna.Study:
        """The trials that one with these parameters competes with."""
        kind = self._spec.resolve(params)[0].kind
        if kind not in self._leagues:
            search = self._spec.search
            with _quiet():
                pruner = _pruner(search.pruner, self._spec.max_epochs)
            self._leagues[kind] = optuna.create_study(
                # Hyperband draws a trial's bracket from the study's name.
                study_name=f"{self._spec.name} {kind}",
                direction=search.direction,
                pruner=pruner,
            )
        return self._leagues[kind]

    def _encoded(self, params: Params) -> dict[str, int | float]:
        space = self._spec.search.space
        return {name: _encoded(space[name], value) for name, value in params.items() if name in space}

    def _decoded(self, params: Mapping[str, int | float]) -> dict[str, ParamValue]:
        return {name: _decoded(entry, params[name]) for name, entry in self._spec.search.space.items()}


def _encoded(entry: Range | Choices, value: ParamValue) -> int | float:
    if isinstance(entry, Choices):
        return [canonical(choice) for choice in entry.choices].index(canonical(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not in a range")
    return value if entry.step is None else round((value - entry.low) / entry.step)


def _decoded(entry: Range | Choices, code: int | float) -> ParamValue:
    return code if isinstance(entry, Range) and entry.step is None else entry.nth(int(code))


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


class _TpeSampler(optuna.samplers.TPESampler):
    """Optuna's, told which parameters all trials share: to find that out takes it longer than to use it."""

    def __init__(self, distributions: dict[str, BaseDistribution], seed: int, n_startup_trials: int) -> None:
        super().__init__(seed=seed, n_startup_trials=n_startup_trials, constant_liar=True)
        self._shared = {name: each for name, each in distributions.items() if not each.single()}

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        del study, trial
        return self._shared


def _sampler(spec: StudySpec, number: int, space: dict[str, BaseDistribution]) -> optuna.samplers.BaseSampler:
    """A sampler of its own for each trial: what it draws cannot depend on earlier draws, which no store keeps."""
    # SAMPLING keeps it apart from the trial's own seed, which draws the initial weights.
    seed = int(np.random.SeedSequence([spec.seed, number, SAMPLING]).generate_state(1)[0])
    match spec.search.sampler:
        case strategies.TpeSampler(n_startup_trials=count):
            return _TpeSampler(space, seed, count)
        case strategies.CmaesSampler(n_startup_trials=count):
            return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=count, warn_independent_sampling=False)
        case strategies.GpSampler(n_startup_trials=count):
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=count)
        case _:
            return optuna.samplers.RandomSampler(seed=seed)


def _sobol_point(spec: StudySpec, number: int) -> dict[str, ParamValue]:
    """Point `number` of the scrambled Sobol sequence of the spec's seed."""
    from scipy.stats import qmc  # slow to import, and no other sampler needs it

    space = spec.search.space
    sequence = qmc.Sobol(max(len(space), 1), scramble=True, seed=spec.seed)
    if number:  # the sequence refuses to go forward by nothing
        sequence.fast_forward(number)
    return point_at(space, sequence.random(1)[0][: len(space)].tolist())


def _pruner(config: strategies.PrunerConfig, max_epochs: int) -> optuna.pruners.BasePruner:
    options = config.model_dump(exclude={"kind", "wrapped"})
    if isinstance(config, strategies.HyperbandPruner):
        options["max_resource"] = max(max_epochs, config.min_resource)
    if isinstance(config, strategies.PatientPruner):
        options["wrapped_pruner"] = None if config.wrapped is None else _pruner(config.wrapped, max_epochs)
    return _PRUNERS[config.kind](**options)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna warns of what it calls experimental, and where a pruner abstains; the spec's author asked for both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
