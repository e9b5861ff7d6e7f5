"""Writes a study as Optuna's own SQLite storage, for optuna-dashboard and for Optuna's plots and importances."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import JsonValue

from cluster.search.bounded_storage import silence_optuna
from cluster.spec.space import Choices, ParamValue, Range, canonical_json
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord


@dataclass(frozen=True)
class OptunaTrial:
    """A trial with what Optuna's storage keeps of it.

    Attributes:
        trial: the trial's record.
        reported: epoch -> the objective.
        started_at: Unix time in seconds; None if it has not started.
        ended_at: Unix time in seconds; None if it has not ended.
    """

    trial: TrialRecord
    reported: Mapping[int, float]
    started_at: float | None
    ended_at: float | None


def optuna_storage(spec: StudySpec, trials: Iterable[OptunaTrial], on_trial: Callable[[int], None]) -> bytes:
    """Returns the SQLite file of an Optuna storage with this study.

    A value that Optuna's choices cannot be (a list, a mapping) is its JSON, and so are all choices of a field of which
    Optuna would confuse two, such as 1 and true.

    Args:
        spec: the study's spec.
        trials: by number.
        on_trial: called after each trial, with the number of trials done.
    """
    with tempfile.TemporaryDirectory() as folder, silence_optuna():
        # Written elsewhere: a part of a storage is useless, and this path needs no quoting in a URL.
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        file = Path(folder) / "optuna.db"
        storage = RDBStorage(f"sqlite:///{file}")
        direction = StudyDirection[spec.search.direction.name]
        study = optuna.create_study(study_name=spec.name, storage=storage, direction=direction)
        study.set_metric_names([spec.search.objective])
        for done, each in enumerate(trials, start=1):
            study.add_trial(_optuna_trial(spec, each))
            on_trial(done)
        storage.remove_session()
        return file.read_bytes()


def _optuna_trial(spec: StudySpec, each: OptunaTrial) -> FrozenTrial:
    trial, space = each.trial, spec.search.space
    state = TrialState[trial.state.name]
    exported = create_trial(
        state=state,
        value=trial.value if state is TrialState.COMPLETE else None,
        params={name: _exported(space[name], value) for name, value in trial.params.items()},
        distributions={name: _distribution(space[name]) for name in trial.params},
        user_attrs=dict(_attributes(trial)),
        intermediate_values=dict(each.reported),
    )
    if each.started_at is not None and state is not TrialState.WAITING:
        exported.datetime_start = _local_time(each.started_at)
    if each.ended_at is not None and state.is_finished():
        exported.datetime_complete = _local_time(each.ended_at)
    return exported


def _attributes(trial: TrialRecord) -> Iterator[tuple[str, JsonValue]]:
    """Yields what a dashboard shows beside the parameters; Optuna keeps no null."""
    yield "model", trial.model
    yield "epochs", trial.epochs
    yield "seconds", round(trial.seconds, 3)
    for name, value in (("worker", trial.worker), ("error", trial.error), ("weights_sha256", trial.weights_sha256)):
        if value is not None:
            yield name, value
    yield from (trial.test or {}).items()


def _local_time(unix_time: float) -> datetime:
    """Returns a time as Optuna stores it: local, without a zone."""
    return datetime.fromtimestamp(unix_time, timezone.utc).astimezone().replace(tzinfo=None)


def _distribution(entry: Range | Choices) -> BaseDistribution:
    if isinstance(entry, Choices):
        return CategoricalDistribution([_exported(entry, choice) for choice in entry.choices])
    last = entry.high if entry.step is None else entry.nth((entry.size or 1) - 1)
    if entry.is_integer:
        step = int(entry.step or 1)
        return IntDistribution(int(entry.low), int(last), log=entry.log, step=step)
    return FloatDistribution(entry.low, last, log=entry.log, step=entry.step)


def _exported(entry: Range | Choices, value: ParamValue) -> bool | int | float | str | None:
    if isinstance(entry, Choices) and not _are_choices_of_optuna(entry):
        return canonical_json(value)
    if isinstance(value, list | dict):
        raise ValueError(f"{value!r} is not in a range")
    return value


def _are_choices_of_optuna(entry: Choices) -> bool:
    """Whether Optuna accepts the choices of a field, and tells them apart by `==`."""
    plain = [choice for choice in entry.choices if choice is None or isinstance(choice, bool | int | float | str)]
    return len(plain) == len(entry.choices) == len(set(plain))
