"""`mxtrials export`: other tools read what it writes, and find in it what the study recorded."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import duckdb
import numpy as np
import onnxruntime
import optuna
import pandas as pd
import polars as pl
import pytest
from mlflow.tracking import MlflowClient

from cluster.run_dir.paths import RunDir
from tests.support.command_line import CommandLine, assert_one_line_error, run_successfully
from tests.support.processes import free_port, is_listening, wait_until

SPEC = """\
name: three-networks
training: {epochs: 2, batch_size: 50}
search:
  space:
    model:
      choices:
        - {kind: mlp, hidden: [16], initializer: xavier}
        - {kind: multitask, hidden: [16], initializer: xavier}
        - {kind: lenet, filters: [2, 2], hidden: 8, initializer: xavier}
    training.learning_rate: {choices: [0.05, 0.1]}
  sampler: {kind: grid}
  objective: val/digit_accuracy
"""

RecordedStudy = tuple[Path, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def study(
    environment: dict[str, str], small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> RecordedStudy:
    """The run directory of six trials of three-networks, and its trials as JSON."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "spec.yaml").write_text(SPEC)
    data = ("--set", f"data.source={small_idx_folder}", "--set", "data.holdout=56")
    options = (*data, "--local", "--json", "--out", folder / "a run")
    document = run_successfully(environment, "run", folder / "spec.yaml", *options)
    return folder / "a run", json.loads(document)["trials"]


def test_tables_are_read_by_pandas_polars_and_duckdb(
    study: RecordedStudy, mxtrials: CommandLine, tmp_path: Path
) -> None:
    run_dir, trials = study
    for name in ("csv", "parquet"):
        done = mxtrials("export", run_dir, "--to", name, "--out", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split() == [f"{tmp_path}/results.{name}", f"{tmp_path}/metrics.{name}"]
    values = [trial["value"] for trial in trials]
    results = pd.read_csv(tmp_path / "results.csv", float_precision="round_trip")
    assert results["value"].tolist() == values
    assert results["training.learning_rate"].tolist() == [t["params"]["training.learning_rate"] for t in trials]
    assert results["error"].isna().all()
    assert pl.read_csv(tmp_path / "metrics.csv").filter(pl.col("epoch") == 2)["val/digit_accuracy"].to_list() == values
    query = "SELECT value FROM read_parquet(?) ORDER BY number"
    assert [row[0] for row in duckdb.execute(query, [f"{tmp_path}/results.parquet"]).fetchall()] == values
    parquet = pd.read_parquet(tmp_path / "metrics.parquet")
    assert len(parquet) == 12


def test_models_predict_in_an_independent_runtime_what_they_predict_here(
    study: RecordedStudy, mxtrials: CommandLine, small_dataset: Any
) -> None:
    run_dir, trials = study
    done = mxtrials("export", run_dir, "--to", "onnx", "--json")
    files = [Path(file) for file in json.loads(done.stdout)["files"]]
    assert sorted(file.name for file in files) == ["lenet.onnx", "mlp.onnx", "multitask.onnx"]
    pixels = small_dataset.test.images[:, None].astype(np.float32) / 255
    for file in files:
        best = max((trial for trial in trials if trial["model"] == file.stem), key=lambda trial: trial["value"])
        runtime = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (probabilities,) = runtime.run(["digit"], {"data": pixels})
        right = np.mean(probabilities.argmax(axis=1) == small_dataset.test.labels)
        assert right == pytest.approx(best["test"]["test/digit_accuracy"])
        assert runtime.get_modelmeta().custom_metadata_map["weights_sha256"] == best["weights_sha256"]


@pytest.fixture(scope="module")
def optuna_url(study: RecordedStudy, environment: dict[str, str]) -> str:
    run_dir, _ = study
    printed = run_successfully(environment, "export", run_dir, "--to", "optuna")
    url = f"sqlite:///{run_dir}/export/optuna.db"
    assert printed.splitlines() == [f"{run_dir}/export/optuna.db", f"show it with: optuna-dashboard '{url}'"]
    return url


def test_optuna_finds_the_trials_and_the_best(study: RecordedStudy, optuna_url: str) -> None:
    _, trials = study
    found = optuna.load_study(study_name="three-networks", storage=optuna_url)
    assert [trial.value for trial in found.trials] == [trial["value"] for trial in trials]
    assert [len(trial.intermediate_values) for trial in found.trials] == [2] * 6
    assert found.best_value == max(trial["value"] for trial in trials)
    assert [json.loads(trial.params["model"])["kind"] for trial in found.trials] == [t["model"] for t in trials]


@pytest.fixture
def dashboard(optuna_url: str) -> Iterator[str]:
    """The address of a real optuna-dashboard that shows the export."""
    port = free_port()
    program = Path(sys.executable).with_name("optuna-dashboard")
    with subprocess.Popen([program, "--port", str(port), optuna_url], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_listening(port), "optuna-dashboard listens")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_dashboard_shows_the_study(dashboard: str, study: RecordedStudy) -> None:
    with urlopen(f"{dashboard}/api/studies", timeout=60) as answer:
        (summary,) = json.loads(answer.read())["study_summaries"]
    assert summary["study_name"] == "three-networks"
    with urlopen(f"{dashboard}/api/studies/{summary['study_id']}?after=0", timeout=30) as answer:
        shown = json.loads(answer.read())
    assert [trial["state"] for trial in shown["trials"]] == ["Complete"] * 6
    assert [trial["values"] for trial in shown["trials"]] == [[trial["value"]] for trial in study[1]]


def test_mlflow_finds_a_run_for_each_trial(study: RecordedStudy, mxtrials: CommandLine) -> None:
    run_dir, trials = study
    done = mxtrials("export", run_dir, "--to", "mlflow")
    assert "show it with: mlflow ui --backend-store-uri" in done.stdout
    client = MlflowClient(f"sqlite:///{run_dir}/export/mlflow.db")
    experiment = client.get_experiment_by_name("three-networks")
    assert experiment is not None
    runs = sorted(client.search_runs([experiment.experiment_id]), key=lambda run: run.info.run_name)
    assert [run.info.run_name for run in runs] == [f"trial {each['number']} {each['model']}" for each in trials]
    assert [run.data.metrics["val/digit_accuracy"] for run in runs] == [trial["value"] for trial in trials]
    assert {run.info.status for run in runs} == {"FINISHED"}
    history = client.get_metric_history(runs[0].info.run_id, "val/digit_accuracy")
    assert [each.step for each in history] == [1, 2]
    assert float(runs[0].data.params["training.learning_rate"]) == trials[0]["params"]["training.learning_rate"]


def test_folder_that_cannot_be_written_is_named(study: RecordedStudy, mxtrials: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = mxtrials("export", study[0], "--to", "csv", "--out", tmp_path / "file")
    assert_one_line_error(done, 3, f"{tmp_path}/file", "cannot be")


def test_study_without_a_complete_trial_has_tables_but_no_model(
    study: RecordedStudy, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    fields = ("training.weight_decay=1", "training.epochs=20", "training.learning_rate=100", "search={}")
    options = [word for field in fields for word in ("--set", field)]
    done = mxtrials("run", "smoke", *small, *options, "--out", "diverged")
    assert done.returncode == 1, done.stdout
    diverged = RunDir(tmp_path / "diverged").path
    assert mxtrials("export", diverged, "--to", "csv").returncode == 0
    assert_one_line_error(mxtrials("export", diverged, "--to", "onnx"), 2, "no complete trial yet", "no model")


def test_damaged_weights_are_named(study: RecordedStudy, mxtrials: CommandLine, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study[0], copy)
    for state in copy.glob("checkpoints/*/*.state"):
        state.write_bytes(state.read_bytes()[:-1])
    assert_one_line_error(mxtrials("export", copy, "--to", "onnx"), 2, "no longer contains the final weights")
