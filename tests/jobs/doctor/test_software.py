"""Checks of installed software, from given names and versions, and of MXNet's import, with processes that fail."""

import sys
from pathlib import Path

import pytest
import tomli

from jobs.doctor.check import CheckResult
from jobs.doctor.software import (
    VERSIONS,
    can_be_loaded,
    check_dot,
    check_library,
    check_mxnet,
    check_mxnet_import,
    check_package,
    check_python,
)

ROOT = Path(__file__).parents[3]


def check_import(code: str, timeout_s: float = 60) -> CheckResult:
    return check_mxnet_import("mxnet-cu117", [sys.executable, "-c", code], timeout_s)


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 9, 18), "missing"), ((3, 10, 0), "ok"), ((3, 11, 9), "ok"), ((3, 12, 1), "missing"), ((2, 10, 0), "missing")],
)
def test_only_python_versions_that_mxnet_supports_are_ok(version: tuple[int, int, int], state: str) -> None:
    assert check_python(version).state == state


def test_library_that_cannot_be_loaded_names_its_package() -> None:
    assert check_library("libgomp.so.1", "libgomp1", loads=True).state == "ok"
    found = check_library("libgomp.so.1", "libgomp1", loads=False)
    assert (found.state, found.remedy) == ("missing", "`apt-get install libgomp1`: MXNet needs it")


def test_only_libraries_that_exist_can_be_loaded() -> None:
    assert can_be_loaded("libc.so.6")
    assert not can_be_loaded("libnothing.so.0")


@pytest.mark.parametrize(
    ("installed", "remedy"),
    [
        ([], "`pip install mxtrials[cpu]`"),
        (["mxnet", "mxnet-cu117"], "`pip uninstall mxnet mxnet-cu117`"),
        (["mxnet-cu999"], "`pip install mxnet-cu999==1.9.1`"),
    ],
    ids=["none", "both", "of-another-version"],
)
def test_mxnet_that_cannot_work_is_missing(installed: list[str], remedy: str) -> None:
    found = check_mxnet(installed)

    assert found.state == "missing"
    assert remedy in found.remedy


def test_mxnet_that_can_be_imported_is_ok() -> None:
    assert check_import("print('1.9.1')") == CheckResult("MXNet's import", "ok", "1.9.1 can be imported")


def test_mxnet_with_a_missing_library_names_it() -> None:
    found = check_import(
        "from mnist_core.errors import MissingLibrary\n"
        "raise MissingLibrary('MXNet cannot load libquadmath.so.0 (no such file): `apt-get install libquadmath0`')"
    )

    assert found.state == "missing"
    assert found.found == "MXNet cannot load libquadmath.so.0 (no such file): `apt-get install libquadmath0`"


@pytest.mark.parametrize(
    ("code", "found", "remedy"),
    [
        ("raise OSError('libcuda.so.1: cannot open')", "libcuda.so.1: cannot open", "install the NVIDIA driver"),
        ("import os; os.kill(os.getpid(), 4)", "no error message", "signal 4 killed it"),
        ("raise SystemExit(1)", "no error message", "run `mxtrials doctor` again"),
    ],
    ids=["driver", "signal", "silent"],
)
def test_import_that_fails_has_a_remedy(code: str, found: str, remedy: str) -> None:
    result = check_import(code)

    assert (result.state, result.found) == ("missing", found)
    assert remedy in result.remedy


def test_import_that_hangs_is_killed() -> None:
    assert check_import("import time; time.sleep(60)", timeout_s=0.2).found == "took longer than 0.2 s"


@pytest.mark.parametrize("version", ["2.59", "2.59.0", "2.60.0rc1", "2.100"])
def test_version_within_the_range_is_ok(version: str) -> None:
    assert check_package("ray", version, "2.59", "3") == CheckResult("ray", "ok", version)


@pytest.mark.parametrize("version", ["2.58.9", "1.99", "3", "3.0.0", "3.0rc1", "unknown", None])
def test_version_outside_the_range_is_missing(version: str | None) -> None:
    found = check_package("ray", version, "2.59", "3")

    assert (found.state, found.remedy) == ("missing", "`pip install 'ray>=2.59,<3'`")


def test_ranges_are_those_of_pyproject() -> None:
    wanted = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    for name, (lowest, beyond) in VERSIONS.items():
        assert {f"{name}>={lowest},<{beyond}", f"{name}[default]>={lowest},<{beyond}"} & set(wanted)


def test_dot_is_optional() -> None:
    assert check_dot(None).state == check_dot("/usr/bin/dot").state == "ok"
