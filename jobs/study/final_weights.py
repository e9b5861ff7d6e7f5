"""The final weights of a complete trial: as saved or, if those are damaged, retrained."""

from cluster.run_dir.checkpoints import Checkpoints
from cluster.trial import TrialRecord
from jobs.study.reproduction import tolerance_for
from jobs.study.retraining import retrain
from jobs.study.session import StudySession
from mnist_core.data.dataset import split
from mnist_core.errors import CheckpointError
from mnist_core.model.parameters import Vector, weights_sha256
from mnist_core.training.state import pack


class FinalWeights:
    """The final weights of a study's trials, each looked up once."""

    def __init__(self, session: StudySession) -> None:
        """Looks up nothing yet."""
        self._session = session
        self._checkpoints = Checkpoints(session.run_dir, session.warn)
        self._found: dict[int, Vector | None] = {}

    def load(self, trial: TrialRecord) -> Vector | None:
        """Returns a complete trial's final weights, identified by their SHA-256; None if they are missing.

        Damaged weights are retrained and saved; those from a GPU or another processor cannot be reproduced bit for bit.
        """
        if trial.number not in self._found:
            try:
                self._found[trial.number] = self._checkpoints.load_final(trial.number, trial.weights_sha256).weights
            except CheckpointError as err:
                self._found[trial.number] = self._retrain(trial, err)
        return self._found[trial.number]

    def _retrain(self, trial: TrialRecord, cause: CheckpointError) -> Vector | None:
        session = self._session
        missing = f"trial {trial.number} cannot be scored: its final weights are missing"
        if tolerance_for(session.store.workers(trial.number)) is not None:
            session.warn(f"{missing}, and a CPU cannot reproduce a GPU's weights bit for bit: {cause}")
            return None
        session.warn(f"retraining trial {trial.number}: {cause}")
        data = split(session.dataset, session.spec.data.holdout, session.spec.seed)
        _, state = retrain(trial.resolve(session.spec), data, trial.epochs, lambda epoch: None)
        if weights_sha256(state.weights) != trial.weights_sha256:
            session.warn(f"{missing}, and retraining it here gives different ones")
            return None
        self._checkpoints.save(trial.number, trial.epochs, pack(state))
        return state.weights
