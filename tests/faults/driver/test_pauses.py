"""All processes are paused for longer than an epoch may take, as `docker pause` and a laptop's lid do."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from cluster.run_dir.paths import RunDir
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import attempts_of, trials_of
from tests.support.command_line import command
from tests.support.processes import wait_until

EPOCH_TIMEOUT_S, PAUSE_S = 10.0, 13.0
# An epoch of seconds, so that the pause comes during one.
SLOW_EPOCHS = ("model.hidden=[1024, 1024]", "training.batch_size=1", "training.epochs=3", "trials=1")


@pytest.mark.slow
@fault(
    "The driver",
    "all processes are paused (SIGSTOP, `docker pause`) for longer than `limits.epoch_timeout_s`",
    seen="nothing: it is no hang",
    cost="nothing; only `limits.minutes` count the pause",
)
def test_worker_is_not_killed_after_a_pause_of_all_processes(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    small.remove("--local")
    fields = [*SLOW_EPOCHS, f"limits.epoch_timeout_s={EPOCH_TIMEOUT_S}"]
    options = [*small, "--workers", "cpu=1,gpu=0", *(word for field in fields for word in ("--set", field))]
    run_dir = RunDir(tmp_path / "run")
    with subprocess.Popen(
        command("run", "smoke", *options, "--quiet", "--out", run_dir.path), cwd=tmp_path, env=environment
    ) as driver:
        wait_until(lambda: run_dir.path.exists() and attempts(run_dir) > 0, "a trial runs")
        everything = [psutil.Process(driver.pid), *psutil.Process(driver.pid).children(recursive=True)]
        for process in everything:
            process.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE_S)  # the fault itself
        for process in everything:  # the driver first, so that no worker can report before it looks at the clock
            process.send_signal(signal.SIGCONT)
        assert driver.wait() == 0
    assert [trial.epochs for trial in trials_of(run_dir)] == [3]
    assert attempts_of(run_dir) == [("complete", "")]


def attempts(run_dir: RunDir) -> int:
    """How many attempts there have been at all trials together."""
    return sum(trial.attempts for trial in trials_of(run_dir))
