"""The live view as people see it: the same study on a terminal of 80 and of 140 columns."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from cluster.driver.observer import StudyOpened, TrialEnded, TrialMeasured, TrialStarted, WorkersChanged
from cluster.run_dir.paths import RunDir
from cluster.spec.space import grid_point
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialSpec, TrialState
from cluster.workers.batch_progress import BatchReporter
from jobs.specs.shipped import spec_path
from jobs.terminal.running.live_view import StudyScreen
from jobs.terminal.running.progress import Progress
from mnist_core.measurement import Measurement

NARROW = """\
3 of 9 trials  1 complete  1 pruned  1 failed  ━━━━━━━━━━━━━╸
0:41 elapsed, about 0:40 left  2 workers
best  lenet 0.9891 #1 lr=0.03   multitask -   mlp -
trial  network      lr  epoch               train     val  img/s   left  curve
    0  lenet      0.06    2/3  ━━━━━━━╸    0.9931  0.9895     4k   0:12  ▁█
    6  mlp        0.06    0/3                   -       -
ended  #5 multitask  pruned after 1 of 3: 0.9669 < 0.9703 of its kind  lr=0.1
       #4 multitask  failed diverged: the loss is not finite  lr=0.03
       #1 lenet  complete 0.9891  lr=0.03
"""
WIDE = """\
3 of 9 trials  1 complete  1 pruned  1 failed  ━━━━━━━━━━━━━━━━╸
0:41 elapsed, about 0:40 left  2 workers
best  lenet 0.9891 #1 lr=0.03   multitask -   mlp -
trial  network      lr  epoch                     train     val  img/s   left  curve  worker
    0  lenet      0.06    2/3  ━━━━━━━╸     75%  0.9931  0.9895     4k   0:12  ▁█     cpu-0
    6  mlp        0.06    0/3                0%       -       -                       cpu-1
ended  #5 multitask  pruned after 1 of 3: 0.9669 < 0.9703 of its kind  lr=0.1
       #4 multitask  failed diverged: the loss is not finite  lr=0.03
       #1 lenet  complete 0.9891  lr=0.03
"""


class Clock:
    """A clock that is moved by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """The shipped quickstart study, 41 s after its start."""
    spec = load_spec(spec_path("quickstart"))
    clock = Clock()
    study = Progress(spec, clock)

    def start(number: int, worker: str) -> None:
        params = grid_point(spec.search.space, number)
        study.update(TrialStarted(TrialSpec.resolve(spec, number, params), worker))

    def measure(number: int, epoch: int, metrics: Mapping[str, float], elapsed_s: float) -> None:
        study.update(TrialMeasured(number, Measurement(epoch, metrics, elapsed_s)))

    study.update(StudyOpened(tmp_path))
    study.update(WorkersChanged(2))
    for number, value, ended in (
        (1, 0.9891, TrialEnded(1, TrialState.COMPLETE, 0.9891)),
        (4, 0.9, TrialEnded(4, TrialState.FAIL, error="diverged: the loss is not finite")),
        (5, 0.9669, TrialEnded(5, TrialState.PRUNED, 0.9669, bound=0.9703)),
    ):
        start(number, "cpu-1")
        measure(number, 1, {"val/digit_accuracy": value}, 8.0)
        study.update(ended)
    start(0, "cpu-0")
    start(6, "cpu-1")
    for epoch, value in ((1, 0.9852), (2, 0.9895)):
        measure(0, epoch, {"val/digit_accuracy": value, "train/accuracy": 0.9931}, 16.0 * epoch)
    folder = RunDir(tmp_path).progress
    folder.mkdir()
    report = BatchReporter(str(folder), "cpu-0", clock).for_trial(0)
    assert report is not None
    report(3, 0, 50_000)
    clock.now_s = 3.125
    report(3, 12_500, 50_000)
    clock.now_s = 41.0
    study.read_batches()
    return study


@pytest.mark.parametrize(("width", "picture"), [(80, NARROW), (140, WIDE)])
def test_live_view_looks_as_it_should(width: int, picture: str, progress: Progress) -> None:
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True, color_system=None)
    console.print(StudyScreen(progress))
    assert isinstance(console.file, io.StringIO)
    drawn = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert "\n".join([*drawn, ""]) == picture


def test_terminal_without_unicode_gets_no_curve(progress: Progress) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    Console(file=output, width=140, height=24, force_terminal=True, color_system=None).print(StudyScreen(progress))
    output.seek(0)
    assert "curve" not in output.read()
