"""The summary of a study: its state, its best trial, and JSON that any parser accepts."""

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster.results.summary import read_summary, summarize
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import dump_spec, load_spec
from cluster.store.rows import StudyState
from cluster.store.store import Store
from cluster.trial import TrialState
from jobs.cli.options import json_text
from mnist_core.errors import RunDirError
from mnist_core.measurement import Measurement
from tests.support.ending_driver import RunDirOfEndingDriver


class Study:
    """A run directory with a store that tests fill."""

    def __init__(self, path: Path, objective: str = "val/accuracy") -> None:
        self.run_dir = RunDir.create(path)
        spec = load_spec("name: summary\ntrials: 9", [f"search.objective={objective}"])
        self.run_dir.spec.write_text(dump_spec(spec))
        self.store = Store.create(self.run_dir.store, spec.name)

    def add(self, number: int, value: float, kind: str = "mlp", state: TrialState = TrialState.COMPLETE) -> None:
        """Adds a finished trial of one epoch."""
        self.store.add_trial(number, kind, {}, seed=0)
        self.store.start_attempt(number, "cpu-0")
        self.store.add_measurement(number, Measurement(1, {"val/accuracy": value, "val/loss": value}, 1.0), value)
        self.store.finish_trial(number, state, value, "abc")

    def best(self) -> int | None:
        best = read_summary(self.run_dir).best
        return None if best is None else best.number


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    study = Study(tmp_path / "run")
    yield study
    study.store.close()


def reject_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_study_with_a_live_driver_is_running(study: Study) -> None:
    study.store.set_study("complete")
    with study.run_dir.lock():
        assert (read_summary(study.run_dir).state, read_summary(study.run_dir).reason) == ("running", None)


def test_study_whose_driver_died_is_interrupted(study: Study) -> None:
    summary = read_summary(study.run_dir)
    assert (summary.state, summary.reason) == ("interrupted", "its driver stopped unexpectedly")


def test_study_that_completes_while_it_is_read_is_complete(study: Study) -> None:
    study.add(0, 0.5)
    with ExitStack() as driver:
        driver.enter_context(study.run_dir.lock())

        def complete() -> None:
            study.add(1, 0.9)
            study.store.set_study("complete", "the reason")
            driver.close()

        summary = read_summary(RunDirOfEndingDriver(study.run_dir.path, complete))
    assert (summary.state, summary.reason) == ("complete", "the reason")
    assert [trial.number for trial in summary.trials] == [0, 1]


def test_trial_that_ends_just_before_its_driver_is_killed_is_read(study: Study) -> None:
    with ExitStack() as driver:
        driver.enter_context(study.run_dir.lock())

        def die() -> None:
            study.add(0, 0.9)
            driver.close()

        summary = read_summary(RunDirOfEndingDriver(study.run_dir.path, die))
    assert (summary.state, summary.reason) == ("interrupted", "its driver stopped unexpectedly")
    assert [trial.state for trial in summary.trials] == [TrialState.COMPLETE]


@pytest.mark.parametrize("state", ["complete", "interrupted"])
def test_study_that_ended_says_how_and_why(state: StudyState, study: Study) -> None:
    study.store.set_study(state, "the reason")
    summary = read_summary(study.run_dir)
    assert (summary.state, summary.reason) == (state, "the reason")


def test_study_without_trials_has_no_best(study: Study) -> None:
    summary = read_summary(study.run_dir)
    assert (summary.best, summary.ranked(), summary.best_of_each_kind(), summary.counts()) == (None, [], [], {})
    assert summary.as_json()["best"] is None


@pytest.mark.parametrize(("objective", "best"), [("val/accuracy", 1), ("val/loss", 0)])
def test_best_follows_the_direction_of_the_objective(objective: str, best: int, tmp_path: Path) -> None:
    study = Study(tmp_path / objective.replace("/", "-"), objective)
    for number, value in enumerate((0.1, 0.9, 0.5)):
        study.add(number, value)
    assert study.best() == best
    study.store.close()


def test_lowest_number_of_equal_trials_is_best(study: Study) -> None:
    for number in (2, 1, 3):
        study.add(number, 0.5)
    assert study.best() == 1


def test_pruned_trial_is_counted_but_never_best(study: Study) -> None:
    study.add(0, 0.1)
    study.add(1, 0.9, state=TrialState.PRUNED)
    assert study.best() == 0
    assert read_summary(study.run_dir).counts() == {"COMPLETE": 1, "PRUNED": 1}


def test_best_of_each_kind_comes_best_first(study: Study) -> None:
    for number, (kind, value) in enumerate([("mlp", 0.5), ("lenet", 0.9), ("mlp", 0.7), ("lenet", 0.8)]):
        study.add(number, value, kind)
    assert [trial.number for trial in read_summary(study.run_dir).best_of_each_kind()] == [1, 2]


@pytest.mark.parametrize(
    ("objective", "goal", "values", "is_over"),
    [
        ("val/accuracy", None, [0.1] * 8, False),
        ("val/accuracy", None, [0.1] * 9, True),
        ("val/accuracy", 0.9, [0.1, 0.9], True),
        ("val/accuracy", 0.9, [0.8], False),
        ("val/loss", 0.2, [0.2], True),
        ("val/loss", 0.2, [0.3], False),
        ("val/accuracy", 0.9, [], False),
    ],
)
def test_study_is_over_if_no_trial_remains_or_one_reached_the_objective(
    objective: str, goal: float | None, values: list[float], is_over: bool, tmp_path: Path
) -> None:
    study = Study(tmp_path / "goal", objective)
    spec = load_spec("name: goal\ntrials: 9", [f"search.objective={objective}", f"stop.objective={goal or 'null'}"])
    for number, value in enumerate(values):
        study.add(number, value)
    assert summarize(spec, study.store).is_over is is_over
    study.store.close()


def test_pruned_trial_does_not_reach_the_objective(study: Study) -> None:
    study.add(0, 0.95, state=TrialState.PRUNED)
    assert not summarize(load_spec("name: goal\ntrials: 9\nstop: {objective: 0.9}"), study.store).is_over


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_is_not_finite_is_null_in_json(value: float, study: Study) -> None:
    study.store.add_trial(0, "mlp", {"training.momentum": 0.5}, seed=0)
    study.store.start_attempt(0, "cpu-0")
    study.store.add_measurement(0, Measurement(1, {"val/loss": value, "val/accuracy": 0.1}, 1.0), value)
    study.store.fail_trial(0, "failed", "diverged")
    document = json.loads(json_text(read_summary(study.run_dir).as_json()), parse_constant=reject_constant)
    (trial,) = document["trials"]
    assert trial["metrics"] == {"val/loss": None, "val/accuracy": 0.1}
    assert (trial["value"], trial["state"], trial["error"]) == (None, "FAIL", "diverged")


def test_json_has_the_best_trial_with_its_test_metrics(study: Study) -> None:
    study.add(0, 0.5)
    study.store.set_test(0, {"test/accuracy": 0.4})
    document = read_summary(study.run_dir).as_json()
    assert document["best"] == {
        "number": 0,
        "value": 0.5,
        "metrics": {"val/accuracy": 0.5, "val/loss": 0.5},
        "test": {"test/accuracy": 0.4},
    }
    assert (document["name"], document["objective"]) == ("summary", "val/accuracy")


def test_damaged_store_is_rejected(study: Study) -> None:
    study.store.close()
    study.run_dir.store.write_bytes(b"damaged" * 100)
    with pytest.raises(RunDirError, match="cannot be read as a study store"):
        read_summary(study.run_dir)
