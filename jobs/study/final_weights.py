"""The final weights of a complete trial: as they were kept, or trained again where what was kept is damaged."""

from collections.abc import Callable

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.trial import TrialRecord
from jobs.study.reproduction import tolerance_for
from jobs.study.retraining import retrain
from mnist_core.data.dataset import Dataset, split
from mnist_core.errors import CheckpointError
from mnist_core.model.parameters import Vector, weights_sha256
from mnist_core.training.state import pack


class FinalWeights:
    """Those of a study's trials, each looked for once."""

    def __init__(
        self, spec: StudySpec, run_dir: RunDir, store: Store, dataset: Dataset, warn: Callable[[str], None]
    ) -> None:
        """Reads nothing yet; `warn` is told of what is damaged, in a sentence."""
        self._spec, self._store, self._dataset, self._warn = spec, store, dataset, warn
        self._checkpoints = Checkpoints(run_dir, warn)
        self._found: dict[int, Vector | None] = {}

    def load(self, trial: TrialRecord) -> Vector | None:
        """What a complete trial ended with, told by their SHA-256; None where they cannot be had any more.

        Those of a GPU, or of another processor, cannot be trained again to the bit; what is trained again is kept.
        """
        if trial.number not in self._found:
            try:
                self._found[trial.number] = self._checkpoints.final(trial.number, trial.weights_sha256).weights
            except CheckpointError as err:
                self._found[trial.number] = self._retrain(trial, err)
        return self._found[trial.number]

    def _retrain(self, trial: TrialRecord, cause: CheckpointError) -> Vector | None:
        lost = f"trial {trial.number} is not scored nor shown any further, for its final weights are gone"
        if tolerance_for(self._store.workers(trial.number)) is not None:
            self._warn(f"{lost}, and no CPU trains to the bits of a GPU: {cause}")
            return None
        self._warn(f"trial {trial.number} is trained again: {cause}")
        data = split(self._dataset, self._spec.data.holdout, self._spec.seed)
        _, state = retrain(trial, self._spec, data, trial.epochs, lambda epoch: None)
        if weights_sha256(state.weights) != trial.weights_sha256:
            self._warn(f"{lost}, and cannot be trained again to the bit here")
            return None
        self._checkpoints.save(trial.number, trial.epochs, pack(state))
        return state.weights
