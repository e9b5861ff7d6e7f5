"""The best model of each kind of network as ONNX."""

import json
from collections.abc import Iterator

from cluster.results.summary import StudySummary
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialRecord
from mnist_core.errors import RunDirError
from mnist_core.model.onnx_file import onnx_model


def onnx_models(run_dir: RunDir, summary: StudySummary) -> Iterator[tuple[str, bytes]]:
    """Yields the kind and the ONNX file of the best complete trial of each kind of network.

    Raises:
        RunDirError: no trial is complete.
        CheckpointError: the weights of a model are missing or damaged.
        MissingLibrary: onnx is not installed.
    """
    best = summary.best_of_each_kind()
    if not best:
        raise RunDirError(f"{run_dir.path} has no complete trial yet: there is no model to export")
    checkpoints = Checkpoints(run_dir)
    for trial in best:
        state = checkpoints.load_final(trial.number, trial.weights_sha256)
        model = trial.resolve(summary.spec).model
        yield trial.model, onnx_model(model, state.weights, dict(_properties(summary, trial)))


def _properties(summary: StudySummary, trial: TrialRecord) -> Iterator[tuple[str, str]]:
    yield "study", summary.spec.name
    yield "trial", str(trial.number)
    yield "input", "data: (batch, 1, 28, 28) float32 in [0, 1], a digit in white on black, placed as in MNIST"
    yield "params", json.dumps(dict(trial.params))
    for name, value in {**trial.metrics, **(trial.test or {})}.items():
        yield name, repr(value)
    yield "weights_sha256", str(trial.weights_sha256)
