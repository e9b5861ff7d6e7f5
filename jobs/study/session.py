"""What the steps of running one study share."""

from collections.abc import Callable
from dataclasses import dataclass

from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from mnist_core.data.dataset import Dataset


@dataclass(frozen=True)
class StudySession:
    """One study while this process runs it.

    Attributes:
        run_dir: locked by this process.
        spec: as resolved.
        store: open to be written.
        dataset: that the study trains on.
        recorder: of its TensorBoard files.
        warn: shows the user a problem that does not stop the study, given in one sentence.
    """

    run_dir: RunDir
    spec: StudySpec
    store: Store
    dataset: Dataset
    recorder: Recorder
    warn: Callable[[str], None]
