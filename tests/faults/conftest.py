"""A study on few images that was never disturbed, and a disk to disturb others on."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.kit.small_disk import Disks, small_disks
from tests.faults.kit.steps import die_before_step
from tests.faults.kit.warm import WarmCommand
from tests.support.command_line import ROOT, CommandLine, command

TRIALS, EPOCHS = 3, 12
KILLED_BEFORE_STEP = 60


@pytest.fixture
def mxtrials(environment: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Runs a command in an empty folder and waits for its end, in a process that needs not import MXNet."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        own, output = {**environment, **variables}, tmp_path_factory.mktemp("output")
        warm = WarmCommand(*arguments, folder=tmp_path, environment=own, output=output)
        return subprocess.CompletedProcess(arguments, warm.wait(), warm.stdout.read_text(), warm.stderr.read_text())

    return run


@pytest.fixture(scope="session")
def options(small_idx_folder: Path) -> list[str]:
    """Of `mxtrials run`: a study in this process, whose training states are kept each epoch."""
    fields = {
        "data.source": small_idx_folder,
        "data.holdout": 56,
        "training.epochs": EPOCHS,
        "limits.checkpoint_every_s": 0,
    }
    return ["smoke", "--local", *(f"--set={key}={value}" for key, value in fields.items())]


@pytest.fixture(scope="session")
def undisturbed(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of all trials; not to be written to."""
    run_dir = tmp_path_factory.mktemp("undisturbed") / "run"
    call(environment, "run", *options, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    return run_dir


@pytest.fixture(scope="session")
def begun_once(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of the first trial; not to be written to."""
    run_dir = tmp_path_factory.mktemp("begun") / "run"
    call(environment, "run", *options, "--trials=1", "--out", run_dir, "--quiet")
    return run_dir


@pytest.fixture
def begun(begun_once: Path, tmp_path: Path) -> Path:
    """A run directory of the test's own, in which the first trial is complete."""
    return shutil.copytree(begun_once, tmp_path / "run")


@pytest.fixture(scope="session")
def stopped_once(
    environment: dict[str, str],
    options: list[str],
    small_idx_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The run directory of a study that had to stop amid its first trial; not to be written to."""
    call(environment, "data", "--source", small_idx_folder)
    run_dir = tmp_path_factory.mktemp("stopped") / "run"
    run = command("run", *options, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    # No file may be longer than 128 KiB, which the store's log soon is.
    done = subprocess.run(["sh", "-c", 'ulimit -f 256 && exec "$@"', "sh", *run], env=environment, check=False)
    assert done.returncode == 3
    return run_dir


@pytest.fixture
def stopped(stopped_once: Path, tmp_path: Path) -> Path:
    """A run directory of the test's own, whose first trial is half trained."""
    return shutil.copytree(stopped_once, tmp_path / "run")


@pytest.fixture(scope="session")
def killed_once(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a study whose driver was killed after a few epochs; not to be written to."""
    folder = tmp_path_factory.mktemp("killed")
    # After so many steps it has not yet so much to say that SQLite moves its log into the store.
    dies = partial(die_before_step, KILLED_BEFORE_STEP, folder)
    run: list[str | Path] = ["run", *options, "--set=training.epochs=5000", "--out", folder / "run"]
    driver = WarmCommand(*run, folder=folder, environment=environment, first=dies)
    assert driver.wait() == -signal.SIGKILL
    assert "epoch 3/5000" in driver.stdout.read_text()
    assert (folder / "run" / "study.db-wal").stat().st_size > 0
    return folder / "run"


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """A run directory of the test's own, whose driver was killed."""
    return shutil.copytree(killed_once, tmp_path / "run")


@pytest.fixture
def disks(tmp_path: Path, environment: dict[str, str]) -> Iterator[Disks]:
    """Small disks, seen by the commands that the test runs through them."""
    with small_disks(tmp_path, environment) as disks:
        yield disks


def call(environment: dict[str, str], *arguments: str | Path) -> str:
    """What a command prints that has to succeed."""
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
