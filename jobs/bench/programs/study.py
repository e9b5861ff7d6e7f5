"""Runs one side of `mxtrials bench study` as a user would, and times it from the command until it has ended.

`python -m jobs.bench.programs.study SIDE` prints one JSON object: `wall_s`, `epochs`, `best` (validation accuracy),
`training` and `evaluation` in percent of what the cores could do, and, of ours, what `show --timing` tells.
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

from cluster.ray_backend.session import ray_session

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
    """`mxtrials run`, then what it left."""
    spec, run_dir = folder / "bench-study.yaml", folder / "run"
    spec.write_text(SPEC)
    command = [sys.executable, "-m", "jobs"]
    wall_s = _timed([*command, "run", str(spec), "--out", str(run_dir), "--quiet"])
    told = json.loads(_output([*command, "show", str(run_dir), "--json"]))
    times = json.loads(_output([*command, "show", str(run_dir), "--timing", "--json"]))
    worker_s = times["worker_s"]
    return {
        "epochs": sum(trial["epochs"] for trial in told["trials"]),
        "best": max(trial["value"] or 0.0 for trial in told["trials"]),
        "waiting_later": 100 * times["waiting_later"],
        "worker_s": worker_s,
        "driver_s": {"before": wall_s - times["elapsed_s"], **times["driver_s"]},
        **_shares(wall_s, worker_s["training"], worker_s["evaluation"]),
    }


def run_tune(folder: Path, side: str) -> dict[str, Any]:
    """The Tune program, which writes down what it found."""
    found = folder / "found.json"
    program = [sys.executable, "-W", "ignore", "-m", "jobs.bench.programs.study", side]
    wall_s = _timed([*program, str(folder), str(found)])
    told = json.loads(found.read_text())
    return {"epochs": told["epochs"], "best": told["best"], **_shares(wall_s, told["train_s"], told["eval_s"])}


def _shares(wall_s: float, training_s: float, evaluation_s: float) -> dict[str, float]:
    core_s = wall_s * len(os.sched_getaffinity(0))
    return {"wall_s": wall_s, "training": 100 * training_s / core_s, "evaluation": 100 * evaluation_s / core_s}


def _timed(command: Sequence[str]) -> float:
    """Wall seconds of a program that must succeed; what it prints is thrown away, but what it complains of."""
    began_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began_s


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def start_tune(side: str, folder: str, found: str) -> None:
    """The Tune program itself, in a process of its own. Tune is imported in a session: Ray reads its settings then."""
    with ray_session(None, None):
        from jobs.bench.peers.ray_tune_study import write_found

        write_found(Path(folder), side == TUNE_REUSING, Path(found))


def main(side: str, *of_tune: str) -> None:
    """Runs a side; with the arguments of `start_tune`, that program."""
    if of_tune:
        start_tune(side, *of_tune)
        return
    with TemporaryDirectory(prefix="mxtrials-bench-") as temporary:
        folder = Path(temporary)
        sys.stdout.write(json.dumps(run_mxtrials(folder) if side == MXTRIALS else run_tune(folder, side)))


if __name__ == "__main__":
    main(*sys.argv[1:])
