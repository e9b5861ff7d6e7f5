"""Nine small trials, each network with each optimizer, on a worker before and after it trains many others.

Run as a program, `python -m tests.cluster.worn_worker FOLDER CACHE`, with IDX files in the folder; prints, as
JSON, the SHA-256 of the nine's final weights and what the process holds, before and after the others.
"""

import gc
import hashlib
import json
import os
import pickle
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialSpec
from cluster.workers.events import Failed, Finished, Measured
from cluster.workers.worker import Worker
from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.data.cache import open_dataset
from tests.faults.kit.studies import SETTINGS, SPEC

# Batches of 60 leave a smaller one at the end of an epoch; the schedule changes the learning rate with every step.
NINE = (
    "training={epochs: 6, batch_size: 60, learning_rate: 0.01, momentum: 0.9, weight_decay: 1.0e-3}",
    "training.schedule={kind: cosine}",
    "search.space={}",
    "search.space.training.optimizer={choices: [sgd, nag, adam]}",
    "search.space.model={choices: [{kind: mlp}, {kind: multitask}, {kind: lenet, filters: [6, 16], hidden: 32}]}",
    "search.sampler={kind: grid}",
    "trials=9",
)
WARM_UP, OTHERS = 24, 60
FILES = Path("/proc/self/fd")


def nine_trials() -> list[TrialSpec]:
    """The nine trials as a driver hands them out."""
    spec = load_spec(SPEC, NINE)
    search = Search(spec)
    return [TrialSpec.resolve(spec, number, search.ask(number)) for number in range(spec.trials)]


def train_nine(worker: Worker) -> list[str]:
    """Trains the nine trials and returns the SHA-256 of their final weights."""
    return [train(worker, trial).weights_sha256 for trial in nine_trials()]


def train(worker: Worker, trial: TrialSpec) -> Finished:
    """Trains a trial to its end."""
    event = worker.start(trial)
    while isinstance(event, Measured):
        event = worker.advance()
    assert isinstance(event, Finished), event
    return event


def other_trials(count: int) -> Iterator[TrialSpec]:
    """Yields trials of other networks, optimizers and batch sizes, in an order that repeats after 12."""
    models: list[ModelConfig] = [
        MlpConfig(hidden=(100, 30), activation="tanh"),
        LenetConfig(filters=(16, 8), hidden=50, initializer="normal"),
        MultitaskConfig(hidden=(64,), activation="sigmoid"),
    ]
    trainings = [
        TrainingConfig(epochs=2, batch_size=33, optimizer="adam", learning_rate=0.002),
        TrainingConfig(epochs=3, batch_size=60, optimizer="nag", momentum=0.5, learning_rate=0.1),
        TrainingConfig(epochs=1, batch_size=200),
        TrainingConfig(epochs=2, batch_size=10, momentum=0.99, weight_decay=0.01),
    ]
    for number in range(count):
        yield TrialSpec(1000 + number, models[number % 3], trainings[number % 4], seed=number)


def wear(worker: Worker, count: int) -> None:
    """Trains other trials, most to their end; of a dozen, one fails, one diverges, one is suspended, one abandoned."""
    for number, trial in enumerate(other_trials(count)):
        match number % 12:
            case 3:
                assert isinstance(worker.start(replace(trial, resume_from=b"no state")), Failed)
            case 5:
                hot = trial.training.model_copy(update={"learning_rate": 100.0, "weight_decay": 1.0, "epochs": 9})
                train(worker, replace(trial, training=hot))
            case 7:
                long = replace(trial, training=trial.training.model_copy(update={"epochs": 5}))
                worker.start(long)
                state = worker.suspend().state
                train(worker, replace(long, resume_from=state))
            case 9:
                worker.start(replace(trial, training=trial.training.model_copy(update={"epochs": 5})))
            case _:
                train(worker, trial)


def held() -> dict[str, Any]:
    """What this process holds that a trial could leave behind."""
    gc.collect()
    return {
        "environment": dict(os.environ),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "kernel's threads": len(list(Path("/proc/self/task").iterdir())),
        "open files": sorted(str(file.readlink()) for file in list(FILES.iterdir()) if file.is_symlink()),
        "numpy's random state": hashlib.sha256(pickle.dumps(np.random.get_state())).hexdigest(),  # noqa: NPY002
        "Python's random state": hashlib.sha256(pickle.dumps(random.getstate())).hexdigest(),
        "numpy's error state": np.geterr(),
        "folder": str(Path.cwd()),
        "objects": len(gc.get_objects()),
        "resident_mib": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20,
    }


if __name__ == "__main__":
    worker = Worker("cpu-0", "cpu", open_dataset(sys.argv[1], cache_dir=Path(sys.argv[2])), SETTINGS)
    found: dict[str, Any] = {"fresh": train_nine(worker)}
    wear(worker, WARM_UP)
    found["before"] = held()
    wear(worker, OTHERS)
    found["after"] = held()
    np.random.seed(5)  # noqa: NPY002 - the state that a careless library would draw from
    random.seed(5)
    found["worn"] = train_nine(worker)
    sys.stdout.write(json.dumps(found))
