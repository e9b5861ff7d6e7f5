"""How far a worker is within an epoch: written rarely, read by anyone, and never in the way of training."""

from pathlib import Path

import pytest

from cluster.trial import TrialSpec
from cluster.workers.batch_progress import EVERY_S, BatchProgress, BatchReporter, read_progress
from cluster.workers.worker import Worker, WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset

BATCHES = TrainingConfig(epochs=2, batch_size=50)


class Clock:
    """A clock that is moved by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_worker_says_how_far_it_is(small_dataset: Dataset, tmp_path: Path) -> None:
    worker = Worker("cpu-3", "cpu", small_dataset, WorkerSettings(56, 0, progress=str(tmp_path)))
    worker.start(TrialSpec(7, MlpConfig(hidden=(4,)), BATCHES, seed=0))
    seen = read_progress(tmp_path, "cpu-3")
    assert seen is not None
    assert (seen.number, seen.epoch, seen.images) == (7, 1, 200)
    worker.advance()
    seen = read_progress(tmp_path, "cpu-3")
    assert seen is not None
    assert seen.epoch == 2  # the first batch of an epoch is always reported


def test_report_is_written_at_most_four_times_a_second(tmp_path: Path) -> None:
    clock = Clock()
    report = BatchReporter(str(tmp_path), "cpu-0", clock).for_trial(0)
    assert report is not None
    report(1, 100, 1000)
    clock.now_s = EVERY_S / 2
    report(1, 200, 1000)
    assert read_progress(tmp_path, "cpu-0") == BatchProgress(0, 1, 100, 1000, 0.0)
    clock.now_s = EVERY_S
    report(1, 300, 1000)
    seen = read_progress(tmp_path, "cpu-0")
    assert seen == BatchProgress(0, 1, 300, 1000, EVERY_S)
    assert seen is not None
    assert (seen.share, seen.images_per_s) == (0.3, 1200.0)


def test_folder_that_is_not_on_this_machine_gets_no_reports(tmp_path: Path) -> None:
    assert BatchReporter(str(tmp_path / "elsewhere"), "cpu-0").for_trial(0) is None
    assert BatchReporter(None, "cpu-0").for_trial(0) is None


def test_report_that_cannot_be_written_ends_the_reports_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cpu-0").symlink_to("/dev/full")
    clock = Clock()
    reporter = BatchReporter(str(tmp_path), "cpu-0", clock)
    report = reporter.for_trial(0)
    assert report is not None
    report(1, 100, 1000)
    assert reporter.for_trial(1) is None


@pytest.mark.parametrize("content", [b"", b"x" * 39, b"\xff" * 40, b"\0" * 40])
def test_damaged_report_counts_as_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cpu-0").write_bytes(content)
    assert read_progress(tmp_path, "cpu-0") is None


def test_reporter_closes_its_file(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        BatchReporter(str(tmp_path), "cpu-0")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
