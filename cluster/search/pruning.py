"""Decides which trials to stop early, as Optuna's pruners do.

Optuna's asha, hyperband, median and percentile read all trials at each report. The versions here give the same answers
from sorted lists, in a time that hardly grows with the number of trials; tests compare them. The rest are Optuna's.
"""

import math
from array import array
from binascii import crc32
from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from cluster.search.bounded_storage import BoundedStorage, Window, silence_optuna
from cluster.spec import strategies
from cluster.spec.study_spec import SearchSpec

# Where a pruner notes, among a trial's attributes, the objective that it had to reach.
_BOUND = "bound"


class PruningGroup:
    """Trials that are compared with each other.

    Args:
        name: the group's name; hyperband draws a trial's bracket from it and the trial's number.
        search: the objective and the pruner.
        max_epochs: the most epochs that a trial may train; hyperband's brackets depend on it.
    """

    def __init__(self, name: str, search: SearchSpec, max_epochs: int) -> None:
        self._pruner_config = search.pruner
        self._complete = _CompleteTrials()
        self._storage = BoundedStorage(search.direction, Window((TrialState.COMPLETE,), best=1))
        with silence_optuna():
            self._pruner = _pruner(search.pruner, max_epochs, self._complete)
        direction = StudyDirection[search.direction.name]
        self._study = optuna.create_study(study_name=name, storage=self._storage, direction=direction)

    def should_prune(self, trial: FrozenTrial) -> bool:
        """Returns whether to stop a trial after its last reported epoch; its report counts for later trials."""
        with silence_optuna():
            return self._pruner.prune(self._study, trial)

    def bound(self, trial: FrozenTrial) -> float | None:
        """Returns what a trial that is to stop had to reach, as an objective; None if its pruner has no such value."""
        if isinstance(self._pruner_config, strategies.ThresholdPruner):
            value, lower = trial.intermediate_values[max(trial.intermediate_values)], self._pruner_config.lower
            return lower if lower is not None and value < lower else self._pruner_config.upper
        return trial.user_attrs.get(_BOUND)

    def finish(self, trial: FrozenTrial) -> None:
        """Records a finished trial."""
        self._storage.finish(trial)
        if trial.state is TrialState.COMPLETE:
            self._complete.add(trial)


class _CompleteTrials:
    """The objectives of complete trials, sorted for each epoch."""

    def __init__(self) -> None:
        self.count = 0
        self.at_epoch: dict[int, array[float]] = defaultdict(lambda: array("d"))

    def add(self, trial: FrozenTrial) -> None:
        self.count += 1
        for epoch, value in trial.intermediate_values.items():
            insort(self.at_epoch[epoch], value)


class _Asha(BasePruner):
    """Optuna's SuccessiveHalvingPruner, with one sorted list for each rung.

    If `patient` lets a trial pass several rungs before it asks, the trial counts at all of them, for Optuna only up to
    the first that stops it. So the lists do not depend on the order of reports, and a resumed study has the same.
    """

    def __init__(self, min_resource: int, reduction_factor: int, min_early_stopping_rate: int) -> None:
        self._first_rung = min_resource * reduction_factor**min_early_stopping_rate
        self._factor = reduction_factor
        self._rungs: list[array[float]] = []  # for each rung, the losses of the trials that reached it, sorted

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        epoch, value = max(trial.intermediate_values.items())
        loss = -value if study.direction is StudyDirection.MAXIMIZE else value
        rung = trial.user_attrs.get("rung", 0)  # the next one to reach
        stops = False
        while epoch >= self._first_rung * self._factor**rung:
            bound = self._add(loss, rung)
            if loss > bound:
                stops = True
                trial.user_attrs[_BOUND] = -bound if study.direction is StudyDirection.MAXIMIZE else bound
            rung += 1
        trial.user_attrs["rung"] = rung
        return stops

    def _add(self, loss: float, rung: int) -> float:
        """Adds a loss to a rung; returns the worst of the best 1 / `reduction_factor` there, and at least of one."""
        if rung == len(self._rungs):
            self._rungs.append(array("d"))
        losses = self._rungs[rung]
        insort(losses, loss)
        return losses[max(len(losses) // self._factor, 1) - 1]


class _Hyperband(BasePruner):
    """Optuna's HyperbandPruner: the same brackets, drawn in the same way, except for the rounding in their number.

    Bracket r is a successive halving that starts at epoch `min_resource * reduction_factor ** r`.
    """

    def __init__(self, config: strategies.HyperbandPruner, max_epochs: int) -> None:
        first, factor = config.min_resource, config.reduction_factor
        count = bracket_count(first, factor, max_epochs)
        self._brackets = [_Asha(first, factor, rate) for rate in range(count)]
        # A bracket's budget is its share of the trials: n in Algorithm 1 of Li et al. (2018), with s = count - 1 for
        # the first bracket and 0 for the last. Each trial draws a ticket below the sum of the budgets. The brackets
        # own consecutive ranges of tickets, whose lengths are the budgets, so the ranges end at the prefix sums.
        budgets = (math.ceil(count * factor**s / (s + 1)) for s in reversed(range(count)))
        self._ends = list(accumulate(budgets))

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        ticket = crc32(f"{study.study_name}_{trial.number}".encode()) % self._ends[-1]
        bracket = next(index for index, end in enumerate(self._ends) if ticket < end)
        return self._brackets[bracket].prune(study, trial)


def bracket_count(min_resource: int, reduction_factor: int, max_epochs: int) -> int:
    """Returns hyperband's number of brackets: s_max + 1 in Algorithm 1 of Li et al. (2018), and at least 1.

    Counts in integers. Optuna takes the floor of a float logarithm, and math.log(243, 3) is 4.999..., so it has one
    bracket fewer at some powers of the factor: five of six for 243 epochs at factor 3, three of four for 1000 at 10.

    Example:
        >>> bracket_count(min_resource=1, reduction_factor=3, max_epochs=243)
        6
    """
    count = 1
    while min_resource * reduction_factor**count <= max_epochs:
        count += 1
    return count


class _Percentile(BasePruner):
    """Optuna's PercentilePruner, which at 50 % is its MedianPruner."""

    def __init__(
        self, config: strategies.PercentilePruner | strategies.MedianPruner, complete: _CompleteTrials
    ) -> None:
        self._config = config
        self._complete = complete

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        config, epoch = self._config, max(trial.intermediate_values)
        others = self._complete.at_epoch.get(epoch, ())
        is_early = self._complete.count < max(config.n_startup_trials, 1) or len(others) < config.n_min_trials
        if is_early or epoch < config.n_warmup_steps or not self._is_first_of_interval(trial, epoch):
            return False
        percentile = config.percentile if isinstance(config, strategies.PercentilePruner) else 50.0
        maximizes = study.direction is StudyDirection.MAXIMIZE
        bound = _percentile(others, 100 - percentile if maximizes else percentile)
        trial.user_attrs[_BOUND] = bound
        reported = trial.intermediate_values.values()
        return max(reported) < bound if maximizes else min(reported) > bound

    def _is_first_of_interval(self, trial: FrozenTrial, epoch: int) -> bool:
        """Returns whether this is the trial's first report in the interval of epochs that contains `epoch`."""
        warmup, interval = self._config.n_warmup_steps, self._config.interval_steps
        start = (epoch - warmup) // interval * interval + warmup
        return all(earlier < start for earlier in trial.intermediate_values if earlier != epoch)


def _percentile(ascending: Sequence[float], percentile: float) -> float:
    """Returns the percentile of a sorted list, bit-identical to numpy's."""
    position = (len(ascending) - 1) * (percentile / 100)
    index = math.floor(position)
    low, high = ascending[index], ascending[min(index + 1, len(ascending) - 1)]
    share = position - index
    # numpy interpolates from the nearer end.
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def _pruner(config: strategies.PrunerConfig, max_epochs: int, complete: _CompleteTrials) -> BasePruner:
    match config:
        case strategies.AshaPruner():
            return _Asha(config.min_resource, config.reduction_factor, config.min_early_stopping_rate)
        case strategies.HyperbandPruner():
            return _Hyperband(config, max_epochs)
        case strategies.MedianPruner() | strategies.PercentilePruner():
            return _Percentile(config, complete)
        case strategies.ThresholdPruner():
            return optuna.pruners.ThresholdPruner(**config.model_dump(exclude={"kind"}))
        case strategies.WilcoxonPruner():
            return optuna.pruners.WilcoxonPruner(**config.model_dump(exclude={"kind"}))
        case strategies.PatientPruner():
            wrapped = None if config.wrapped is None else _pruner(config.wrapped, max_epochs, complete)
            return optuna.pruners.PatientPruner(wrapped, config.patience, config.min_delta)
        case strategies.NoPruner():
            return optuna.pruners.NopPruner()
