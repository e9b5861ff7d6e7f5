"""The progress of a running study: counts, the best trial and the time left."""

from pathlib import Path

import pytest

from cluster.driver.observer import StudyOpened, TrialEnded, TrialMeasured, TrialWaiting, WorkersChanged
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialState
from cluster.workers.batch_progress import BatchReporter
from jobs.terminal.running.progress import Progress
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial, started

SPEC = """
name: progress
training: {epochs: 4}
search:
  space: {training.epochs: {choices: [4, 8]}}
trials: 4
"""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def progress(clock: Clock, *overrides: str) -> Progress:
    return Progress(load_spec(SPEC, overrides), clock)


def complete_trial(study: Progress, number: int, value: float) -> None:
    study.update(started(number, epochs=4))
    study.update(TrialEnded(number, TrialState.COMPLETE, value))


def test_running_trial_has_the_epochs_of_its_spec(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(started(1, worker="cpu-1", epochs=8))
    assert [(trial.epoch, trial.epochs) for trial in study.running.values()] == [(0, 4), (0, 8)]


def test_ended_trial_is_counted_and_no_longer_running(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialEnded(0, TrialState.FAIL, error="the cause"))
    assert (study.running, study.ended, study.problem) == ({}, {TrialState.FAIL: 1}, "trial 0: the cause")


def test_trial_that_failed_while_it_waited_is_counted(clock: Clock) -> None:
    study = progress(clock)
    study.update(TrialEnded(0, TrialState.FAIL, error="the cause"))
    assert study.ended == {TrialState.FAIL: 1}


def test_waiting_trial_is_no_longer_running_and_its_reason_is_kept(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialWaiting(0, "lost, attempt 1: killed"))
    assert (study.running, study.ended, study.problem) == ({}, {}, "trial 0 waits: lost, attempt 1: killed")


@pytest.mark.parametrize(("objective", "best"), [("val/accuracy", 1), ("val/loss", 0)])
def test_best_follows_the_direction_of_the_objective(objective: str, best: int, clock: Clock) -> None:
    study = progress(clock, f"search.objective={objective}")
    for number, value in enumerate((0.1, 0.9, 0.5)):
        complete_trial(study, number, value)
    assert study.best is not None
    assert study.best[1] == best


def test_first_of_equal_values_stays_best(clock: Clock) -> None:
    study = progress(clock)
    complete_trial(study, 3, 0.5)
    complete_trial(study, 1, 0.5)
    assert study.best == (0.5, 3, "mlp")


def test_pruned_trial_is_never_best(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialEnded(0, TrialState.PRUNED, 0.9))
    assert study.best is None


def measure(study: Progress, number: int, epoch: int, elapsed_s: float) -> None:
    study.update(TrialMeasured(number, Measurement(epoch, {}, elapsed_s)))


def test_time_left_is_unknown_before_the_first_images(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    clock.now_s += 10
    assert study.remaining_s() is None


def test_time_left_is_the_work_left_over_the_workers(clock: Clock) -> None:
    study = progress(clock, "search.space={training.momentum: {low: 0.0, high: 0.5}}")
    study.update(WorkersChanged(2))
    study.update(started(0, epochs=4))
    study.update(started(1, worker="cpu-1", epochs=4))
    measure(study, 0, epoch=2, elapsed_s=20.0)
    # 2 of 4 epochs of one trial, 4 of the other and 4 each of two others: 14 epochs of 10 s, on 2 workers.
    assert study.remaining_s() == 70.0


def test_time_left_counts_the_batches_of_the_epochs_in_training(clock: Clock, tmp_path: Path) -> None:
    study = progress(clock, "trials=1", "search.space={}")
    study.update(StudyOpened(tmp_path))
    study.update(started(0, epochs=4))
    folder = RunDir(tmp_path).progress
    folder.mkdir()
    report = BatchReporter(str(folder), "cpu-0", clock).for_trial(0)
    assert report is not None
    report(1, 0, 1000)
    clock.now_s += 5.0
    report(1, 500, 1000)
    study.read_batches()
    assert (study.running[0].epochs_done, study.running[0].images_per_s) == (0.5, 100.0)
    assert study.remaining_s() == 35.0  # 3.5 epochs of 10 s


def test_time_left_never_grows(clock: Clock) -> None:
    study = progress(clock, "search.space={training.momentum: {low: 0.0, high: 0.5}}")
    study.update(started(0, epochs=4))
    shown = []
    for epoch, elapsed_s in ((1, 10.0), (2, 60.0), (3, 61.0)):
        measure(study, 0, epoch, elapsed_s)
        shown.append(study.remaining_s())
    assert shown[0] == shown[1] == 150.0
    assert shown[2] is not None
    assert shown[2] < 150.0 * 4


def test_time_left_of_a_grid_knows_which_networks_are_still_to_come(clock: Clock) -> None:
    kinds = "search.space={model: {choices: [{kind: lenet}, {kind: mlp}]}}"
    study = progress(clock, kinds, "search.sampler={kind: grid}", "trials=2")
    study.update(started(0, "lenet", epochs=4))
    measure(study, 0, epoch=1, elapsed_s=40.0)
    # 3 epochs of 40 s, and 4 of the other network, which usually take a quarter of that.
    assert study.remaining_s() == 160.0


def test_time_left_of_a_resumed_study_ignores_earlier_sessions(clock: Clock) -> None:
    study = progress(clock)
    study.count_finished(finished_trial(TrialState.COMPLETE, number=4, value=0.9))
    study.count_finished(finished_trial(TrialState.PRUNED))
    study.update(started(2, epochs=8))
    measure(study, 2, epoch=8, elapsed_s=8.0)
    study.update(TrialEnded(2, TrialState.COMPLETE, 0.5))
    assert study.remaining_s() == 8.0  # one trial of at most 8 epochs
    assert sum(study.ended.values()) == 3
    assert study.best == (0.9, 4, "mlp")  # of all trials, before and after


@pytest.mark.parametrize(
    ("kinds", "bound", "reason"),
    [
        ("{choices: [{kind: mlp}, {kind: lenet}]}", 0.6, "after 1 of 4: 0.5000 < 0.6000 of its kind"),
        ("{choices: [{kind: mlp}]}", 0.6, "after 1 of 4: 0.5000 < 0.6000 of the others"),
        ("{choices: [{kind: mlp}]}", None, "after 1 of 4: 0.5000"),
    ],
)
def test_pruned_trial_says_against_what(kinds: str, bound: float | None, reason: str, clock: Clock) -> None:
    study = progress(clock, f"search.space={{model: {kinds}}}")
    study.update(started(0, epochs=4))
    measure(study, 0, epoch=1, elapsed_s=1.0)
    study.update(TrialEnded(0, TrialState.PRUNED, 0.5, bound=bound))
    assert study.last_ended[0].reason == reason
