"""The driver's interface to the search: ask for parameters, report values, tell how trials ended.

A search is kept in memory only; a resumed study restores it from its store, which holds all that it depends on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna
from optuna.trial import FrozenTrial

from cluster.search.pruning import PruningGroup
from cluster.search.sampling import TrialSampler
from cluster.spec.space import Params, ParamValue
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState


@dataclass(frozen=True)
class _ActiveTrial:
    """A trial that was asked for or adopted and has not ended.

    Attributes:
        group: the trials that it is compared with.
        decisions: reported epoch -> whether the trial was to stop.
    """

    trial: FrozenTrial
    group: PruningGroup
    decisions: dict[int, bool] = field(default_factory=dict)


class Search:
    """Proposes parameters and decides which trials to stop.

    The parameters of trial n depend on the spec's seed, on n and on what was reported and told before, never on how
    often or in which process they were asked for; with `random`, `grid` and `qmc`, only on the seed and n. A trial is
    compared only with trials of the same kind of network, because kinds learn at different speeds.

    Example:
        >>> space = {"model.activation": {"choices": ["relu", "tanh"]}}
        >>> search = Search(StudySpec.model_validate({"name": "study", "search": {"space": space}}))
        >>> list(search.ask(0))
        ['model.activation']
        >>> search.report(0, epoch=1, value=0.95)  # whether to stop the trial
        False
        >>> search.tell(0, TrialState.COMPLETE, 0.95)
    """

    def __init__(self, spec: StudySpec) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._spec = spec
        self._kinds = spec.model_kinds
        self._sampler = TrialSampler(spec)
        self._groups: dict[str, PruningGroup] = {}
        self._active: dict[int, _ActiveTrial] = {}

    def ask(self, number: int) -> dict[str, ParamValue]:
        """Proposes the parameters of a new trial: dotted field name -> value; {} for an empty space.

        Raises:
            ValueError: the trial is already running, or the grid has no such point.
        """
        self._check_not_running(number)
        trial = self._sampler.start(number)
        params = self._sampler.params(trial)
        self._active[number] = _ActiveTrial(trial, self._group_of(params))
        return params

    def adopt(self, number: int, params: Params, reported: Mapping[int, float]) -> None:
        """Continues a trial that an earlier process asked for.

        To restore the search, a resumed study adopts its trials in the order of their numbers, and immediately tells
        how each finished one ended.

        Args:
            number: the trial's number.
            params: the parameters that were proposed for it.
            reported: epoch -> the objective that it reported; without an epoch in which it diverged.

        Raises:
            ValueError: the trial is already running, or a value of `params` is not in the space.
        """
        self._check_not_running(number)
        self._active[number] = _ActiveTrial(self._sampler.start(number, params), self._group_of(params))
        for epoch in sorted(reported):
            self.report(number, epoch, reported[epoch])
        # The pruner needs all reports, but its answers now depend on this order. The store commits an epoch together
        # with the end of its trial, so a trial that has not ended has survived every epoch that it reported.
        self._active[number].decisions.update(dict.fromkeys(reported, False))

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Records the objective after an epoch; returns whether to stop the trial.

        If a retried or resumed trial reports an epoch again, that changes nothing and returns the same answer. A value
        that is not finite stops the trial, and neither the sampler nor the pruner sees it.
        """
        active = self._active_trial(number)
        if epoch not in active.decisions:
            if math.isfinite(value):
                active.trial.intermediate_values[epoch] = value
            active.decisions[epoch] = not math.isfinite(value) or active.group.should_prune(active.trial)
        return active.decisions[epoch]

    def bound(self, number: int) -> float | None:
        """Returns what a trial had to reach to continue, after `report` said to stop it; None if that is no value.

        Raises:
            ValueError: the trial is not running.
        """
        active = self._active_trial(number)
        return active.group.bound(active.trial)

    def tell(self, number: int, state: TrialState, value: float | None = None) -> None:
        """Ends a trial. A complete trial whose value is not finite counts as failed, so that it is never the best.

        Args:
            number: the number of a trial that was asked for or adopted.
            state: how it ended: COMPLETE, PRUNED or FAIL.
            value: the objective of a complete trial; otherwise unused.

        Raises:
            ValueError: the trial is not running.
        """
        active = self._active_trial(number)
        del self._active[number]
        trial = active.trial
        if state is TrialState.COMPLETE and (value is None or not math.isfinite(value)):
            state = TrialState.FAIL
        trial.state = optuna.trial.TrialState[state.name]
        trial.value = value if state is TrialState.COMPLETE else None
        self._sampler.finish(trial)
        active.group.finish(trial)

    def _active_trial(self, number: int) -> _ActiveTrial:
        if number not in self._active:
            raise ValueError(f"trial {number} is not running: ask for it or adopt it first")
        return self._active[number]

    def _check_not_running(self, number: int) -> None:
        if number in self._active:
            raise ValueError(f"trial {number} is already running")

    def _group_of(self, params: Params) -> PruningGroup:
        """Returns the group of trials with the same kind of network as these parameters."""
        kind = self._kinds[0] if len(self._kinds) == 1 else self._spec.model_kind(params)
        if kind not in self._groups:
            self._groups[kind] = PruningGroup(f"{self._spec.name} {kind}", self._spec.search, self._spec.max_epochs)
        return self._groups[kind]
