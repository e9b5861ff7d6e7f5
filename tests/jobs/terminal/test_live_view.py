"""The terminal while a study runs: plain lines, and the live table on narrow and wide terminals."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from cluster.driver.observer import StudyObserver
from cluster.spec.space import Params
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialSpec, TrialState
from cluster.workers.events import Measured
from cluster.workers.inline_pool import InlinePool
from cluster.workers.worker import WorkerSettings
from jobs.terminal.live_view import (
    LiveView,
    PlainView,
    ellipsized,
    format_count,
    format_params,
    format_time,
    study_view,
)
from jobs.terminal.progress import Progress
from jobs.terminal.shown import OutputMode
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial

ROOT = Path(__file__).parents[3]
SPEC = """
name: view
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 2, batch_size: 50}
trials: 3
"""
PARAMS: Params = {
    "training.learning_rate": 0.1,
    "training.batch_size": 100,
    "model.activation": "softrelu",
    "x.momentum": 0.5,
}


SPEAKING = """
import sys
from rich.console import Console
from cluster.spec.spec_file import load_spec
from jobs.terminal.progress import Progress
from jobs.terminal.live_view import PlainView
view = PlainView(Progress(load_spec(sys.argv[1])), Console())
for workers in range(3):
    view.workers_changed(workers, None)
print("went on", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def spec() -> StudySpec:
    return load_spec(SPEC)


@pytest.fixture(scope="module")
def measurement(spec: StudySpec, small_dataset: Dataset) -> Measurement:
    """The first epoch of a trial that was really trained."""
    pool = InlinePool(small_dataset, WorkerSettings(56, 0))
    pool.next_event(0)
    pool.start("cpu-0", TrialSpec(0, spec.model, spec.training, seed=0))
    event = pool.next_event(0)
    assert isinstance(event, Measured)
    return event.measurement


class Screen:
    """A terminal, or what is none, of a given width, that remembers what is written to it."""

    def __init__(self, width: int = 80, terminal: bool = False) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, width=width, height=24, force_terminal=terminal, color_system=None)

    def text(self) -> str:
        return self._file.getvalue()


def plain(spec: StudySpec) -> tuple[PlainView, Screen]:
    screen = Screen()
    return PlainView(Progress(spec, clock=lambda: 0.0), screen.console), screen


def live(spec: StudySpec) -> tuple[LiveView, Progress]:
    progress = Progress(spec, clock=lambda: 0.0)
    return LiveView(progress, Screen(terminal=True).console, "starting Ray"), progress


def drawn(view: LiveView, width: int = 80) -> list[str]:
    """The lines of the view's picture."""
    screen = Screen(width)
    screen.console.print(view.draw())
    return [line.rstrip() for line in screen.text().splitlines()]


def test_plain_lines_tell_the_story_of_a_trial(spec: StudySpec, measurement: Measurement) -> None:
    view, screen = plain(spec)
    view.workers_changed(1, None)
    view.trial_started(0, "mlp", {"training.epochs": 2}, "cpu-0")
    view.measured(0, measurement)
    view.trial_ended(0, TrialState.COMPLETE, 0.51234, None)
    accuracy = measurement.metrics["val/accuracy"]
    speed = format_count(measurement.metrics["perf/samples_per_second"])
    assert screen.text().splitlines() == [
        "    0.0 s  1 worker ready",
        "    0.0 s  trial 0 mlp starts on cpu-0  epochs=2",
        f"    0.0 s  trial 0 mlp epoch 1/2  val/accuracy {accuracy:.4f}  {speed} samples/s",
        "    0.0 s  trial 0 mlp COMPLETE  val/accuracy 0.5123",
    ]


def test_plain_lines_tell_of_trouble_and_take_no_markup_from_it(spec: StudySpec) -> None:
    view, screen = plain(spec)
    view.trial_started(0, "mlp", {}, "cpu-0")
    view.workers_changed(0, "killed [/red]")
    view.trial_waits(0, "lost, attempt 1: killed")
    view.trial_ended(0, TrialState.FAIL, None, "MXNetError: [11:22:33] src/x.cc")
    assert screen.text().splitlines() == [
        "    0.0 s  trial 0 mlp starts on cpu-0",
        "    0.0 s  a worker is lost: killed [/red]",
        "    0.0 s  trial 0 waits: lost, attempt 1: killed",
        "    0.0 s  trial 0 FAIL  MXNetError: [11:22:33] src/x.cc",
    ]


def test_plain_line_is_not_broken_however_long_it_is(spec: StudySpec) -> None:
    view, screen = plain(spec)
    view.trial_waits(0, "x" * 500)
    assert len(screen.text().splitlines()) == 1


@pytest.mark.parametrize("output", ["broken pipe", "full disk"])
def test_plain_view_whose_output_fails_falls_silent(output: str) -> None:
    if output == "full disk":
        stdout = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stdout = os.pipe()
        os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", SPEAKING, SPEC],
            check=False,  # what is left of a line fails again when Python flushes it at its end
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(stdout)
    assert ended.stderr.startswith("went on\n")
    assert output == "full disk" or ended.returncode == 0


def test_live_view_before_the_first_worker_says_what_it_waits_for(spec: StudySpec) -> None:
    view, _ = live(spec)
    assert drawn(view) == ["view  0/3 trials", "starting Ray ...  0 s elapsed"]


def test_live_view_shows_workers_counts_best_and_running_trials(spec: StudySpec, measurement: Measurement) -> None:
    view, _ = live(spec)
    view.workers_changed(2, None)
    view.trial_started(0, "mlp", {}, "cpu-0")
    view.trial_ended(0, TrialState.COMPLETE, 0.75, None)
    view.trial_started(1, "mlp", {"training.epochs": 2}, "cpu-1")
    view.measured(1, measurement)
    counts, times, best, header, row = drawn(view)
    assert counts == "view  1/3 trials  1 COMPLETE  2 workers"
    assert times == "0 s elapsed, about 0 s left"
    assert best == "best val/accuracy 0.7500  (trial 0, mlp)"
    assert header.split() == ["trial", "network", "worker", "epoch", "val/accuracy", "samples/s", "parameters"]
    cells = row.split()
    assert cells[:4] == ["1", "mlp", "cpu-1", "1/2"]
    assert cells[-3] == f"{measurement.metrics['val/accuracy']:.4f}"
    assert cells[-1] == "epochs=2"


def test_live_view_of_a_trial_before_its_first_epoch_shows_no_numbers(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.workers_changed(1, None)
    view.trial_started(0, "mlp", {}, "cpu-0")
    assert drawn(view)[-1].split()[:4] == ["0", "mlp", "cpu-0", "0/2"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_live_view_crops_what_the_terminal_cannot_hold(width: int, spec: StudySpec, measurement: Measurement) -> None:
    view, _ = live(spec)
    view.workers_changed(2, "the worker died, " * 20)
    for number in range(3):
        view.trial_started(number, "multitask", {}, "gpu-10")
        view.measured(number, measurement)
        view._progress.running[number].params = PARAMS
    lines = drawn(view, width)
    assert len(lines) == 7  # counts, times, header, three trials, trouble: each one line
    assert all(len(line) <= width for line in lines)
    assert lines[-1].endswith("…")


def test_live_view_at_80_columns_crops_nothing_but_the_parameters(spec: StudySpec, measurement: Measurement) -> None:
    view, progress = live(spec)
    view.workers_changed(1, None)
    view.trial_started(0, "mlp", {}, "cpu-0")
    view.measured(0, measurement)
    progress.running[0].params = PARAMS
    header, row = drawn(view)[-2:]
    assert "samples/s" in header
    assert row.count("…") == 1
    assert row.endswith("…")


def test_live_view_shows_the_last_trouble_without_markup(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.trial_ended(0, TrialState.FAIL, None, "[11:22:33] [/red] diverged")
    assert drawn(view)[-1] == "last trouble: trial 0: [11:22:33] [/red] diverged"


def test_live_view_after_the_last_trial_says_what_it_still_does(spec: StudySpec) -> None:
    view, progress = live(spec)
    view.workers_changed(1, None)
    for _ in range(3):
        progress.seen_before(finished_trial(TrialState.PRUNED))
    assert drawn(view) == ["view  3/3 trials  3 PRUNED  1 worker", "0 s elapsed, scoring the best on the test set ..."]


def test_live_view_leaves_the_terminal_as_it_was(spec: StudySpec) -> None:
    screen = Screen(terminal=True)
    with study_view(
        spec, OutputMode.ALL, screen.console, "starting Ray", [finished_trial(TrialState.COMPLETE)]
    ) as view:
        assert isinstance(view, LiveView)
        view.workers_changed(1, None)
    assert "1/3 trials" in screen.text()
    assert "\x1b[?25l" in screen.text()  # the cursor was hidden ...
    assert screen.text().rindex("\x1b[?25h") > screen.text().rindex("\x1b[?25l")  # ... and is back


@pytest.mark.parametrize("shown", [OutputMode.JSON, OutputMode.QUIET])
def test_nothing_is_shown_where_nothing_is_asked_for(
    shown: OutputMode, spec: StudySpec, measurement: Measurement
) -> None:
    screen = Screen(terminal=True)
    with study_view(spec, shown, screen.console, "starting Ray") as view:
        assert type(view) is StudyObserver
        view.workers_changed(1, None)
        view.trial_started(0, "mlp", {}, "cpu-0")
        view.measured(0, measurement)
        view.trial_waits(0, "lost")
        view.trial_ended(0, TrialState.FAIL, None, "cause")
    assert screen.text() == ""


def test_output_that_is_no_terminal_gets_plain_lines(spec: StudySpec) -> None:
    with study_view(spec, OutputMode.ALL, Screen().console, "starting Ray") as view:
        assert isinstance(view, PlainView)


def test_parameters_are_described_by_the_last_part_of_their_names() -> None:
    assert (
        format_params({"training.learning_rate": 0.1, "model.activation": "relu"})
        == "learning_rate=0.1  activation=relu"
    )


@pytest.mark.parametrize(("number", "text"), [(0.5, "0.5"), (999, "999"), (1234, "1.23k"), (1_234_567, "1.23M")])
def test_count_is_readable(number: float, text: str) -> None:
    assert format_count(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (187, "3:07 min")])
def test_time_is_readable(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_cropped_text_takes_no_markup_from_what_it_shows() -> None:
    assert ellipsized("[bold]a", ("b[/]", "green")).plain == "[bold]ab[/]"
