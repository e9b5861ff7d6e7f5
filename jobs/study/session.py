"""One study while it runs: its run directory, spec, store, data and recorder as one value."""

from collections.abc import Callable
from dataclasses import dataclass

from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from mnist_core.data.dataset import Dataset


@dataclass(frozen=True)
class StudySession:
    """A study that this process is running.

    Attributes:
        run_dir: the run directory, locked by this process.
        spec: the resolved spec.
        store: the store, open for writing.
        dataset: the data that the study trains on.
        recorder: writes its TensorBoard files.
        warn: shows the user a problem that does not stop the study, in one sentence.
    """

    run_dir: RunDir
    spec: StudySpec
    store: Store
    dataset: Dataset
    recorder: Recorder
    warn: Callable[[str], None]
