"""Two drivers on the same run directory, and locks that dead drivers left."""

import os
import signal
import socket
from functools import partial
from pathlib import Path

import pytest

from cluster.run_dir.paths import RunDir
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import trials_of
from tests.support.processes import wait_until


def epoch_count(run_dir: Path) -> int:
    return sum(trial.epochs for trial in trials_of(RunDir(run_dir)))


@fault(
    "The driver",
    "a second driver starts on the same run directory",
    seen="it is rejected with the first driver's process and host; exit code 2",
    cost="nothing",
)
def test_second_driver_is_rejected_and_the_first_continues(
    killed_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    mxtrials = partial(ForkedCommand, "resume", killed_run, "--local", environment=environment)
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    before = epoch_count(killed_run)
    first = mxtrials(folder=folders[0])
    wait_until(lambda: epoch_count(killed_run) > before, "the first trains")
    second = mxtrials(folder=folders[1])
    assert second.wait() == 2
    holder = f"process {first.pid} on {socket.gethostname()}"
    assert second.stderr.read_text() == f"mxtrials: {killed_run} is in use by {holder}: wait for it, or stop it\n"
    assert second.stdout.read_text() == ""
    before = epoch_count(killed_run)
    wait_until(lambda: epoch_count(killed_run) > before, "the first continues to train")
    os.kill(first.pid, signal.SIGINT)
    assert first.wait() == 130


@fault(
    "The driver",
    "a dead driver left its lock, even one from another host",
    seen="nothing: `resume` takes it, because the kernel's lock ended with its process",
    cost="nothing",
)
@pytest.mark.parametrize("note", [None, '{"pid": 1, "host": "elsewhere"}', "no JSON"])
def test_lock_left_by_a_dead_driver_is_taken(
    note: str | None, killed_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    lock = killed_run / ".driver.json"
    assert lock.exists()
    if note is not None:
        lock.write_text(note)
    before = epoch_count(killed_run)
    driver = ForkedCommand("resume", killed_run, "--local", folder=tmp_path, environment=environment)
    wait_until(lambda: epoch_count(killed_run) > before, "it trains")
    os.kill(driver.pid, signal.SIGINT)
    assert driver.wait() == 130
    assert not lock.exists()
