"""Why each trial ended as it did, in one sentence."""

from collections.abc import Mapping

from cluster.analysis.study_record import RecordedTrial, StudyRecord
from cluster.spec.direction import Direction
from cluster.trial import TrialState

BestByEpoch = Mapping[tuple[str, int], tuple[float, int]]
"""(kind of network, epoch) -> the best value of that epoch, and its trial."""


def endings(record: StudyRecord) -> dict[int, str]:
    """Returns trial number -> why it ended, in one sentence; "" for a complete trial at its first attempt."""
    objective = record.summary.spec.search.objective
    best = _best_by_epoch(record, objective)
    return {each.trial.number: _ending(each, objective, best) for each in record.trials}


def _best_by_epoch(record: StudyRecord, objective: str) -> BestByEpoch:
    direction: Direction = record.summary.spec.search.direction
    best: dict[tuple[str, int], tuple[float, int]] = {}
    for each in record.trials:
        for measured in each.measurements:
            key, value = (each.trial.model, measured.epoch), measured.metrics.get(objective)
            if value is not None and (key not in best or direction.is_better(value, best[key][0])):
                best[key] = (value, each.trial.number)
    return best


def _ending(each: RecordedTrial, objective: str, best: BestByEpoch) -> str:
    trial = each.trial
    if trial.state is TrialState.PRUNED:
        return _pruned(each, objective, best)
    if trial.state is TrialState.FAIL:
        return trial.error or "failed without a message"
    if trial.state is TrialState.RUNNING:
        return f"in epoch {trial.epochs + 1} of {each.epochs}"
    if trial.state is TrialState.WAITING:
        last = each.attempts[-1] if each.attempts else None
        return f"waits for another attempt: {last.error}" if last is not None and last.error else "waits for a worker"
    faults = sum(attempt.outcome in ("failed", "crashed", "lost") for attempt in each.attempts)
    return f"after {faults} failed {'attempt' if faults == 1 else 'attempts'}" if faults else ""


def _pruned(each: RecordedTrial, objective: str, best: BestByEpoch) -> str:
    trial = each.trial
    after = f"epoch {trial.epochs} of {each.epochs}"
    value = trial.metrics.get(objective)
    leader = best.get((trial.model, trial.epochs))
    if value is None or leader is None or leader[1] == trial.number:
        return after
    return f"{after}: {value:.4f}, where trial {leader[1]} had {leader[0]:.4f}"
