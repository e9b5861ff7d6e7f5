"""Trials that train nothing, on Ray Tune: as its users write them, and at its best.

Run as `python -m jobs.bench.peers.ray_tune_dispatch function|class TRIALS WORKERS`; prints milliseconds per trial,
without the time to start, as the difference between a run of all trials and one of a few.

At its best (`class`), it uses the class API with `reuse_actors`, no more pending trials than workers, no loggers, and
writes the state of the experiment only at the end; the benchmark sets the environment variables for that.
"""

import json
import sys
import tempfile
import time
from typing import Any

from cluster.ray_backend.session import ray_session
from jobs.bench.programs.noop import six_scalars

FEW = 4


def run_tune(kind: str, trials: int, workers: int, folder: str) -> float:
    """Runs the trials and returns how many seconds Tune took."""
    from ray import tune

    class Noop(tune.Trainable):
        def step(self) -> dict[str, Any]:
            return {**six_scalars(0, 1).metrics, "done": True}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            del new_config
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None: ...

        def load_checkpoint(self, checkpoint: Any) -> None: ...

    def noop(config: dict[str, Any]) -> None:
        del config
        tune.report(dict(six_scalars(0, 1).metrics))

    space = {
        "learning_rate": tune.loguniform(0.001, 0.5),
        "momentum": tune.uniform(0.0, 0.95),
        "weight_decay": tune.loguniform(1e-6, 1e-2),
        "batch_size": tune.choice([50, 100, 200]),
    }
    at_best = kind == "class"
    tuner = tune.Tuner(
        tune.with_resources(Noop if at_best else noop, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=at_best, max_concurrent_trials=workers),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    )
    started = time.perf_counter()
    tuner.fit()
    return time.perf_counter() - started


if __name__ == "__main__":
    kind, trials, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder, ray_session(None, workers):
        few_s = run_tune(kind, FEW, workers, folder)
        seconds = run_tune(kind, trials, workers, folder) - few_s
    sys.stdout.write("\n" + json.dumps(1000 * seconds / (trials - FEW)))
