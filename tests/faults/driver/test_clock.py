"""The clock is set back by an hour: while a study runs, and before it is resumed."""

import signal
import time
from functools import partial
from pathlib import Path

import pytest

from cluster.run_dir.paths import RunDir
from tests.faults.kit.disk_steps import die_before_step
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_outcome
from tests.support.trial_folders import trial_folder

AN_HOUR_S = 3600.0
DURING_THE_FIRST_TRIAL = 28  # this step on the disk


def set_clock_back(folder: Path, once_exists: str) -> None:
    """Sets this process's clock back by an hour as soon as the folder has a path that matches the pattern."""
    true_time = time.time
    time.time = lambda: true_time() - AN_HOUR_S * any(folder.glob(once_exists))


@fault(
    "The driver",
    "the clock is set back during a study, or before it is resumed",
    seen="nothing",
    cost="nothing: no order depends on the clock, neither in the store nor in TensorBoard's files",
)
@pytest.mark.parametrize("moment", ["during a study", "before a resume"])
def test_clock_that_is_set_back_changes_nothing(
    moment: str, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    fields = ("trials=3", "training.epochs=3", "limits.checkpoint_every_s=0")
    options = [*small, "--quiet", *(word for field in fields for word in ("--set", field))]
    mxtrials = partial(ForkedCommand, folder=tmp_path, environment=environment)
    run = partial(mxtrials, "run", "smoke", *options, "--out")
    assert run("undisturbed").wait() == 0
    run_dir = RunDir(tmp_path / "disturbed")
    if moment == "during a study":
        assert run(run_dir.path, run_first=partial(set_clock_back, run_dir.tensorboard, "0002-*")).wait() == 0
    else:
        exit_code = run(run_dir.path, run_first=partial(die_before_step, DURING_THE_FIRST_TRIAL, tmp_path)).wait()
        assert exit_code == -signal.SIGKILL
        (old_file,) = trial_folder(run_dir, 0).iterdir()
        resume = partial(mxtrials, "resume", run_dir.path, "--local", "--quiet")
        assert resume(run_first=partial(set_clock_back, tmp_path, "*")).wait() == 0
        assert all(file.name > old_file.name for file in trial_folder(run_dir, 0).glob("events.*"))
    assert read_outcome(run_dir.path) == read_outcome(tmp_path / "undisturbed")
    for trial in run_dir.tensorboard.iterdir():
        files = sorted(trial.glob("events.*"))
        assert files == sorted(files, key=lambda file: file.stat().st_mtime_ns)
