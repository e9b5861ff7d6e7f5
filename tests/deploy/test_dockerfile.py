"""deploy/Dockerfile passes a linter, and what it copies and installs exists."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TEXT = DOCKERFILE.read_text()
HADOLINT = str(Path(sys.executable).with_name("hadolint"))


def test_linter_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_lock_that_can_be_installed_exists() -> None:
    (default,) = re.findall(r"^ARG LOCK=(\S+)$", TEXT, re.MULTILINE)
    named = {default, *re.findall(r"--build-arg LOCK=(\S+)", TEXT)}
    assert named == {"requirements.lock", "requirements-gpu.lock"}
    assert all((ROOT / "deploy" / lock).exists() for lock in named)


def test_packages_are_installed_by_hash_and_the_project_without_dependencies() -> None:
    locked, project = re.findall(r"^RUN (pip install .*)$", TEXT, re.MULTILINE)
    assert '--require-hashes -r "deploy/${LOCK}"' in locked
    assert {"--no-deps", "--no-build-isolation", "."} <= set(project.split())


def test_copied_files_exist_and_are_in_the_build_context() -> None:
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", TEXT, re.MULTILINE) for word in line.split()}
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


def test_system_libraries_that_mxnet_needs_are_installed() -> None:
    assert {"libgomp1", "libquadmath0"} <= set(TEXT.split())
