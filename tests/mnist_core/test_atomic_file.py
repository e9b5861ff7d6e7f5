"""Errors of writing; tests/cluster/run_dir/test_paths.py shows that a write is atomic."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core.atomic_file import leftovers, make_folder, write_atomically, write_errors
from mnist_core.errors import NotWritable
from tests.support.command_line import ROOT

FULL = """
import resource, signal, sys
from pathlib import Path
from mnist_core.atomic_file import write_atomically
from mnist_core.errors import NotWritable

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), bytes(100_000))
except NotWritable as err:
    print(err)
"""


def test_write_error_names_what_why_and_remedy() -> None:
    with pytest.raises(NotWritable) as caught, write_errors(Path("/runs/a"), "choose another --out", verb="created"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == "/runs/a cannot be created (No space left on device): choose another --out"
    assert isinstance(caught.value.__cause__, OSError)


def test_file_system_without_locks_is_not_writable() -> None:
    remedy = "free disk space or fix its permissions"
    with pytest.raises(NotWritable, match=rf"cache cannot be written \(no flock\): {remedy}"), write_errors("cache"):
        raise NotImplementedError("no flock")


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(ValueError, match="not a write"), write_errors("file"):
        raise ValueError("not a write")


def test_file_or_folder_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match=r"file/new cannot be written \(Not a directory\)"):
        write_atomically(tmp_path / "file" / "new", b"")
    with pytest.raises(NotWritable, match=r"file/new cannot be created \(Not a directory\)"):
        make_folder(tmp_path / "file" / "new")


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o027, 0o077])
def test_umask_says_who_may_read_and_write_a_written_file(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"old")
        write_atomically(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


def test_failed_write_leaves_no_unfinished_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWritable, match="folder cannot be written"):
        write_atomically(tmp_path / "folder", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]
    assert list(leftovers(tmp_path)) == []


def test_write_that_exceeds_the_size_limit_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """A program of its own, because the limit is that of a whole process."""
    (tmp_path / "file").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "file")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "file cannot be written (File too large)" in done.stdout, done.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
