"""`mxtrials reproduce`: trains a recorded trial again from its run directory, and says whether it is the same."""

from collections.abc import Iterator

import click
from rich.console import Console

from cluster.results.summary import StudySummary, read_summary
from cluster.run_dir.environment import changes_since, check_data_unchanged, recorded_environment
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.reader import StudyReader
from cluster.trial import TrialRecord, TrialState
from jobs.study.reproduction import Reproduction, compared_metrics, differences_between, tolerance_for
from jobs.study.retraining import retrain
from jobs.terminal.epoch_bar import epoch_bar
from jobs.terminal.live_view import pluralize
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Split, split
from mnist_core.errors import NotReproduced, RunDirError
from mnist_core.measurement import Measurement
from mnist_core.model.parameters import weights_sha256


def train_again(run_dir: RunDir, number: int | None, console: Console) -> Reproduction:
    """Trains a trial as many epochs as are recorded of it, in this process and on its CPU.

    Args:
        run_dir: of its study, which may be running.
        number: of the trial; None for the best one.
        console: for the progress, where it is a terminal.

    Raises:
        RunDirError: no such trial, or none that has an epoch.
        DataError: the data is missing, or has changed since.
    """
    summary = read_summary(run_dir)
    trial = _chosen(summary, run_dir, number)
    workers, recorded, environment = _recorded(run_dir, trial)
    if not recorded:
        raise RunDirError(
            f"trial {trial.number} of {run_dir.path} is {trial.state.value} without an epoch: nothing can be compared"
        )
    epochs = recorded[-1].epoch
    with epoch_bar(f"trial {trial.number}, {trial.model}", epochs, console) as tell:
        data = _data(summary.spec, environment)
        trained, state = retrain(trial, summary.spec, data, epochs, tell)
    tolerance = tolerance_for(workers)
    is_whole = trial.state is TrialState.COMPLETE and tolerance is None
    return Reproduction(
        trial,
        workers,
        epochs,
        compared_metrics(recorded),
        tuple(differences_between(recorded, trained, tolerance)),
        weights_sha256(state.weights) if is_whole else None,
        changes_since(environment),
    )


def show_reproduction(reproduction: Reproduction, as_json: bool, console: Console) -> None:
    """Prints what came out.

    Raises:
        NotReproduced: it is not the same.
    """
    if as_json:
        click.echo(reproduction.to_json())
    else:
        for line in _lines(reproduction):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not reproduction.is_equal:
        raise NotReproduced(reproduction.complaint())


def _lines(reproduction: Reproduction) -> Iterator[str]:
    trial, tolerance = reproduction.trial, reproduction.tolerance
    yield f"trial {trial.number}, {trial.model}, {trial.state.value}, trained again on this CPU"
    equal = "equal" if tolerance is None else f"similar (within {tolerance:.0%}, as other trials may be, too)"
    yield f"epochs   {reproduction.equal_epochs} of {reproduction.epochs} {equal} in {', '.join(reproduction.metrics)}"
    if tolerance is not None:
        workers = ", ".join(reproduction.workers)
        yield f"weights  not compared: it was trained on {workers}, and no GPU rounds as a CPU does"
    elif reproduction.weights_sha256 is None:
        yield "weights  not compared: only those of complete trials are recorded"
    else:
        verdict = "equal" if reproduction.has_equal_weights else "different"
        yield f"weights  {verdict}, SHA-256 {reproduction.weights_sha256}"


def _chosen(summary: StudySummary, run_dir: RunDir, number: int | None) -> TrialRecord:
    if number is None:
        if summary.best is None:
            raise RunDirError(f"{run_dir.path} has no complete trial yet: name another one with --trial")
        return summary.best
    found = next((trial for trial in summary.trials if trial.number == number), None)
    if found is None:
        raise RunDirError(
            f"{run_dir.path} has no trial {number}: it has begun {pluralize(len(summary.trials), 'trial')}"
        )
    return found


def _recorded(run_dir: RunDir, trial: TrialRecord) -> tuple[tuple[str, ...], list[Measurement], str | None]:
    """Which workers trained it, what they measured, and what its study began with."""
    store = StudyReader.open(run_dir.store)
    try:
        environment = recorded_environment(run_dir, store)
        return store.workers(trial.number), store.measurements(trial.number), environment
    finally:
        store.close()


def _data(spec: StudySpec, environment: str | None) -> Split:
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    check_data_unchanged(environment, spec.data.source, dataset)
    return split(dataset, spec.data.holdout, spec.seed)
