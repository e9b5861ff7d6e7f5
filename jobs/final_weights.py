"""The final weights of a complete trial: as they were kept, or trained again where what was kept is damaged."""

from collections.abc import Callable

from cluster.checkpoints import Checkpoints
from cluster.run_dir import RunDir
from cluster.study_spec import StudySpec
from cluster.trial import TrialRecord
from jobs.retraining import trained_again
from mnist_core.checkpoint import pack, weights_sha256
from mnist_core.dataset import Dataset, split
from mnist_core.errors import CheckpointError
from mnist_core.parameters import Vector


def final_weights(
    trial: TrialRecord, spec: StudySpec, run_dir: RunDir, dataset: Dataset, warn: Callable[[str], None]
) -> Vector | None:
    """The weights that a complete trial ended with, told by their SHA-256; None where they cannot be had any more.

    Those of a GPU, or of another processor, cannot be trained again to the bit. What is trained again is kept again.
    """
    checkpoints = Checkpoints(run_dir, warn)
    try:
        return checkpoints.final(trial.number, trial.weights_sha256).weights
    except CheckpointError as err:
        warn(f"trial {trial.number} is trained again: {err}")
    data = split(dataset, spec.data.holdout, spec.seed)
    _, state = trained_again(trial, spec, data, trial.epochs, lambda epoch: None)
    if weights_sha256(state.weights) != trial.weights_sha256:
        warn(f"trial {trial.number} is left without test scores: its weights cannot be trained again to the bit here")
        return None
    checkpoints.save(trial.number, trial.epochs, pack(state))
    return state.weights
