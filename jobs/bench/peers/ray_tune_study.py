"""The study of `bench study`, as an expert in Ray Tune and PyTorch would write it.

Run as `python -m jobs.bench.peers.ray_tune_study FOLDER RESULTS [--reuse-actors]`: keeps Tune's files in FOLDER and
writes the results to RESULTS, as JSON.

It uses the function API, keeps the images as float32 in the object store, which every trial maps, and gives each trial
one thread. Each trial starts a new process unless `reuse_actors` is set, which is off by default in Tune. The 32 draws
from the space are those of mxtrials, so that neither is lucky.
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from cluster.ray_backend.session import ray_session
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from jobs.bench.programs.study import HOLDOUT, MAX_EPOCHS, SEED, SPEC, TRIALS
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Subset, split

if TYPE_CHECKING:
    from ray import tune

# Tune's names of the parameters -> those of mxtrials.
FIELDS = {
    "lr": "training.learning_rate",
    "momentum": "training.momentum",
    "weight_decay": "training.weight_decay",
    "batch_size": "training.batch_size",
}


def search_space() -> dict[str, Any]:
    """Returns the space that Tune samples from, by the names of FIELDS."""
    from ray import tune

    return {
        "lr": tune.loguniform(0.001, 0.5),
        "momentum": tune.uniform(0.0, 0.95),
        "weight_decay": tune.loguniform(1e-6, 1e-2),
        "batch_size": tune.choice([50, 100, 200]),
    }


def train(config: dict[str, Any], data: dict[str, Any]) -> None:
    """Trains one trial; reports after each epoch, when the scheduler may stop it."""
    from ray import tune

    torch.set_num_threads(1)
    images, labels, val_images, val_labels = (torch.from_numpy(data[name]) for name in ("x", "y", "val_x", "val_y"))
    first, second, last = nn.Linear(784, 128), nn.Linear(128, 64), nn.Linear(64, 10)
    network = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
    for layer in (first, second, last):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    options = {name: config[name] for name in ("lr", "momentum", "weight_decay")}
    optimizer = torch.optim.SGD(network.parameters(), **options)
    cross_entropy = nn.CrossEntropyLoss()
    for _ in range(MAX_EPOCHS):
        started_s = time.perf_counter()
        order = torch.randperm(len(labels))
        for start in range(0, len(order), config["batch_size"]):
            batch = order[start : start + config["batch_size"]]
            loss = cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trained_s = time.perf_counter()
        with torch.inference_mode():
            accuracy = (network(val_images).argmax(1) == val_labels).float().mean().item()
        seconds = {"train_s": trained_s - started_s, "eval_s": time.perf_counter() - trained_s}
        tune.report({"accuracy": accuracy, **seconds})


def run_trials(folder: Path, reuse_actors: bool, data: dict[str, Any]) -> "tune.ResultGrid":
    """Runs all trials, one core each; the scheduler stops the hopeless ones early."""
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.basic_variant import BasicVariantGenerator

    trainable = tune.with_resources(tune.with_parameters(train, data=data), {"cpu": 1})
    scheduler = ASHAScheduler(max_t=MAX_EPOCHS, grace_period=1, reduction_factor=3)
    tuner = tune.Tuner(
        trainable,
        param_space=search_space(),
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=TRIALS,
            scheduler=scheduler,
            search_alg=BasicVariantGenerator(points_to_evaluate=draw_params()),
            reuse_actors=reuse_actors,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    return tuner.fit()


def draw_params() -> list[dict[str, Any]]:
    """Draws each trial's parameters as mxtrials does, by the names of FIELDS."""
    search = Search(load_spec(SPEC))
    params = [search.ask(number) for number in range(TRIALS)]
    return [{name: each[field] for name, field in FIELDS.items()} for each in params]


def load_data() -> dict[str, Any]:
    """Loads MNIST as a user of PyTorch keeps it: (N, 784) float32 in [0, 1] and int64 labels."""
    parts = split(open_dataset(cache_dir=default_cache_dir()), HOLDOUT, SEED)
    return {**_arrays(parts.train, ""), **_arrays(parts.validation, "val_")}


def _arrays(part: Subset, prefix: str) -> dict[str, Any]:
    images = part.source.images[part.indices].reshape(-1, 784).astype(np.float32) / 255
    return {f"{prefix}x": images, f"{prefix}y": part.source.labels[part.indices].astype(np.int64)}


def summarize(results: "tune.ResultGrid") -> dict[str, Any]:
    """Summarizes all trials: `epochs`, `best` (validation accuracy), `train_s` and `eval_s`."""
    epochs: Any = [results[number].metrics_dataframe for number in range(len(results))]
    best = results.get_best_result().metrics or {}
    return {
        "epochs": sum(len(each) for each in epochs),
        "best": best["accuracy"],
        "train_s": float(sum(each["train_s"].sum() for each in epochs)),
        "eval_s": float(sum(each["eval_s"].sum() for each in epochs)),
    }


def main(folder: str, results_file: str, *options: str) -> None:
    """Runs the study. Imports Tune in the session only: Ray reads its environment variables at its import."""
    with ray_session(None, None):
        results = run_trials(Path(folder), "--reuse-actors" in options, load_data())
        Path(results_file).write_text(json.dumps(summarize(results)))


if __name__ == "__main__":
    main(*sys.argv[1:])
