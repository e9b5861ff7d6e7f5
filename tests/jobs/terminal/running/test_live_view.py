"""The terminal while a study runs: plain lines, and the live table on narrow and wide terminals."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.driver.observer import StudyOpened, StudyStopping, TrialEnded, TrialMeasured, TrialWaiting, WorkersChanged
from cluster.spec.space import Params
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialSpec, TrialState
from cluster.workers.events import Measured
from cluster.workers.inline_pool import InlinePool
from cluster.workers.worker import WorkerSettings
from jobs.terminal.output import format_count
from jobs.terminal.running.live_view import LiveView
from jobs.terminal.running.plain_view import PlainView
from jobs.terminal.running.progress import Progress
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial, started

ROOT = Path(__file__).parents[4]
SPEC = """
name: view
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 2, batch_size: 50}
search: {space: {training.learning_rate: {low: 0.1, high: 0.2}, training.momentum: {choices: [0.0, 0.123456]}}}
trials: 3
"""
PARAMS: Params = {"training.learning_rate": 0.1, "training.momentum": 0.123456}
PLAIN_VIEW_PROGRAM = """
import sys
from rich.console import Console
from cluster.spec.spec_file import load_spec
from jobs.terminal.running.progress import Progress
from cluster.driver.observer import WorkersChanged
from jobs.terminal.running.plain_view import PlainView
view = PlainView(Progress(load_spec(sys.argv[1])), Console())
for workers in range(3):
    view.notify(WorkersChanged(workers, None))
print("continued", file=sys.stderr)
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
    """A terminal or another output that records what is written to it."""

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
    """The lines that a view draws."""
    screen = Screen(width)
    screen.console.print(view.draw())
    return [line.rstrip() for line in screen.text().splitlines()]


def test_plain_lines_report_each_event_of_a_trial(spec: StudySpec, measurement: Measurement) -> None:
    view, screen = plain(spec)
    view.notify(StudyOpened(Path("runs/view"), is_local=True))
    view.notify(WorkersChanged(1, None))
    view.notify(started(0, "mlp", {"training.learning_rate": 0.1}, "cpu-0", epochs=2))
    view.notify(TrialMeasured(0, replace(measurement, elapsed_s=1.25)))
    view.notify(TrialEnded(0, TrialState.COMPLETE, 0.51234, None))
    metrics = measurement.metrics
    speed = format_count(metrics["perf/samples_per_second"])
    shown = "  ".join(f"{name} {metrics[name]:.4f}" for name in ("val/accuracy", "train/accuracy", "train/loss"))
    assert screen.text().splitlines() == [
        "    0.0 s  view  3 trials, tpe, 1 worker in this process, best val/accuracy",
        "    0.0 s  run directory  runs/view",
        "    0.0 s  TensorBoard    tensorboard --logdir runs/view/tensorboard",
        "    0.0 s  1 worker ready",
        "    0.0 s  trial 0 mlp starts on cpu-0  lr=0.1",
        f"    0.0 s  trial 0 mlp epoch 1/2  {shown}  1.2 s  {speed} images/s",
        "    0.0 s  trial 0 mlp COMPLETE  val/accuracy 0.5123  1.2 s  (1 of 3 trials)",
    ]


def test_plain_line_of_a_pruned_trial_says_against_what(spec: StudySpec, measurement: Measurement) -> None:
    view, screen = plain(spec)
    view.notify(started(0, epochs=2))
    view.notify(TrialMeasured(0, replace(measurement, elapsed_s=1.25)))
    view.notify(TrialEnded(0, TrialState.PRUNED, 0.5, None, bound=0.50001))
    assert screen.text().splitlines()[-1] == (
        "    0.0 s  trial 0 mlp PRUNED  after 1 of 2: 0.50000 < 0.50001 of the others  1.2 s  (1 of 3 trials)"
    )


def test_plain_lines_report_problems_without_interpreting_markup(spec: StudySpec) -> None:
    view, screen = plain(spec)
    view.notify(started(0, epochs=2))
    view.notify(WorkersChanged(0, "killed [/red]"))
    view.notify(TrialWaiting(0, "lost, attempt 1: killed"))
    view.notify(TrialEnded(0, TrialState.FAIL, None, "MXNetError: [11:22:33] src/x.cc"))
    assert screen.text().splitlines() == [
        "    0.0 s  trial 0 mlp starts on cpu-0",
        "    0.0 s  a worker was lost: killed [/red]",
        "    0.0 s  trial 0 waits: lost, attempt 1: killed",
        "    0.0 s  trial 0 FAIL  MXNetError: [11:22:33] src/x.cc  (1 of 3 trials)",
    ]


def test_long_plain_line_is_not_wrapped(spec: StudySpec) -> None:
    view, screen = plain(spec)
    view.notify(TrialWaiting(0, "x" * 500))
    assert len(screen.text().splitlines()) == 1


@pytest.mark.parametrize("output", ["broken pipe", "full disk"])
def test_plain_view_whose_output_fails_stops_printing(output: str) -> None:
    if output == "full disk":
        stdout = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stdout = os.pipe()
        os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PLAIN_VIEW_PROGRAM, SPEC],
            check=False,  # the rest of a line fails again when Python flushes it at exit
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(stdout)
    assert ended.stderr.startswith("continued\n")
    assert output == "full disk" or ended.returncode == 0


def test_live_view_before_the_first_worker_says_what_it_waits_for(spec: StudySpec) -> None:
    view, _ = live(spec)
    counts, times = drawn(view)
    assert counts == "0 of 3 trials"
    assert times == "starting Ray ...  0:00 elapsed"


def test_live_view_of_a_trial_before_its_first_epoch_shows_no_numbers(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.notify(WorkersChanged(1, None))
    view.notify(started(0, epochs=2))
    assert drawn(view)[-1].split()[:2] == ["0", "0/2"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_live_view_crops_lines_to_the_width_of_the_terminal(
    width: int, spec: StudySpec, measurement: Measurement
) -> None:
    view, _ = live(spec)
    view.notify(WorkersChanged(2, "the worker died, " * 20))
    for number in range(3):
        view.notify(started(number, "mlp", PARAMS, "gpu-10", epochs=2))
        view.notify(TrialMeasured(number, measurement))
    lines = drawn(view, width)
    assert len(lines) == 7  # counts, times, header, three trials, problem: each one line
    assert all(len(line) <= width for line in lines)
    assert lines[-1].endswith("…")


def test_live_view_shows_as_many_trials_as_the_terminal_has_lines(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.notify(WorkersChanged(60))
    for number in range(60):
        view.notify(started(number, worker=f"cpu-{number}", epochs=2))
    lines = drawn(view)
    assert len(lines) <= 24 - 3  # what opened the study stays in sight
    assert lines[-1] == f"and {60 - (len(lines) - 4)} more"


def test_live_view_shows_problems_once_and_without_interpreting_markup(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.notify(TrialEnded(0, TrialState.FAIL, None, "[11:22:33] [/red] diverged"))
    assert drawn(view)[-1] == "ended  #0  failed [11:22:33] [/red] diverged"
    view.notify(TrialWaiting(1, "[/red] lost"))
    assert drawn(view)[-1] == "last problem: trial 1 waits: [/red] lost"


def test_own_ctrl_c_is_not_called_a_problem(spec: StudySpec) -> None:
    view, _ = live(spec)
    view.notify(WorkersChanged(1))
    view.notify(started(0, epochs=2))
    view.notify(StudyStopping("interrupted"))
    view.notify(TrialWaiting(0, "interrupted"))
    assert drawn(view)[2:] == ["stopping (interrupted): saving after the current epochs; Ctrl-C again quits now"]


def test_live_view_after_the_last_trial_says_what_the_study_still_does(spec: StudySpec) -> None:
    view, progress = live(spec)
    view.notify(WorkersChanged(1, None))
    for _ in range(3):
        progress.count_finished(finished_trial(TrialState.PRUNED))
    counts, times = drawn(view)
    assert counts.startswith("3 of 3 trials  3 pruned  ━")
    assert times == "0:00 elapsed, scoring the best on the test set ..."


def test_live_view_shows_the_cursor_again_when_it_ends(spec: StudySpec) -> None:
    screen = Screen(terminal=True)
    progress = Progress(spec)
    progress.count_finished(finished_trial(TrialState.COMPLETE))
    with LiveView(progress, screen.console, "starting Ray") as view:
        view.notify(WorkersChanged(1))
    assert "1 of 3 trials" in screen.text()
    assert "\x1b[?25l" in screen.text()  # the cursor was hidden ...
    assert screen.text().rindex("\x1b[?25h") > screen.text().rindex("\x1b[?25l")  # ... and is shown again
