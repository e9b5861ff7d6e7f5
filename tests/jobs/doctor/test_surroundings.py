"""Checks of the home folder, the temporary folder and the limit of open files."""

from pathlib import Path

import pytest

from cluster.ray_backend.session import MOST_SOCKET_BYTES, TemporaryFolder
from jobs.doctor.surroundings import check_home, check_open_files, check_temporary_folder


def test_home_that_can_be_written_is_ok(tmp_path: Path) -> None:
    assert check_home(tmp_path).state == "ok"


@pytest.mark.parametrize(
    ("home", "found"), [(None, "none"), ("missing", "is no folder"), ("/proc", "cannot be written")]
)
def test_home_that_cannot_be_written_says_to_set_another(home: str | None, found: str, tmp_path: Path) -> None:
    result = check_home(None if home is None else tmp_path / home)
    assert result.state == "missing"
    assert found in result.found
    assert "set HOME" in result.remedy


def test_temporary_folder_is_ok_up_to_the_limit_of_socket_paths(tmp_path: Path) -> None:
    assert check_temporary_folder(TemporaryFolder(None, tmp_path, MOST_SOCKET_BYTES)).state == "ok"
    result = check_temporary_folder(TemporaryFolder("TMPDIR", tmp_path, MOST_SOCKET_BYTES + 3))
    assert result.state == "missing"
    assert "3 bytes too long" in result.found
    assert "RAY_TMPDIR" in result.remedy


def test_temporary_folder_that_does_not_exist_is_missing(tmp_path: Path) -> None:
    assert check_temporary_folder(TemporaryFolder("TMPDIR", tmp_path / "x", 90)).state == "missing"


@pytest.mark.parametrize(
    ("soft", "hard", "state", "remedy"),
    [
        (-1, -1, "ok", ""),
        (1024, 4096, "ok", ""),
        (1023, 4096, "warning", "`ulimit -n 1024`"),
        (63, -1, "missing", "`ulimit -n 1024`"),
        (63, 1023, "missing", "raise the hard limit, 1023"),
    ],
)
def test_open_files_are_compared_with_what_ray_needs(soft: int, hard: int, state: str, remedy: str) -> None:
    result = check_open_files(soft, hard)
    assert result.state == state
    assert remedy in result.remedy
