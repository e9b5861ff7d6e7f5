"""The tutorials' recipes, run by their shipped specs, reach the accuracy that the tutorials reached."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def run_and_test(spec: str, out: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "jobs", "run", spec, "--local", "--json", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    test: dict[str, Any] = json.loads(done.stdout)["best"]["test"]
    return test


def test_mlp_recipe_reaches_the_tutorials_accuracy(tmp_path: Path) -> None:
    assert run_and_test("tutorial-mlp", tmp_path / "run")["test/accuracy"] >= 0.966


def test_lenet_recipe_reaches_the_tutorials_accuracy(tmp_path: Path) -> None:
    assert run_and_test("tutorial-lenet", tmp_path / "run")["test/accuracy"] >= 0.987


def test_multitask_recipe_reaches_the_tutorials_accuracies(tmp_path: Path) -> None:
    accuracy = run_and_test("tutorial-multitask", tmp_path / "run")
    assert accuracy["test/digit_accuracy"] >= 0.965
    assert accuracy["test/parity_accuracy"] >= 0.983
