"""One trial as a terminal shows it."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from cluster.results.trial_details import TrialDetails
from cluster.trial import AttemptRecord, TrialState
from jobs.terminal.trial_details import draw_trial
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial

ATTEMPTS = (
    AttemptRecord(1, "cpu-0", 0.0, 3.0, "crashed", "worker process 12 [/red] died", None),
    AttemptRecord(2, "cpu-1", 60.0, None, None, None, None),
)
METRICS = {
    "train/loss": 0.5,
    "train/accuracy": 0.25,
    "val/loss": 0.5,
    "val/accuracy": 0.75,
    "perf/samples_per_second": 9,
}


def drawn(details: TrialDetails, width: int = 80) -> list[str]:
    file = io.StringIO()
    draw_trial(details, Console(file=file, width=width, color_system=None))
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture
def details() -> TrialDetails:
    trial = replace(finished_trial(TrialState.FAIL, number=3), params={"training.momentum": 0.5}, error="it died")
    return TrialDetails(trial, ATTEMPTS, [Measurement(1, METRICS, 1.25)])


def test_trial_is_shown_with_parameters_epochs_and_attempts(details: TrialDetails) -> None:
    lines = drawn(details, width=140)
    assert lines[:2] == ["trial 3  mlp  FAIL  seed 0", "training.momentum = 0.5"]
    header, epoch, attempts, first, second = lines[2:7]
    assert header.split() == ["epoch", "train/loss", "train/accuracy", "val/loss", "val/accuracy", "time"]
    assert epoch.split() == ["1", "0.5000", "0.2500", "0.5000", "0.7500", "1.2", "s"]
    assert attempts.split() == ["attempt", "worker", "started", "(UTC)", "took", "outcome", "error"]
    assert first.split()[:7] == ["1", "cpu-0", "1970-01-01", "00:00:00", "3", "s", "crashed"]
    assert second.split() == ["2", "cpu-1", "1970-01-01", "00:01:00", "unfinished"]


def test_traceback_is_shown_completely_without_interpreting_markup(details: TrialDetails) -> None:
    traceback = "Traceback (most recent call last):\n  File [/red] line 1\nValueError: wrong\n"
    failed = replace(ATTEMPTS[0], error="ValueError: wrong", traceback=traceback)
    shown = drawn(replace(details, attempts=(failed, ATTEMPTS[1])))
    assert shown[-5:] == ["attempt 1: ValueError: wrong", "", *traceback.splitlines()]


def test_trial_without_an_epoch_or_an_attempt_is_shown() -> None:
    waiting = finished_trial(TrialState.WAITING)
    assert drawn(TrialDetails(waiting, (), ())) == ["trial 0  mlp  WAITING  seed 0"]


@pytest.mark.parametrize("width", [80, 140])
def test_no_line_except_the_traceback_is_wider_than_the_terminal(width: int, details: TrialDetails) -> None:
    assert all(len(line) <= width for line in drawn(details, width))
