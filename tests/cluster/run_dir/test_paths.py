"""The run directory: created once, opened if it holds a study, and locked by one process at a time."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import pytest

from cluster.run_dir.creation import create_atomically
from cluster.run_dir.paths import RunDir
from mnist_core.atomic_file import write_atomically
from mnist_core.errors import NotWritable, RunDirError

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from cluster.run_dir.paths import RunDir
with RunDir(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "runs" / "study")


@pytest.fixture
def holder(run_dir: RunDir) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run_dir.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_new_run_directory_is_created_with_its_parents(run_dir: RunDir) -> None:
    assert run_dir.path.is_dir()
    assert list(run_dir.path.iterdir()) == []


@pytest.mark.parametrize("in_the_way", ["file", "folder"])
def test_path_that_exists_is_rejected(in_the_way: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.touch() if in_the_way == "file" else (path / "notes").mkdir(parents=True)
    with pytest.raises(RunDirError, match="already exists.*: choose another --out$"), create_atomically(path):
        pass


def test_existing_run_is_rejected_with_the_command_that_resumes_it(run_dir: RunDir) -> None:
    run_dir.store.touch()
    with pytest.raises(RunDirError, match=f"mxtrials resume {run_dir.path}"), create_atomically(run_dir.path):
        pass


@pytest.mark.parametrize("parent", ["/proc/nowhere", "file", "n" * 300])
def test_run_directory_that_cannot_be_created_is_not_writable(parent: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / parent / "run"
    with pytest.raises(NotWritable, match="cannot be created .*: choose another --out"), create_atomically(path):
        pass


def test_run_directory_appears_with_its_complete_content(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "study"
    with create_atomically(path) as new:
        new.spec.write_text("name: study")
        assert not path.exists()
    assert [file.name for file in path.iterdir()] == ["spec.yaml"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "empty"])
def test_run_directory_is_locked_from_the_moment_when_it_appears(is_there: bool, tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    if is_there:
        run_dir.path.mkdir()
    with ExitStack() as lock:
        with create_atomically(run_dir.path, lock) as new:
            new.spec.write_text("name: study")
            assert (run_dir if is_there else new).is_locked()
        assert run_dir.is_locked()
        with pytest.raises(RunDirError, match=f"is in use by process {os.getpid()} on "), run_dir.lock():
            pytest.fail("the run was locked twice")
    assert not run_dir.is_locked()
    assert sorted(file.name for file in run_dir.path.iterdir()) == [".lock", "spec.yaml"]
    with run_dir.lock():
        assert run_dir.is_locked()


def test_lock_of_a_run_directory_that_does_not_appear_is_released(tmp_path: Path) -> None:
    with ExitStack() as lock:
        with pytest.raises(ZeroDivisionError), create_atomically(tmp_path / "run", lock) as new:
            new.spec.write_text(str(1 / 0))
        assert list(tmp_path.iterdir()) == []
    RunDir.create(tmp_path / "run")


def test_run_directory_does_not_appear_if_filling_it_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), create_atomically(tmp_path / "run") as new:
        new.spec.write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", ".", "/", ".."])
def test_path_without_a_folder_name_is_rejected(path: str) -> None:
    with (
        pytest.raises(RunDirError, match="already exists.*: choose another --out"),
        create_atomically(Path(path)),
    ):
        pytest.fail("the block was entered")


def test_run_directory_does_not_replace_a_folder_that_was_created_in_the_meantime(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(RunDirError, match="already exists.*: choose another --out"), create_atomically(path):
        (path / "another").mkdir(parents=True)
    with pytest.raises(RunDirError, match="already exists.*: choose another --out"), create_atomically(path):
        pytest.fail("the block was entered")
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_partial_files_of_a_killed_driver_are_deleted(run_dir: RunDir) -> None:
    files = [run_dir.spec, run_dir.checkpoint(3, 1), run_dir.best.with_name("model.json")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, b"whole")
        (file.parent / f".{file.name}.x3k_2a.part").write_bytes(b"wh")
    with run_dir.lock():
        run_dir.clear_leftovers()
        assert {file.name for file in run_dir.path.iterdir() if file.is_file()} == {
            ".driver.json",
            ".lock",
            "spec.yaml",
        }
    assert [file.read_bytes() for file in files] == [b"whole"] * 3
    assert [[*file.parent.glob(".*.part")] for file in files] == [[]] * 3


def test_folder_with_a_study_can_be_opened(run_dir: RunDir) -> None:
    run_dir.store.touch()
    assert RunDir.open(run_dir.path).path == run_dir.path


def test_folder_without_a_study_is_rejected(run_dir: RunDir) -> None:
    with pytest.raises(RunDirError, match="it has no study.db"):
        RunDir.open(run_dir.path)
    with pytest.raises(RunDirError, match="there is no such folder"):
        RunDir.open(run_dir.path / "deeper")


def test_removed_run_directory_is_gone(run_dir: RunDir) -> None:
    run_dir.store.touch()
    run_dir.remove()
    run_dir.remove()
    assert not run_dir.path.exists()


def test_checkpoint_names_sort_by_epoch(run_dir: RunDir) -> None:
    epochs = [1, 9, 10, 99, 100, 9999]
    assert sorted(run_dir.checkpoint(0, epoch) for epoch in epochs) == [run_dir.checkpoint(0, e) for e in epochs]


def test_run_directory_is_locked_only_within_the_block(run_dir: RunDir) -> None:
    assert not run_dir.is_locked()
    with run_dir.lock():
        assert run_dir.is_locked()
    assert not run_dir.is_locked()


def test_lock_is_released_after_an_error(run_dir: RunDir) -> None:
    with pytest.raises(ZeroDivisionError), run_dir.lock():
        _ = 1 / 0
    with run_dir.lock():
        pass


def test_second_process_gets_an_error_with_pid_and_host_of_the_first(
    run_dir: RunDir, holder: subprocess.Popen[str]
) -> None:
    assert run_dir.is_locked()
    with pytest.raises(RunDirError) as raised, run_dir.lock():
        pass
    assert f"in use by process {holder.pid} on {socket.gethostname()}: wait for it, or stop it" in str(raised.value)
    assert run_dir.is_locked()  # neither the check nor the failed attempt released it


def test_checking_the_lock_creates_nothing(run_dir: RunDir) -> None:
    assert not run_dir.is_locked()
    assert list(run_dir.path.iterdir()) == []


def test_lock_can_be_checked_without_write_permission(run_dir: RunDir, holder: subprocess.Popen[str]) -> None:
    (lock_file,) = run_dir.path.glob(".lock")
    lock_file.chmod(0o444)
    run_dir.path.chmod(0o555)
    assert run_dir.is_locked()
    holder.kill()
    holder.wait()
    assert not run_dir.is_locked()
    run_dir.path.chmod(0o755)


def test_checking_the_lock_disturbs_neither_other_checks_nor_the_driver(run_dir: RunDir) -> None:
    with run_dir.lock():
        pass
    (path,) = run_dir.path.glob(".lock")
    with path.open("rb") as checking:
        fcntl.flock(checking, fcntl.LOCK_SH)
        assert not run_dir.is_locked()

        def end_check_while_driver_waits(frame: FrameType, event: str, argument: object) -> None:
            if event == "c_call" and argument is time.sleep:
                sys.setprofile(None)
                fcntl.flock(checking, fcntl.LOCK_UN)

        sys.setprofile(end_check_while_driver_waits)
        try:
            with run_dir.lock():
                assert run_dir.is_locked()
            assert sys.getprofile() is None  # it has waited
        finally:
            sys.setprofile(None)


def test_lock_of_a_killed_process_is_released(run_dir: RunDir, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not run_dir.is_locked()
    with run_dir.lock():
        assert run_dir.is_locked()


def test_lock_below_a_file_is_not_writable_and_not_held(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run_dir = RunDir(tmp_path / "file")
    with pytest.raises(NotWritable, match="cannot be written"), run_dir.lock():
        pass
    assert not run_dir.is_locked()
