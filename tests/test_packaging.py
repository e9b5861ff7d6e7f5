"""The lock files satisfy pyproject.toml, and a wheel contains every file of the packages."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("mnist_core", "cluster", "jobs")
LOCKS = {
    "requirements.lock": ("cpu", "build", "dev"),
    "deploy/requirements.lock": ("cpu", "build"),
    "deploy/requirements-gpu.lock": ("gpu", "build"),
}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_pyproject(lock: str) -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"]]
    for extra in LOCKS[lock]:
        required += project["optional-dependencies"][extra]
    locked = pinned(ROOT / lock)

    unsatisfied = [
        requirement
        for requirement in map(Requirement, required)
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]

    assert not unsatisfied, "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_but_no_index_or_url(lock: str) -> None:
    text = (ROOT / lock).read_text()
    options = set(re.findall(r"^\s*(-[^=\s]+)", text, re.MULTILINE))

    assert options == {"--hash"}
    assert not re.search(r"://|@ ", text)


def test_runtime_lock_pins_the_versions_that_are_tested() -> None:
    tested = pinned(ROOT / "requirements.lock")
    runtime = pinned(ROOT / "deploy" / "requirements.lock")

    assert {name: tested.get(name) for name in runtime} == runtime


def test_wheel_contains_every_file_of_the_packages(tmp_path: Path) -> None:
    files = subprocess.check_output(["git", "ls-files", *PACKAGES], cwd=ROOT, text=True).splitlines()
    for name in ["pyproject.toml", "README.md", "LICENSE", *files]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", "wheels", "."], cwd=tmp_path, check=True)

    (wheel,) = (tmp_path / "wheels").glob("mxtrials-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not set(files) - set(archive.namelist())


def pinned(lock: Path) -> dict[str, str]:
    """Returns the versions in a lock file, by normalized name."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}
