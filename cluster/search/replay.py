"""Asks what a pruner would have done with trials that trained without one."""

from collections.abc import Iterable, Mapping

import optuna

from cluster.search.optuna_private import running_trial
from cluster.search.pruning import PruningGroup
from cluster.spec.strategies import PrunerConfig
from cluster.spec.study_spec import StudySpec
from cluster.trial import Report, TrialRecord, TrialState


def replay_pruner(
    spec: StudySpec, pruner: PrunerConfig, trials: Iterable[TrialRecord], reports: Iterable[Report]
) -> dict[int, int]:
    """Returns trial number -> the epoch after which the pruner would have stopped it; without the trials that it keeps.

    Args:
        spec: the study's spec; its own pruner is not used.
        pruner: the pruner to ask.
        trials: the finished trials of the study.
        reports: the finite values of their objective, in the order in which they were recorded. What is recorded after
            a trial's stop counts for nothing.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    records = {trial.number: trial for trial in trials}
    search = spec.search.model_copy(update={"pruner": pruner})
    groups = {
        kind: PruningGroup(f"{spec.name} {kind}", search, spec.max_epochs)
        for kind in {trial.model for trial in records.values()}
    }
    running = {number: running_trial(number) for number in records}
    stopped: dict[int, int] = {}
    for report in reports:
        record = records.get(report.number)
        if record is None or report.number in stopped:
            continue
        trial, group = running[report.number], groups[record.model]
        trial.intermediate_values[report.epoch] = report.value
        is_pruned = group.should_prune(trial)
        is_last = report.epoch >= record.epochs
        if is_pruned and not is_last:
            stopped[report.number] = report.epoch
            trial.state = optuna.trial.TrialState.PRUNED
        elif is_last:
            trial.state = optuna.trial.TrialState[record.state.name]
            trial.value = record.value if record.state is TrialState.COMPLETE else None
        if trial.state.is_finished():
            group.finish(trial)
    return stopped


def epochs_after(stopped: Mapping[int, int], trials: Iterable[TrialRecord]) -> int:
    """Returns how many epochs the trials trained after the pruner would have stopped them."""
    return sum(trial.epochs - stopped[trial.number] for trial in trials if trial.number in stopped)
