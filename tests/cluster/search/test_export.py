"""A study as Optuna's storage: Optuna reads back the values, states, times and reports that the store has."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from cluster.search.export import OptunaTrial, optuna_storage
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState
from tests.support.records import finished_trial

SPACE: dict[str, Any] = {
    "training.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    "training.momentum": {"low": 0.1, "high": 0.3, "step": 0.1},
    "training.batch_size": {"low": 32, "high": 100, "step": 32},
    "model.activation": {"choices": ["relu", "tanh"]},
    "model.hidden": {"choices": [[16], [16, 8]]},
}
PARAMS = {
    "training.learning_rate": 0.01,
    "training.momentum": 0.3,
    "training.batch_size": 96,
    "model.activation": "tanh",
    "model.hidden": [16, 8],
}


def loaded(content: bytes, folder: Path) -> optuna.Study:
    (folder / "optuna.db").write_bytes(content)
    return optuna.load_study(study_name="study", storage=f"sqlite:///{folder / 'optuna.db'}")


def spec_of(space: dict[str, Any], direction: str = "maximize") -> StudySpec:
    objective = {"maximize": "val/accuracy", "minimize": "val/loss"}[direction]
    return StudySpec.model_validate({"name": "study", "search": {"space": space, "objective": objective}})


def exported(spec: StudySpec, *trials: OptunaTrial) -> bytes:
    return optuna_storage(spec, trials, lambda done: None)


def trial_of(number: int, state: TrialState, reported: dict[int, float], **changes: Any) -> OptunaTrial:
    started_at = 1_000.0 + number
    record = replace(finished_trial(state, number=number), **{"params": PARAMS, **changes})
    return OptunaTrial(record, reported, started_at, started_at + 60 if state.is_finished() else None)


def test_trials_keep_values_states_reports_and_times(tmp_path: Path) -> None:
    trials = (
        trial_of(0, TrialState.COMPLETE, {1: 0.5, 2: 0.75}, value=0.75, test={"test/accuracy": 0.7}),
        trial_of(1, TrialState.PRUNED, {1: 0.25}, value=0.25),
        trial_of(2, TrialState.FAIL, {}, value=None, error="it diverged"),
        trial_of(3, TrialState.RUNNING, {1: 0.6}, value=0.6),
        trial_of(4, TrialState.WAITING, {}, value=None),
    )
    study = loaded(exported(spec_of(SPACE), *trials), tmp_path)
    assert (study.direction, study.metric_names) == (optuna.study.StudyDirection.MAXIMIZE, ["val/accuracy"])
    assert [trial.state.name for trial in study.trials] == [each.trial.state.value for each in trials]
    assert [trial.intermediate_values for trial in study.trials] == [each.reported for each in trials]
    assert (study.best_trial.number, study.best_value) == (0, 0.75)
    assert [trial.value for trial in study.trials][1:] == [None] * 4
    assert study.trials[0].duration is not None
    assert study.trials[0].duration.total_seconds() == 60
    assert study.trials[0].user_attrs["test/accuracy"] == 0.7
    assert study.trials[2].user_attrs["error"] == "it diverged"
    assert study.trials[0].params == {**PARAMS, "model.hidden": "[16, 8]", "training.momentum": pytest.approx(0.3)}


def test_direction_is_that_of_the_objective(tmp_path: Path) -> None:
    content = exported(spec_of(SPACE, "minimize"), trial_of(0, TrialState.COMPLETE, {1: 0.5}, value=0.5))
    assert loaded(content, tmp_path).direction is optuna.study.StudyDirection.MINIMIZE


@pytest.mark.parametrize(
    ("field", "entry", "value", "expected"),
    [
        ("training.momentum", {"low": 0.1, "high": 0.35, "step": 0.1}, 0.3, 0.3),
        ("training.momentum", {"choices": [0.0, 0.5]}, 0.5, 0.5),
        ("training.epochs", {"low": 1, "high": 100, "log": True}, 7, 7),
        ("training.schedule", {"choices": [{"kind": "constant"}, {"kind": "cosine"}]}, {"kind": "cosine"}, None),
    ],
    ids=["step that does not divide", "numbers", "log of integers", "mappings"],
)
def test_every_kind_of_field_is_read_back(
    field: str, entry: dict[str, Any], value: Any, expected: Any, tmp_path: Path
) -> None:
    trial = trial_of(0, TrialState.COMPLETE, {1: 0.5}, value=0.5, params={field: value})
    study = loaded(exported(spec_of({field: entry}), trial), tmp_path)
    assert study.trials[0].params[field] == ('{"kind": "cosine"}' if expected is None else pytest.approx(expected))


def test_progress_is_reported_for_each_trial() -> None:
    done: list[int] = []
    trials = [trial_of(number, TrialState.COMPLETE, {1: 0.5}, value=0.5) for number in range(3)]
    optuna_storage(spec_of(SPACE), trials, done.append)
    assert done == [1, 2, 3]
