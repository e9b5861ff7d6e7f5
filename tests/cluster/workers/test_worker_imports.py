"""A worker process imports only what training needs: each further package takes memory in every worker."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

# What an actor's process does from its start to its first measurement, except for Ray's part.
WORKER = """
import json, sys
import cluster.ray_backend.pool
from cluster.workers.inline_pool import InlinePool
from cluster.trial import TrialSpec
from cluster.workers.worker import WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset, LabelledImages
import numpy as np

images = LabelledImages(np.zeros((60, 28, 28), np.uint8), np.arange(60, dtype=np.uint8) % 10)
pool = InlinePool(Dataset(images, images, ""), WorkerSettings(holdout=10, seed=0))
worker = pool.next_event(0).worker
pool.start(worker, TrialSpec(0, MlpConfig(), TrainingConfig(epochs=1, batch_size=25), 0, None))
measured = pool.next_event(0)
print(json.dumps([measured.measurement.epoch, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
DRIVER_PACKAGES = {"PIL", "click", "jobs", "optuna", "pandas", "pyarrow", "rich", "scipy", "tensorboardX", "torch"}


def test_worker_imports_no_package_that_only_the_driver_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    epoch, loaded = json.loads(done.stdout)

    assert (epoch, "mxnet" in loaded, "ray" in loaded) == (1, True, True)
    assert DRIVER_PACKAGES & set(loaded) == set()
