"""Two drivers want the same run directory, or one left its lock there when it died."""

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
from tests.support.waiting import wait_until


def epochs(run_dir: Path) -> int:
    return sum(trial.epochs for trial in trials_of(RunDir(run_dir)))


@fault(
    "The driver",
    "a second driver on the same run directory",
    seen="it is refused, naming the first by process and host; exit code 2",
    lost="nothing",
)
def test_second_driver_is_refused_and_the_first_goes_on(
    killed_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    mxtrials = partial(ForkedCommand, "resume", killed_run, "--local", environment=environment)
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, before = mxtrials(folder=folders[0]), epochs(killed_run)
    wait_until(lambda: epochs(killed_run) > before, "the first trains")
    second = mxtrials(folder=folders[1])
    assert second.wait() == 2
    holder = f"process {first.pid} on {socket.gethostname()}"
    assert second.stderr.read_text() == f"mxtrials: {killed_run} is in use by {holder}: wait for it, or stop it\n"
    assert second.stdout.read_text() == ""
    before = epochs(killed_run)
    wait_until(lambda: epochs(killed_run) > before, "the first trains on")
    os.kill(first.pid, signal.SIGINT)
    assert first.wait() == 130


@fault(
    "The driver",
    "a lock that a dead driver left, also one of another host",
    seen="nothing: whoever resumes takes it, for the kernel's lock ends with its process",
    lost="nothing",
)
@pytest.mark.parametrize("note", [None, '{"pid": 1, "host": "elsewhere"}', "no JSON"])
def test_lock_of_a_dead_driver_is_taken(
    note: str | None, killed_run: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    left = killed_run / ".driver.json"
    assert left.exists()
    if note is not None:
        left.write_text(note)
    before = epochs(killed_run)
    driver = ForkedCommand("resume", killed_run, "--local", folder=tmp_path, environment=environment)
    wait_until(lambda: epochs(killed_run) > before, "it trains")
    os.kill(driver.pid, signal.SIGINT)
    assert driver.wait() == 130
    assert not left.exists()
