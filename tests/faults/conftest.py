"""Run directories of a small study, undisturbed, stopped and killed, and small disks to run others on."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.kit.disk_steps import die_before_step
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.small_disk import Disks, small_disks
from tests.support.command_line import CommandLine, command, run_successfully

TRIALS, EPOCHS = 3, 12
KILLED_BEFORE_STEP = 60


@pytest.fixture
def mxtrials(environment: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Runs a command in an empty folder and waits for its end; the process is forked, and starts at once."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        done = ForkedCommand(
            *arguments,
            folder=tmp_path,
            environment={**environment, **variables},
            output=tmp_path_factory.mktemp("output"),
        )
        return subprocess.CompletedProcess(arguments, done.wait(), done.stdout.read_text(), done.stderr.read_text())

    return run


@pytest.fixture(scope="session")
def options(small_idx_folder: Path) -> list[str]:
    """Arguments of `mxtrials run` for a study in the driver's process that saves a checkpoint every epoch."""
    fields = {
        "data.source": small_idx_folder,
        "data.holdout": 56,
        "training.epochs": EPOCHS,
        "limits.checkpoint_every_s": 0,
    }
    return ["smoke", "--local", *(f"--set={key}={value}" for key, value in fields.items())]


@pytest.fixture(scope="session")
def undisturbed(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of the complete study; shared, so do not write to it."""
    run_dir = tmp_path_factory.mktemp("undisturbed") / "run"
    run_successfully(environment, "run", *options, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    return run_dir


@pytest.fixture(scope="session")
def started_template(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `started_run` is copied from."""
    run_dir = tmp_path_factory.mktemp("started") / "run"
    run_successfully(environment, "run", *options, "--trials=1", "--out", run_dir, "--quiet")
    return run_dir


@pytest.fixture
def started_run(started_template: Path, tmp_path: Path) -> Path:
    """A run directory whose first trial is complete; the others have not been asked for yet."""
    return shutil.copytree(started_template, tmp_path / "run")


@pytest.fixture(scope="session")
def stopped_template(
    environment: dict[str, str],
    options: list[str],
    small_idx_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What `stopped_run` is copied from."""
    run_successfully(environment, "data", "--source", small_idx_folder)
    run_dir = tmp_path_factory.mktemp("stopped") / "run"
    run = command("run", *options, f"--trials={TRIALS}", "--out", run_dir, "--quiet")
    # No file may be longer than 128 KiB, which the store's log soon reaches.
    done = subprocess.run(["sh", "-c", 'ulimit -f 256 && exec "$@"', "sh", *run], env=environment, check=False)
    assert done.returncode == 3
    return run_dir


@pytest.fixture
def stopped_run(stopped_template: Path, tmp_path: Path) -> Path:
    """A run directory whose driver had to stop in the middle of its first trial."""
    return shutil.copytree(stopped_template, tmp_path / "run")


@pytest.fixture(scope="session")
def killed_template(environment: dict[str, str], options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `killed_run` is copied from."""
    folder = tmp_path_factory.mktemp("killed")
    run: list[str | Path] = ["run", *options, "--set=training.epochs=5000", "--out", folder / "run"]
    # Early enough that SQLite has not yet moved its log into the store.
    dies = partial(die_before_step, KILLED_BEFORE_STEP, folder)
    driver = ForkedCommand(*run, folder=folder, environment=environment, run_first=dies)
    assert driver.wait() == -signal.SIGKILL
    assert "epoch 3/5000" in driver.stdout.read_text()
    assert (folder / "run" / "study.db-wal").stat().st_size > 0
    return folder / "run"


@pytest.fixture
def killed_run(killed_template: Path, tmp_path: Path) -> Path:
    """A run directory whose driver was killed after a few epochs."""
    return shutil.copytree(killed_template, tmp_path / "run")


@pytest.fixture
def disks(tmp_path: Path, environment: dict[str, str]) -> Iterator[Disks]:
    """Small disks, which only the commands that the test runs through them see."""
    with small_disks(tmp_path, environment) as disks:
        yield disks
