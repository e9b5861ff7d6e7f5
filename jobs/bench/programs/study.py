"""Runs one program of `mxtrials bench study` as a user would, and times it from command to exit.

`python -m jobs.bench.programs.study mxtrials|tune|tune-reusing` prints one JSON object: `wall_s`, `epochs`, `best`
(validation accuracy), `training` and `evaluation` in percent of the cores' time, and, for mxtrials, what
`show --timing` says.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MXTRIALS, TUNE, TUNE_REUSING = "mxtrials", "tune", "tune-reusing"

TRIALS, MAX_EPOCHS, HOLDOUT, SEED = 32, 9, 10_000, 0

SPEC = f"""
name: bench
seed: {SEED}
data: {{holdout: {HOLDOUT}}}
model: {{kind: mlp, hidden: [128, 64], activation: relu, initializer: xavier}}
training: {{epochs: {MAX_EPOCHS}, optimizer: sgd}}
search:
  space:
    training.learning_rate: {{low: 0.001, high: 0.5, log: true}}
    training.momentum: {{low: 0.0, high: 0.95}}
    training.weight_decay: {{low: 1.0e-6, high: 1.0e-2, log: true}}
    training.batch_size: {{choices: [50, 100, 200]}}
  sampler: {{kind: random}}
  pruner: {{kind: asha, min_resource: 1, reduction_factor: 3}}
  objective: val/accuracy
trials: {TRIALS}
"""


def run_mxtrials(folder: Path) -> dict[str, Any]:
    """Runs the study with `mxtrials run`, then reads its results with `mxtrials show`."""
    spec = folder / "bench-study.yaml"
    spec.write_text(SPEC)
    run_dir = folder / "run"
    command = [sys.executable, "-m", "jobs"]
    wall_s = _time([*command, "run", str(spec), "--out", str(run_dir), "--quiet"])
    summary = json.loads(_output([*command, "show", str(run_dir), "--json"]))
    times = json.loads(_output([*command, "show", str(run_dir), "--timing", "--json"]))
    worker_s = times["worker_s"]
    return {
        "epochs": sum(trial["epochs"] for trial in summary["trials"]),
        "best": max(trial["value"] or 0.0 for trial in summary["trials"]),
        "waiting_later": 100 * times["waiting_later"],
        "worker_s": worker_s,
        "driver_s": {"before": wall_s - times["elapsed_s"], **times["driver_s"]},
        **_times(wall_s, worker_s["training"], worker_s["evaluation"]),
    }


def run_tune(folder: Path, kind: str) -> dict[str, Any]:
    """Runs the study with Ray Tune and reads the results that it writes into the folder."""
    results_file = folder / "results.json"
    reuse_actors = ["--reuse-actors"] if kind == TUNE_REUSING else []
    command = [sys.executable, "-W", "ignore", "-m", "jobs.bench.peers.ray_tune_study"]
    wall_s = _time([*command, str(folder), str(results_file), *reuse_actors])
    results = json.loads(results_file.read_text())
    times = _times(wall_s, results["train_s"], results["eval_s"])
    return {"epochs": results["epochs"], "best": results["best"], **times}


def _times(wall_s: float, training_s: float, evaluation_s: float) -> dict[str, float]:
    core_s = wall_s * len(os.sched_getaffinity(0))
    return {"wall_s": wall_s, "training": 100 * training_s / core_s, "evaluation": 100 * evaluation_s / core_s}


def _time(command: Sequence[str]) -> float:
    """Runs a command that must succeed and returns its wall time in seconds; discards stdout, but not stderr."""
    started_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started_s


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(kind: str) -> None:
    """Runs one study and prints what was measured."""
    with TemporaryDirectory(prefix="mxtrials-bench-") as temporary:
        folder = Path(temporary)
        sys.stdout.write(json.dumps(run_mxtrials(folder) if kind == MXTRIALS else run_tune(folder, kind)))


if __name__ == "__main__":
    main(sys.argv[1])
