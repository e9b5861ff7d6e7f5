"""Disks whose file system rejects locks, such as NFS without its lock service."""

import errno
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.rejected_locks import reject_locks
from tests.support.command_line import assert_one_line_error, run_successfully

Rejected = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["ENOLCK", "ENOSYS", "EOPNOTSUPP", "EIO", "EPERM"])
def without_locks(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path) -> Rejected:
    """Runs a command for which each lock fails with this error."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        reject = partial(reject_locks, getattr(errno, request.param))
        done = ForkedCommand(*arguments, folder=tmp_path, environment={**environment, **variables}, run_first=reject)
        return subprocess.CompletedProcess(arguments, done.wait(), done.stdout.read_text(), done.stderr.read_text())

    return run


@fault(
    "Disks and files",
    "the file system of the run or of the data cache rejects locks (NFS without its lock service)",
    seen="one-line error that says so, names the folder and how to move it (`--out`, `XDG_CACHE_HOME`), exit code 3",
    cost="nothing: an intact store is not called damaged",
)
def test_new_run_is_rejected_with_another_folder_to_choose(
    without_locks: Rejected,
    options: list[str],
    environment: dict[str, str],
    small_idx_folder: Path,
    tmp_path: Path,
) -> None:
    run_successfully(environment, "data", "--source", small_idx_folder)
    done = without_locks("run", *options, "--out", tmp_path / "run", "--quiet")
    assert_one_line_error(done, 3, f"{tmp_path / 'run'} cannot be locked (", "local disk with --out")
    assert not (tmp_path / "run").exists()


def test_resume_says_to_copy_the_run(without_locks: Rejected, started_run: Path) -> None:
    store = (started_run / "study.db").read_bytes()
    done = without_locks("resume", started_run, "--trials=2", "--local")
    assert_one_line_error(done, 3, f"{started_run}", "cop", "local disk")
    assert "restore" not in done.stderr
    assert (started_run / "study.db").read_bytes() == store


def test_show_does_not_call_an_intact_store_damaged(without_locks: Rejected, started_run: Path) -> None:
    done = without_locks("show", started_run)
    assert_one_line_error(done, 3, f"{started_run}/study.db", "lock", "copy the run to a local disk")
    assert "restore" not in done.stderr


def test_data_cache_names_the_variable_that_moves_it(
    without_locks: Rejected, small_idx_folder: Path, tmp_path: Path
) -> None:
    done = without_locks("data", "--source", small_idx_folder, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_one_line_error(done, 3, f"the data cache {tmp_path}/cache/mxtrials/", "cannot be locked", "XDG_CACHE_HOME")
