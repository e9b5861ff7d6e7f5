"""The search as the driver sees it: proposals, reports and ends of trials, kept in memory.

It knows nothing that the study store does not: a resumed study tells it again.
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
class _Running:
    """A trial, those that it is compared with, and what was answered to its reports, by epoch."""

    trial: FrozenTrial
    group: PruningGroup
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
        self._kinds = spec.model_kinds
        self._sampler = TrialSampler(spec)
        self._groups: dict[str, PruningGroup] = {}
        self._running: dict[int, _Running] = {}

    def ask(self, number: int) -> dict[str, ParamValue]:
        """The parameters of a new trial, by dotted field name; {} for an empty space.

        Raises:
            ValueError: the trial is running already, or the grid has no such point.
        """
        self._refuse_running(number)
        trial = self._sampler.begin(number)
        params = self._sampler.params(trial)
        self._running[number] = _Running(trial, self._group_of(params))
        return params

    def adopt(self, number: int, params: Params, reported: Mapping[int, float]) -> None:
        """Goes on with a trial that was asked for in an earlier process.

        A resumed study adopts its trials in the order of their numbers, and tells at once how the finished ones ended:
        then the search is what it was.

        Args:
            number: the trial's.
            params: what it was given then.
            reported: its objective by epoch.
        """
        self._refuse_running(number)
        self._running[number] = _Running(self._sampler.begin(number, params), self._group_of(params))
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
            if math.isfinite(value):
                running.trial.intermediate_values[epoch] = value
            running.decisions[epoch] = not math.isfinite(value) or running.group.should_prune(running.trial)
        return running.decisions[epoch]

    def tell(self, number: int, state: TrialState, value: float | None = None) -> None:
        """Ends a trial. A complete trial whose value is not finite counts as failed, so that it is never the best.

        Args:
            number: of a trial that was asked for or adopted.
            state: how it ended: COMPLETE, PRUNED or FAIL.
            value: the objective of a complete trial; otherwise unused.
        """
        running = self._running_trial(number)
        del self._running[number]
        trial = running.trial
        if state is TrialState.COMPLETE and (value is None or not math.isfinite(value)):
            state = TrialState.FAIL
        trial.state = optuna.trial.TrialState[state.name]
        trial.value = value if state is TrialState.COMPLETE else None
        self._sampler.end(trial)
        running.group.end(trial)

    def _running_trial(self, number: int) -> _Running:
        if number not in self._running:
            raise ValueError(f"trial {number} is not running: ask for it or adopt it first")
        return self._running[number]

    def _refuse_running(self, number: int) -> None:
        if number in self._running:
            raise ValueError(f"trial {number} is running already")

    def _group_of(self, params: Params) -> PruningGroup:
        """The trials that one with these parameters competes with."""
        kind = self._kinds[0] if len(self._kinds) == 1 else self._spec.model_kind(params)
        if kind not in self._groups:
            self._groups[kind] = PruningGroup(f"{self._spec.name} {kind}", self._spec.search, self._spec.max_epochs)
        return self._groups[kind]
