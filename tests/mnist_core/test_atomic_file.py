"""Errors of writing; tests/cluster/run_dir/test_paths.py shows that a write is atomic."""

import errno
from pathlib import Path

import pytest

from mnist_core.atomic_file import make_folder, write_atomically, write_errors
from mnist_core.errors import NotWritable


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
