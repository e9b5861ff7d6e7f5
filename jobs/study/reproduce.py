"""`mxtrials reproduce`: retrains a recorded trial from its run directory, and compares the two."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from cluster.results.summary import read_summary
from cluster.results.trial_details import choose_trial
from cluster.run_dir.environment import changes_since, check_data_unchanged, recorded_environment
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.reader import StudyReader
from cluster.trial import TrialState
from jobs.study.reproduction import Reproduction, compared_metrics, differences_between, tolerance_for
from jobs.study.retraining import OnEpoch, retrain
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Split, split
from mnist_core.errors import RunDirError
from mnist_core.model.parameters import weights_sha256

ShowProgress = Callable[[str, int], AbstractContextManager[OnEpoch]]
"""Shows the progress of a training, given what is trained and for how many epochs; see `progress_bar`."""


def reproduce_trial(run_dir: RunDir, number: int | None, show_progress: ShowProgress) -> Reproduction:
    """Retrains a trial for as many epochs as its record has, in this process, on its CPU.

    Args:
        run_dir: the run directory of its study, which may be running.
        number: the trial's number; None for the best trial.
        show_progress: shows the progress of the training.

    Raises:
        RunDirError: there is no such trial, or it has no epoch.
        DataError: the data is missing, or has changed since.
    """
    summary = read_summary(run_dir)
    trial = choose_trial(summary, number, run_dir)
    with StudyReader.open(run_dir.store) as reader:
        environment = recorded_environment(run_dir, reader)
        workers = reader.workers(trial.number)
        recorded = reader.measurements(trial.number)
    if not recorded:
        raise RunDirError(f"trial {trial.number} of {run_dir.path} is {trial.state.value} and has no epoch to compare")
    epochs = recorded[-1].epoch
    with show_progress(f"trial {trial.number}, {trial.model}", epochs) as on_epoch:
        data = _open_data(summary.spec, environment)
        trained, state = retrain(trial.resolve(summary.spec), data, epochs, on_epoch)
    tolerance = tolerance_for(workers)
    has_weights = trial.state is TrialState.COMPLETE and tolerance is None
    return Reproduction(
        trial,
        workers,
        epochs,
        compared_metrics(recorded),
        tuple(differences_between(recorded, trained, tolerance)),
        weights_sha256(state.weights) if has_weights else None,
        changes_since(environment),
    )


def _open_data(spec: StudySpec, environment: str | None) -> Split:
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    check_data_unchanged(environment, spec.data.source, dataset)
    return split(dataset, spec.data.holdout, spec.seed)
