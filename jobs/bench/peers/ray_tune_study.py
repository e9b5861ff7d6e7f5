"""The study of `mxtrials bench study` as a user of Ray Tune and PyTorch writes it, and writes it well.

The function API; images as float32 once in the object store, mapped by every trial; one thread a trial. Each trial
starts a process of its own, unless `reuse_actors` is set, which Tune leaves off. The 32 draws from the space are those
of mxtrials, so that no side is lucky.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator
from torch import nn

from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from jobs.bench.programs.study import HOLDOUT, MAX_EPOCHS, SEED, SPEC, TRIALS
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Subset, split

SPACE = {
    "lr": tune.loguniform(0.001, 0.5),
    "momentum": tune.uniform(0.0, 0.95),
    "weight_decay": tune.loguniform(1e-6, 1e-2),
    "batch_size": tune.choice([50, 100, 200]),
}
FIELDS = {"lr": "learning_rate", **{name: name for name in ("momentum", "weight_decay", "batch_size")}}


def train(config: dict[str, Any], data: dict[str, Any]) -> None:
    """One trial: reports after each epoch, and is stopped there by the scheduler."""
    torch.set_num_threads(1)
    images, labels, val_images, val_labels = (torch.from_numpy(data[name]) for name in ("x", "y", "val_x", "val_y"))
    first, second, last = nn.Linear(784, 128), nn.Linear(128, 64), nn.Linear(64, 10)
    network = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
    for layer in (first, second, last):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    options = {name: config[name] for name in ("lr", "momentum", "weight_decay")}
    optimizer, cross_entropy = torch.optim.SGD(network.parameters(), **options), nn.CrossEntropyLoss()
    for _ in range(MAX_EPOCHS):
        began_s = time.perf_counter()
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
        seconds = {"train_s": trained_s - began_s, "eval_s": time.perf_counter() - trained_s}
        tune.report({"accuracy": accuracy, **seconds})


def search(folder: Path, reuse_actors: bool, data: dict[str, Any]) -> tune.ResultGrid:
    """All trials, one core each, the hopeless ones stopped early."""
    trainable = tune.with_resources(tune.with_parameters(train, data=data), {"cpu": 1})
    scheduler = ASHAScheduler(max_t=MAX_EPOCHS, grace_period=1, reduction_factor=3)
    tuner = tune.Tuner(
        trainable,
        param_space=SPACE,
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=TRIALS,
            scheduler=scheduler,
            search_alg=BasicVariantGenerator(points_to_evaluate=draws()),
            reuse_actors=reuse_actors,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    return tuner.fit()


def draws() -> list[dict[str, Any]]:
    """What mxtrials draws for each trial, by the names of SPACE."""
    asked = Search(load_spec(SPEC))
    params = [asked.ask(number) for number in range(TRIALS)]
    return [{name: each[f"training.{field}"] for name, field in FIELDS.items()} for each in params]


def prepared() -> dict[str, Any]:
    """MNIST as a user of PyTorch keeps it: (N, 784) float32 in [0, 1] and int64 labels."""
    parts = split(open_dataset(cache_dir=default_cache_dir()), HOLDOUT, SEED)
    return {**_arrays(parts.train, ""), **_arrays(parts.validation, "val_")}


def _arrays(part: Subset, prefix: str) -> dict[str, Any]:
    images = part.source.images[part.indices].reshape(-1, 784).astype(np.float32) / 255
    return {f"{prefix}x": images, f"{prefix}y": part.source.labels[part.indices].astype(np.int64)}


def write_found(folder: Path, reuse_actors: bool, found: Path) -> None:
    """Writes what the search found, as JSON."""
    results = search(folder, reuse_actors, prepared())
    epochs: Any = [results[number].metrics_dataframe for number in range(len(results))]
    best = results.get_best_result().metrics or {}
    told = {
        "epochs": sum(len(each) for each in epochs),
        "best": best["accuracy"],
        "train_s": float(sum(each["train_s"].sum() for each in epochs)),
        "eval_s": float(sum(each["eval_s"].sum() for each in epochs)),
    }
    found.write_text(json.dumps(told))
