"""The driver is killed: at fifty random instants in a row, alone while Ray works for it, and with all of Ray."""

import secrets
import signal
import subprocess
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random

import psutil
import pytest

from cluster.results.summary import read_summary
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_outcome
from tests.faults.kit.studies import attempts_of
from tests.support.command_line import command
from tests.support.waiting import has_ended, wait_until

TRIALS, EPOCHS, KILLS = 20, 10, 50
START_SHARE, EPOCH_S = 0.3, 0.02


class Study:
    """A study of many trials, and its drivers, one after the other."""

    def __init__(self, folder: Path, options: list[str], environment: dict[str, str]) -> None:
        folder.mkdir()
        self.run_dir = RunDir(folder / "run")
        self._command = partial(ForkedCommand, folder=folder, environment=environment)
        self._run: list[str | Path] = ["run", "smoke", *options, "--out", self.run_dir.path]

    def driver(self) -> ForkedCommand:
        """One that begins the study, or goes on with it."""
        resume = ["resume", self.run_dir.path, "--local", "--quiet"]
        return self._command(*(resume if self.run_dir.path.exists() else self._run))

    def undisturbed(self) -> float:
        """Runs it: how long it takes until its first trial begins, in seconds."""
        began_s = time.time()
        assert self.driver().wait() == 0
        with closing(StudyReader.open(self.run_dir.store)) as store:
            ((first_s,),) = store.rows("SELECT min(started_at) FROM attempts")
        return float(first_s) - began_s

    def epochs(self) -> int:
        """How many it has, of all trials."""
        if not self.run_dir.path.exists():
            return 0
        with closing(StudyReader.open(self.run_dir.store)) as store:
            ((count,),) = store.rows("SELECT count(*) FROM measurements")
        return int(count)

    def lives_until(self, epochs: float, after_s: float) -> bool:
        """Kills its next driver when there are so many epochs and so much time has passed; whether it was alive."""
        driver = self.driver()
        wait_until(lambda: self.epochs() >= epochs or not driver.is_alive, f"{epochs} epochs")
        exit_code = driver.kill(after_s)
        assert exit_code in (-signal.SIGKILL, 0)
        assert read_summary(self.run_dir).state in ("interrupted", "complete") if self.run_dir.path.exists() else True
        return exit_code != 0


@fault(
    "The driver",
    f"SIGKILL at random instants, {KILLS} times in a row, from its first moment to its last",
    seen="`mxtrials show` says interrupted; `mxtrials resume` goes on",
    lost="training since the last states: each trial ends once, each epoch is there once, "
    "and all is to the bit as if nothing had happened",
)
def test_study_killed_at_fifty_random_instants_ends_as_if_it_had_not_been(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    fields = (f"trials={TRIALS}", f"training.epochs={EPOCHS}", "limits.checkpoint_every_s=0")
    options = [*small, "--quiet", *(word for field in fields for word in ("--set", field))]
    undisturbed, killed = (Study(tmp_path / name, options, environment) for name in ("undisturbed", "killed"))
    assert ForkedCommand("--version", folder=tmp_path, environment=environment).wait() == 0
    start_s, seed = undisturbed.undisturbed(), secrets.randbits(32)
    chance, kills = Random(seed), 0
    while kills < KILLS:
        # The last kill may come at the end of the study, and none before it much sooner than its turn is.
        done = killed.epochs()
        fair_share = (TRIALS * EPOCHS - done) / (KILLS - kills)
        as_it_starts = chance.random() < START_SHARE
        epochs = 0.0 if as_it_starts else done + chance.uniform(0, fair_share)
        kills += killed.lives_until(epochs, after_s=chance.uniform(0, start_s if as_it_starts else EPOCH_S))
    assert killed.driver().wait() == 0, f"seed {seed}"

    assert read_outcome(killed.run_dir.path) == read_outcome(undisturbed.run_dir.path), f"seed {seed}"
    for number in range(TRIALS):
        *earlier, last = [ended for ended, _ in attempts_of(killed.run_dir, number)]
        assert (set(earlier) <= {"interrupted"}, last) == (True, "complete"), f"seed {seed}"


def is_worker(process: psutil.Process) -> bool:
    """Whether it is one, and has not ended since it was listed."""
    try:
        return process.name().startswith("ray::_Actor")
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@fault(
    "The driver",
    "SIGKILL while it runs on Ray: of the driver alone, then of everything, Ray included",
    seen="the workers end; `mxtrials show` says interrupted; `mxtrials resume` goes on, on Ray or not",
    lost="training since the last states",
)
def test_study_on_ray_goes_on_when_its_driver_and_then_everything_was_killed(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = ["--quiet", "--set", "training.epochs=100", "--set", "limits.checkpoint_every_s=0", *small]
    options.remove("--local")
    on_ray = ("--workers", "cpu=1,gpu=0")
    killed, undisturbed = (Study(tmp_path / name, [*options, "--local"], environment) for name in ("killed", "not"))
    first = command("run", "smoke", *options, *on_ray, "--out", killed.run_dir.path)
    again = command("resume", killed.run_dir.path, *on_ray, "--quiet")
    for line, epochs, with_ray in ((first, 2, False), (again, 102, True)):
        with subprocess.Popen(line, cwd=tmp_path, env=environment) as driver:
            wait_until(lambda: killed.epochs() >= epochs, f"{epochs} epochs")  # noqa: B023
            rays = psutil.Process(driver.pid).children(recursive=True)
            workers = [process for process in rays if is_worker(process)]
            for victim in rays if with_ray else []:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
            driver.kill()
        assert workers
        wait_until(lambda: all(map(has_ended, workers)), "the workers end")  # noqa: B023
        assert read_summary(killed.run_dir).state == "interrupted"
    assert killed.driver().wait() == 0
    assert undisturbed.driver().wait() == 0
    assert read_outcome(killed.run_dir.path) == read_outcome(undisturbed.run_dir.path)
