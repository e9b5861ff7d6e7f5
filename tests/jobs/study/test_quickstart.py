"""The main job as a user runs it: real data, real Ray, and outputs that all agree with each other."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cluster.run_dir.paths import RunDir
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard
from tests.support.trial_folders import trial_folder

pytestmark = pytest.mark.slow

TARGETS = {"mlp": 0.975, "lenet": 0.985, "multitask": 0.970}

# What somebody would write who has MXNet and the run directory, and has never heard of this project.
PLAIN_MXNET = """
import json, sys, numpy
numpy.bool = numpy.bool_
import mxnet as mx, gzip
prefix, folder = sys.argv[1:]
def idx(name, skip): return numpy.frombuffer(gzip.open(f"{folder}/{name}").read(), numpy.uint8)[skip:]
images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).astype(numpy.float32) / 255
labels = idx("t10k-labels-idx1-ubyte.gz", 8)
iterator = mx.io.NDArrayIter(images, labels, 100)
module = mx.mod.Module.load(prefix, 0, context=mx.cpu())
module.bind(iterator.provide_data, iterator.provide_label, for_training=False)
print(json.dumps(module.score(iterator, "acc")[0][1]))
"""


class Run:
    """A finished study: what `run` printed, and what `show --json` says about it."""

    def __init__(self, path: Path, output: str) -> None:
        self.path = path
        self.output = output
        shown = subprocess.run(
            [sys.executable, "-m", "jobs", "show", str(path), "--json"], capture_output=True, text=True, check=True
        )
        self.summary: dict[str, Any] = json.loads(shown.stdout)
        self.trials: list[dict[str, Any]] = self.summary["trials"]


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "quickstart"
    command = [sys.executable, "-m", "jobs", "run", "quickstart", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Run(out, done.stdout)


def run_of(study: Run, number: int) -> str:
    """The name of a trial's run in TensorBoard."""
    return trial_folder(RunDir(study.path), number).name


@pytest.fixture(scope="session")
def tensorboard(quickstart: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_tensorboard(quickstart.path / "tensorboard", tmp_path_factory.mktemp("tb") / "log") as client:
        client.eventually(TensorboardClient.hparams, lambda rows: len(rows) == len(quickstart.trials))
        yield client


def test_quickstart_trains_all_three_networks_to_their_targets(quickstart: Run) -> None:
    assert quickstart.summary["state"] == "complete"
    tested = {trial["model"]: trial["test"] for trial in quickstart.trials if trial["test"]}
    assert set(tested) == set(TARGETS)
    for model, target in TARGETS.items():
        assert tested[model]["test/digit_accuracy"] >= target


def test_quickstart_prunes_and_finishes_every_trial(quickstart: Run) -> None:
    states = [trial["state"] for trial in quickstart.trials]
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert [trial["number"] for trial in quickstart.trials] == list(range(9))


def test_quickstart_prints_a_leaderboard_and_the_tensorboard_command(quickstart: Run) -> None:
    best = quickstart.summary["best"]
    assert f"{best['value']:.4f}" in quickstart.output
    assert f"{best['test']['test/accuracy']:.4f}" in quickstart.output
    assert f"tensorboard --logdir {quickstart.path / 'tensorboard'}" in quickstart.output


def test_study_db_agrees_with_show(quickstart: Run) -> None:
    database = sqlite3.connect(f"{(quickstart.path / 'study.db').as_uri()}?mode=ro", uri=True)
    rows = database.execute("SELECT number, state, value FROM trials ORDER BY number").fetchall()
    assert rows == [(trial["number"], trial["state"], trial["value"]) for trial in quickstart.trials]
    for trial in quickstart.trials:
        epochs = database.execute("SELECT epoch FROM measurements WHERE trial = ? ORDER BY epoch", (trial["number"],))
        assert [epoch for (epoch,) in epochs] == list(range(1, trial["epochs"] + 1))
    database.close()


def test_parquet_agrees_with_show(quickstart: Run) -> None:
    rows = pq.read_table(quickstart.path / "results.parquet").to_pylist()
    assert [(row["number"], row["state"], row["value"], row["epochs"]) for row in rows] == [
        (trial["number"], trial["state"], trial["value"], trial["epochs"]) for trial in quickstart.trials
    ]
    assert [json.loads(row["params"]) for row in rows] == [trial["params"] for trial in quickstart.trials]
    epochs = pq.read_table(quickstart.path / "metrics.parquet").to_pylist()
    assert len(epochs) == sum(trial["epochs"] for trial in quickstart.trials)


def test_tensorboard_scalars_agree_with_show(quickstart: Run, tensorboard: TensorboardClient) -> None:
    for trial in quickstart.trials:
        run = run_of(quickstart, trial["number"])
        points = tensorboard.scalars(run, "accuracy/digit")
        assert [step for step, _ in points] == list(range(1, trial["epochs"] + 1))
        assert points[-1][1] == pytest.approx(trial["value"], abs=1e-6)
        wanted = {"loss/train", "accuracy/train", "loss/val", "accuracy/val", "perf/samples_per_second"}
        assert wanted <= set(tensorboard.scalar_tags()[run])


def test_tensorboard_hparams_agree_with_show(quickstart: Run, tensorboard: TensorboardClient) -> None:
    rows = tensorboard.hparams()
    for trial in quickstart.trials:
        row = rows[run_of(quickstart, trial["number"])]
        assert row.metrics["trial/objective"] == pytest.approx(trial["value"], abs=1e-6)
        rate = row.hparams["learning_rate"]
        assert rate == pytest.approx(trial["params"]["training.learning_rate"])


def test_tensorboard_shows_the_best_of_each_network(quickstart: Run, tensorboard: TensorboardClient) -> None:
    assert tensorboard.images("study", "pictures/first_images")
    best = [trial for trial in quickstart.trials if trial["test"]]
    assert len(best) == 3
    for trial in best:
        run = run_of(quickstart, trial["number"])
        assert len(tensorboard.images(run, "pictures/confusion_digit")) == trial["epochs"]
        assert tensorboard.images(run, "pictures/worst_mistakes_1")
        assert "softmax" in tensorboard.graph(run)


def test_best_model_opens_in_plain_mxnet_and_scores_the_same(quickstart: Run, tmp_path: Path) -> None:
    card = json.loads((quickstart.path / "best" / "model.json").read_text())
    assert card["model"]["kind"] != "multitask"  # val/digit_accuracy is highest for LeNet
    data = Path(__file__).parents[3] / "mnist_core" / "data" / "bundled"
    command = [sys.executable, "-W", "ignore", "-c", PLAIN_MXNET, str(quickstart.path / "best" / "model"), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == pytest.approx(quickstart.summary["best"]["test"]["test/accuracy"], abs=1e-9)


def test_evaluate_scores_the_best_model_as_the_study_did(quickstart: Run) -> None:
    command = [sys.executable, "-m", "jobs", "evaluate", str(quickstart.path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    scores = json.loads(done.stdout)
    assert scores["test/accuracy"] == quickstart.summary["best"]["test"]["test/accuracy"]
    assert sum(map(sum, scores["confusion"]["digit"])) == 10_000
