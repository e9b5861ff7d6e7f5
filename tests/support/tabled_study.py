"""Studies of any size in a second: the real store, filled with learning curves from a formula instead of training."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cluster.results.networks import write_networks
from cluster.results.predictions import TestPredictions, write_predictions
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import dump_spec, load_spec
from cluster.store.store import Store
from cluster.time_spent import TimeSpent
from cluster.trial import TrialState
from mnist_core.measurement import ConfusionMatrix, Measurement
from mnist_core.model.layers import Layer

SPEC = """
name: tabled
training: {epochs: 8}
search:
  space:
    model:
      choices:
        - {kind: lenet, activation: relu, initializer: xavier}
        - {kind: multitask, hidden: [512, 256], initializer: xavier}
        - {kind: mlp, hidden: [512, 256], initializer: xavier}
        - {kind: mlp, hidden: [128, 64], activation: tanh}
    training.learning_rate: {low: 0.001, high: 0.5, log: true}
    training.momentum: {low: 0.0, high: 0.95}
    training.batch_size: {choices: [50, 100, 200]}
  sampler: {kind: random}
  pruner: {kind: asha, reduction_factor: 2}
  objective: val/digit_accuracy
"""
_LEVELS = {"lenet": 0.991, "multitask": 0.979, "mlp": 0.975}
_LAYERS = (
    Layer("flatten", "Flatten", "", (), (784,), 0, 0),
    Layer("fc1", "FullyConnected", "", ("flatten",), (10,), 7850, 15680),
    Layer("softmax", "SoftmaxOutput", "", ("fc1",), (10,), 0, 0),
)
_ENVIRONMENT = {"packages": {"mxnet": "1.9.1"}, "python": "3.11.7", "cpu": "a processor", "host": "here", "cores": 2}


def tabled_study(path: Path, trials: int, spec: str = SPEC, *, is_scored: bool = True) -> RunDir:
    """Creates the run directory of a complete study.

    One trial in three is complete, one in 25 failed, one in 20 had an attempt that crashed; the others are pruned.

    Args:
        path: of the new run directory.
        trials: how many trials it has.
        spec: in YAML; its space must have the fields of `SPEC`.
        is_scored: whether the best trial of each network has test metrics and predictions.
    """
    run_dir = RunDir.create(path)
    study = load_spec(spec, [f"trials={trials}"], name="the tabled study")
    run_dir.spec.write_text(dump_spec(study))
    rng = np.random.default_rng(trials)
    with Store.create(run_dir.store, study.name, json.dumps(_ENVIRONMENT), dump_spec(study)) as store:
        for first in range(0, trials, 500):
            store.begin()
            for number in range(first, min(first + 500, trials)):
                _add_trial(
                    store, rng, number, {field: entry.at(rng.random()) for field, entry in study.search.space.items()}
                )
            store.commit()
        if is_scored:
            _score(store, run_dir, rng)
        _spread_over_time(store, trials)
        parts = {"start": 2.0, "training": 80.0, "evaluation": 10.0, "idle": 6.0, "finish": 2.0}
        store.add_time_spent(TimeSpent(0, 50.0, 2, parts, {"start": 2.0, "store": 1.0, "events": 45.0, "finish": 2.0}))
        store.set_study("complete")
    return run_dir


def _add_trial(store: Store, rng: np.random.Generator, number: int, params: Mapping[str, object]) -> None:
    model = params["model"]
    assert isinstance(model, Mapping)
    kind = str(model["kind"])
    store.add_trial(number, kind, params, seed=number)  # type: ignore[arg-type]
    if number % 20 == 7:
        store.start_attempt(number, f"cpu-{number % 2}")
        store.end_attempt(number, "crashed", "worker died: exit code -9 <killed>", "Traceback: ...")
    store.start_attempt(number, f"cpu-{number % 2}")
    rate = float(str(params["training.learning_rate"]))
    reached = _LEVELS[kind] - 0.02 * abs(math.log10(rate) + 1) - 0.01 * float(str(params["training.momentum"])) ** 2
    epochs = 8 if number % 3 == 0 else int(rng.integers(1, 5))
    value = 0.0
    for epoch in range(1, epochs + 1):
        value = float(np.clip(reached - 0.05 * math.exp(-0.8 * epoch) + rng.normal(0, 0.0008), 0.1, 1.0))
        store.add_measurement(number, _measurement(kind, epoch, round(value, 4)), round(value, 4))
    if number % 25 == 24:
        store.fail_trial(number, "failed", "the loss is nan after epoch 1: training has diverged", "Traceback: ...")
    else:
        state = TrialState.COMPLETE if epochs == 8 else TrialState.PRUNED
        store.finish_trial(number, state, round(value, 4), "abc" if epochs == 8 else None)


def _measurement(kind: str, epoch: int, value: float) -> Measurement:
    metrics = {
        "train/loss": 2 * (1 - value),
        "train/accuracy": min(1.0, value + 0.001 * epoch),
        "val/loss": 3 * (1 - value),
        "val/accuracy": value,
        "val/digit_accuracy": value,
        "perf/samples_per_second": 5000.0 + epoch,
    }
    confusion = {"digit": _confusion(value, 10, 10_000)}
    if kind == "multitask":
        metrics["val/parity_accuracy"] = value
        confusion["parity"] = _confusion(value, 2, 10_000)
    return Measurement(epoch, metrics, 1.5 * epoch, confusion)


def _confusion(accuracy: float, classes: int, images: int) -> ConfusionMatrix:
    each = images // classes
    wrong = round(each * (1 - accuracy) / (classes - 1))
    return tuple(
        tuple(each - wrong * (classes - 1) if label == read else wrong for read in range(classes))
        for label in range(classes)
    )


def _score(store: Store, run_dir: RunDir, rng: np.random.Generator) -> None:
    """Gives the best trial of each network test metrics, predictions for 200 images, and layers."""
    best: dict[str, tuple[float, int]] = {}
    for trial in store.trials():
        if trial.state is TrialState.COMPLETE:
            best[trial.model] = max(best.get(trial.model, (0.0, 0)), (trial.value or 0.0, trial.number))
    predictions = []
    for kind, (value, number) in best.items():
        metrics = {"test/loss": 0.1, "test/accuracy": value, "test/digit_accuracy": value}
        heads = {"digit": _probabilities(rng, 10)}
        if kind == "multitask":
            metrics["test/parity_accuracy"] = value
            heads["parity"] = _probabilities(rng, 2)
        store.set_test(number, metrics)
        labels = (np.arange(200) % 10).astype(np.uint8)
        predictions.append(TestPredictions(number, kind, labels, heads))
    if predictions:
        write_predictions(run_dir.predictions, predictions)
        write_networks(run_dir.networks, {each.trial: _LAYERS for each in predictions})


def _probabilities(rng: np.random.Generator, classes: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Returns probabilities for 200 images, of which about half are read right."""
    labels = np.arange(200) % 10 % classes
    weights = rng.random((200, classes)) ** 4
    weights[np.arange(200), labels] += 0.4
    shares: np.ndarray[tuple[int, int], np.dtype[np.float32]] = (weights / weights.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return shares


def _spread_over_time(store: Store, trials: int) -> None:
    """Moves the attempts, which took no time, to where two workers would have made them."""
    begin = time.time() - 7.0 * trials
    with store.transaction() as sql:
        rows = sql.execute("SELECT rowid, trial, worker FROM attempts ORDER BY rowid").fetchall()
        busy: dict[str, float] = {}
        for row, trial, worker in rows:
            start = busy.get(worker, begin)
            busy[worker] = start + 4.0 + trial % 9
            sql.execute(
                "UPDATE attempts SET started_at = ?, ended_at = ? WHERE rowid = ?", (start, busy[worker] - 0.2, row)
            )
