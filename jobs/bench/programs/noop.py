"""A worker that trains nothing, and a study for such workers, for benchmarks of the driver.

Does not import MXNet, so a process of such a worker costs nothing but its start.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from typing_extensions import override

from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialSpec
from cluster.workers.events import Finished, Measured, Suspended
from cluster.workers.worker import TrialEvent, TrialWorker, WorkerSettings
from mnist_core.context import DeviceKind
from mnist_core.data.dataset import Dataset, LabelledImages
from mnist_core.measurement import ConfusionMatrix, Measurement
from mnist_core.model.parameters import weights_sha256
from mnist_core.training.state import TrainingState, pack

_CONFUSION: Mapping[str, ConfusionMatrix] = {
    "digit": tuple(tuple(950 if row == column else 5 for column in range(10)) for row in range(10)),
    "parity": ((4950, 50), (50, 4950)),
}

_WEIGHTS = np.zeros(1, np.float32)
_FINAL = pack(TrainingState(1, 0.0, _WEIGHTS, ()))
_FINAL_SHA256 = weights_sha256(_WEIGHTS)

_IMAGES = LabelledImages(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
NO_DATA = Dataset(train=_IMAGES, test=_IMAGES, fingerprint="none")
SETTINGS = WorkerSettings(holdout=1, seed=0)


class NoopWorker(TrialWorker):
    """A Worker whose epochs train nothing and report six scalars that depend only on trial and epoch."""

    def __init__(
        self,
        name: str,
        device: DeviceKind,
        dataset: Dataset,
        settings: WorkerSettings,
        epoch_s: float = 0.0,
        with_confusion: bool = False,
    ) -> None:
        """epoch_s: how long each epoch sleeps; with_confusion: whether it measures confusion matrices."""
        self._name = name
        self._epoch_s = epoch_s
        self._confusion = _CONFUSION if with_confusion else {}
        self._trial: TrialSpec | None = None
        self._epoch = 0

    @override
    def start(self, trial: TrialSpec) -> TrialEvent:
        self._trial = trial
        self._epoch = 0
        return self.advance()

    @override
    def advance(self) -> TrialEvent:
        trial = self._current()
        if self._epoch_s:  # even a sleep of zero gives the processor away
            time.sleep(self._epoch_s)
        self._epoch += 1
        measurement = replace(six_scalars(trial.number, self._epoch), confusion=self._confusion)
        if self._epoch < trial.training.epochs:
            return Measured(self._name, trial.number, measurement)
        return Finished(self._name, trial.number, _FINAL, _FINAL_SHA256, measurement=measurement)

    @override
    def suspend(self) -> Suspended:
        return Suspended(self._name, self._current().number, _FINAL)

    def _current(self) -> TrialSpec:
        if self._trial is None:
            raise RuntimeError(f"worker {self._name} has no trial")
        return self._trial


def six_scalars(number: int, epoch: int) -> Measurement:
    """Returns the scalars that a trial of the multitask network measures, without its confusion matrices."""
    accuracy = 1 - 1 / (2 + number * 7919 % 1000 + epoch)
    names = ("train/accuracy", "val/accuracy", "val/digit_accuracy", "val/parity_accuracy")
    metrics = {**dict.fromkeys(names, accuracy), "train/loss": 1 - accuracy, "val/loss": 1 - accuracy}
    return Measurement(epoch, metrics, 0.001 * epoch)


def noop_study(trials: int, workers: int, epochs: int = 1) -> StudySpec:
    """Returns a random search over the four parameters that the shipped studies vary."""
    space = {
        "training.learning_rate": {"low": 0.001, "high": 0.5, "log": True},
        "training.momentum": {"low": 0.0, "high": 0.95},
        "training.weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},
        "training.batch_size": {"choices": [50, 100, 200]},
    }
    return StudySpec.model_validate(
        {
            "name": "noop",
            "trials": trials,
            "training": {"epochs": epochs},
            "search": {"space": space, "sampler": {"kind": "random"}},
            "workers": {"cpu": workers, "gpu": 0},
        }
    )
