"""Finds trials that learned nothing: those that diverged, and those that read the same digit in every image."""

from collections.abc import Iterator, Sequence

from cluster.analysis.health.bounds import numeric_values
from cluster.analysis.health.finding import Finding, percentage, trials_text
from cluster.analysis.health.record import HealthRecord, digit_accuracy, has_diverged
from cluster.spec.space import Range, format_param
from cluster.trial import TrialRecord

DIVERGED_SHARE = 0.1
"""A search that looks for the highest learning rate that works may lose some trials; more are a waste."""
_RATE = "training.learning_rate"
_SEPARATED = 0.8
"""A value separates the failed trials from the others if at least this share of the others is below it."""


def diverged(record: HealthRecord) -> Iterator[Finding]:
    """Yields a finding if many of the trials diverged."""
    finished = record.finished
    bad = [trial for trial in finished if has_diverged(trial)]
    if not bad or len(bad) < DIVERGED_SHARE * len(finished):
        return
    numbers = trials_text([trial.number for trial in bad])
    share = percentage(len(bad) / len(finished))
    sentence = f"{len(bad)} of {len(finished)} trials ({share}) diverged, {numbers}"
    good = [trial for trial in finished if not has_diverged(trial)]
    for field in _searched_fields(record, first=_RATE):
        least = _threshold(bad, good, field)
        if least is not None:
            yield Finding(
                "diverged", f"{sentence}, all with {field} of {_text(least)} or more", _avoid(field, record, least)
            )
            return
    yield Finding("diverged", sentence, f"lower {_RATE}, or what is searched of it")


def stuck(record: HealthRecord) -> Iterator[Finding]:
    """Yields a finding for each kind of network of which trials read the same digit in every image."""
    by_kind: dict[str, list[TrialRecord]] = {}
    for trial in record.finished:
        if trial.number in record.constant:
            by_kind.setdefault(trial.model, []).append(trial)
    for kind, bad in by_kind.items():
        numbers = trials_text([trial.number for trial in bad])
        sentence = (
            f"{kind} {numbers} {'reads' if len(bad) == 1 else 'read'} the same digit in every image, no better than "
            f"the share of the most frequent one, {percentage(record.largest_class)}"
        )
        yield Finding("stuck", sentence, _cure(record, kind, bad))


def _cure(record: HealthRecord, kind: str, bad: Sequence[TrialRecord]) -> str:
    spec = record.summary.spec
    good = [
        trial
        for trial in record.finished
        if trial.model == kind and (digit_accuracy(trial) or 0.0) > record.largest_class
    ]
    least = _threshold(bad, good, _RATE)
    if least is not None:
        return _avoid(_RATE, record, least)
    if "xavier" not in {spec.resolve(trial.params)[0].initializer for trial in bad}:
        return "set model.initializer to xavier, with which networks learn from the first epoch on"
    return "train more epochs, or try other learning rates"


def _avoid(field: str, record: HealthRecord, least: float) -> str:
    """Returns how to keep a search below the value of a field at which trials fail."""
    if isinstance(record.summary.spec.search.space[field], Range):
        return f"lower search.space.{field}.high below {_text(least)}"
    return f"leave out the choices of search.space.{field} from {_text(least)} on"


def _searched_fields(record: HealthRecord, first: str) -> list[str]:
    """Returns the searched fields, `first` before the others."""
    return sorted(record.summary.spec.search.space, key=lambda field: field != first)


def _threshold(bad: Sequence[TrialRecord], good: Sequence[TrialRecord], field: str) -> float | None:
    """Returns the least value of a field among bad trials if most good trials are below; None otherwise."""
    failed, worked = numeric_values(bad, field), numeric_values(good, field)
    if len(failed) < len(bad) or not worked:
        return None
    least = min(failed.values())
    below = sum(value < least for value in worked.values())
    return least if below >= _SEPARATED * len(worked) else None


def _text(value: float) -> str:
    return format_param(value, 4)
