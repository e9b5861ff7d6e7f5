"""The Python entry does what the command line does, and returns values instead of printing."""

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cluster.trial import TrialState
from jobs.api import read_study, run_study
from mnist_core.data.dataset import Dataset
from mnist_core.errors import AddressError, MxtrialsError, RunDirError, SpecError
from tests.support.command_line import CommandLine
from tests.support.small_images import write_idx_files


@pytest.fixture(autouse=True)
def private_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def small(small_idx_folder: Path) -> list[str]:
    return [f"data.source={small_idx_folder}", "data.holdout=56"]


def test_study_that_is_run_is_returned_and_read_again(tmp_path: Path, small: list[str]) -> None:
    out = tmp_path / "run"
    study = run_study("smoke", out, [*small, "trials=3"], local=True)

    assert study.state == "complete"
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    assert study.best == study.ranked()[0]
    assert read_study(out) == study
    assert read_study(str(out)) == study


def test_run_directory_has_what_the_command_line_writes(
    tmp_path: Path, small: list[str], mxtrials: CommandLine
) -> None:
    run_study("smoke", tmp_path / "python", small, local=True)
    overrides = [word for each in small for word in ("--set", each)]
    assert mxtrials("run", "smoke", *overrides, "--local", "--out", tmp_path / "shell").returncode == 0

    names = [sorted(each.name for each in (tmp_path / run).iterdir()) for run in ("python", "shell")]
    assert names[0] == names[1]
    assert "COMPLETE" in (tmp_path / "python" / "run.log").read_text()
    trials = [read_study(tmp_path / run).trials for run in ("python", "shell")]
    assert [trial.weights_sha256 for trial in trials[0]] == [trial.weights_sha256 for trial in trials[1]]


def test_mapping_is_a_spec(tmp_path: Path, small: list[str]) -> None:
    rates = (0.1, 1e-5)
    space = {"training.learning_rate": {"choices": rates}}
    spec = {"name": "mine", "training": {"epochs": 1}, "search": {"space": space, "sampler": {"kind": "grid"}}}
    study = run_study(spec, tmp_path / "run", small, local=True)

    assert study.spec.name == "mine"
    assert [trial.params["training.learning_rate"] for trial in study.trials] == list(rates)


def test_key_of_a_mapping_that_does_not_exist_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the study spec.*learning_rat.*learning_rate"):
        run_study({"name": "mine", "training": {"learning_rat": 0.1}}, tmp_path / "run", local=True)
    assert not (tmp_path / "run").exists()


def test_value_that_yaml_cannot_hold_is_rejected(tmp_path: Path) -> None:
    for value in (np.float32(0.1), {1, 2}, tmp_path):
        with pytest.raises(SpecError, match="not JSON serializable.*use numbers"):
            run_study({"name": "mine", "training": {"learning_rate": value}}, tmp_path / "run", local=True)


def test_place_to_train_is_checked_before_the_study_starts(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="address is 'nowhere'"):
        run_study("smoke", tmp_path / "run", address="nowhere")
    with pytest.raises(ValueError, match="leave out the address"):
        run_study("smoke", tmp_path / "run", local=True, address="10.0.0.1:6379")
    assert not (tmp_path / "run").exists()


def test_warning_is_logged(
    small_dataset: Dataset, small: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faint = replace(small_dataset.train, images=np.minimum(small_dataset.train.images, np.uint8(1)))
    folder = tmp_path / "data"
    folder.mkdir()
    write_idx_files(replace(small_dataset, train=faint), folder)
    run_study("smoke", tmp_path / "run", [*small, f"data.source={folder}"], local=True)

    (record,) = [each for each in caplog.records if each.name == "mxtrials"]
    assert record.levelno == logging.WARNING
    assert "largest pixel" in record.message


def test_folder_without_a_study_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(RunDirError):
        read_study(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").touch()
    with pytest.raises(MxtrialsError, match="run"):
        run_study("smoke", tmp_path / "run", local=True)


def test_reading_imports_neither_mxnet_nor_ray() -> None:
    code = "import sys, jobs.api; print(sorted({'mxnet', 'ray', 'rich', 'optuna'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
