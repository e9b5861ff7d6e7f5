"""The driver is killed: at fifty random instants in a row, alone while it runs on Ray, and together with Ray."""

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest

from cluster.results.summary import read_summary
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from tests.faults.kit.forked_process import ForkedCommand, ForkedStudy
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_outcome
from tests.faults.kit.studies import attempts_of
from tests.support.command_line import command
from tests.support.processes import has_ended, is_worker, wait_until

TRIALS, EPOCHS, KILLS = 20, 10, 50
START_SHARE = 0.3  # of the kills come before the first trial
EPOCH_S = 0.02


def run_undisturbed(study: ForkedStudy) -> float:
    """Runs a study and returns the seconds until its first trial starts."""
    started_s = time.time()
    assert study.start_driver().wait() == 0
    with StudyReader.open(RunDir(study.run_dir).store) as store:
        ((first_trial_s,),) = store.rows("SELECT min(started_at) FROM attempts")
    return float(first_trial_s) - started_s


def epoch_count(study: ForkedStudy) -> int:
    """The epochs of all trials together."""
    if not study.run_dir.exists():
        return 0
    with StudyReader.open(RunDir(study.run_dir).store) as store:
        ((count,),) = store.rows("SELECT count(*) FROM measurements")
    return int(count)


def kill_next_driver(study: ForkedStudy, epochs: float, after_s: float) -> bool:
    """Starts a driver and kills it `after_s` seconds after the study has `epochs` epochs.

    Returns:
        Whether the driver was still running.
    """
    driver = study.start_driver()
    wait_until(lambda: epoch_count(study) >= epochs or not driver.is_alive, f"{epochs} epochs")
    exit_code = driver.kill(after_s)
    assert exit_code in (-signal.SIGKILL, 0)
    if study.run_dir.exists():
        assert read_summary(RunDir(study.run_dir)).state in ("interrupted", "complete")
    return exit_code != 0


@fault(
    "The driver",
    f"SIGKILL at random instants, {KILLS} times in a row, from start to finish",
    seen="`mxtrials show` says interrupted; `mxtrials resume` continues",
    cost="training since the last checkpoints; each trial still ends once, each epoch is recorded once, "
    "and everything equals an undisturbed study bit for bit",
)
def test_study_killed_at_fifty_random_instants_ends_like_an_undisturbed_one(
    rng: Random, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    fields = (f"trials={TRIALS}", f"training.epochs={EPOCHS}", "limits.checkpoint_every_s=0")
    options = [*small, "--quiet", *(word for field in fields for word in ("--set", field))]
    undisturbed, killed = (ForkedStudy(tmp_path / name, options, environment) for name in ("undisturbed", "killed"))
    # Starts the fork server, so that the next line does not measure that.
    assert ForkedCommand("--version", folder=tmp_path, environment=environment).wait() == 0
    start_s = run_undisturbed(undisturbed)
    kills = 0
    while kills < KILLS:
        # Wait for a fair share of the remaining epochs at most, so that the kills spread over the whole study.
        done = epoch_count(killed)
        fair_share = (TRIALS * EPOCHS - done) / (KILLS - kills)
        while_starting = rng.random() < START_SHARE
        epochs = 0.0 if while_starting else done + rng.uniform(0, fair_share)
        kills += kill_next_driver(killed, epochs, after_s=rng.uniform(0, start_s if while_starting else EPOCH_S))
    assert killed.start_driver().wait() == 0

    assert read_outcome(killed.run_dir) == read_outcome(undisturbed.run_dir)
    for number in range(TRIALS):
        *earlier, last = [outcome for outcome, _ in attempts_of(RunDir(killed.run_dir), number)]
        assert (set(earlier) <= {"interrupted"}, last) == (True, "complete")


@pytest.mark.slow
@fault(
    "The driver",
    "SIGKILL while it runs on Ray: the driver alone, then everything including Ray",
    seen="the workers exit; `mxtrials show` says interrupted; `mxtrials resume` continues, on Ray or not",
    cost="training since the last checkpoints",
)
def test_study_on_ray_resumes_after_its_driver_and_then_everything_is_killed(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = ["--quiet", "--set", "training.epochs=100", "--set", "limits.checkpoint_every_s=0", *small]
    options.remove("--local")
    on_ray = ("--workers", "cpu=1,gpu=0")
    killed, undisturbed = (
        ForkedStudy(tmp_path / name, [*options, "--local"], environment) for name in ("killed", "undisturbed")
    )
    run = command("run", "smoke", *options, *on_ray, "--out", killed.run_dir)
    resume = command("resume", killed.run_dir, *on_ray, "--quiet")
    for arguments, epochs, with_ray in ((run, 2, False), (resume, 102, True)):
        with subprocess.Popen(arguments, cwd=tmp_path, env=environment) as driver:
            wait_until(lambda: epoch_count(killed) >= epochs, f"{epochs} epochs")  # noqa: B023
            children = psutil.Process(driver.pid).children(recursive=True)
            workers = [process for process in children if is_worker(process)]
            for victim in children if with_ray else []:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
            driver.kill()
        assert workers
        wait_until(lambda: all(map(has_ended, workers)), "the workers end")  # noqa: B023
        assert read_summary(RunDir(killed.run_dir)).state == "interrupted"
    assert killed.start_driver().wait() == 0
    assert undisturbed.start_driver().wait() == 0
    assert read_outcome(killed.run_dir) == read_outcome(undisturbed.run_dir)
