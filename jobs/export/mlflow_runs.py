"""A study as MLflow's SQLite database: an experiment with a run for each trial."""

import logging
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.results.history import StudyHistory
from cluster.results.trial_details import TrialDetails
from cluster.run_dir.paths import RunDir
from cluster.spec.space import format_param
from cluster.trial import TrialState
from mnist_core.errors import MissingLibrary

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}
"""MLflow's word for how a trial ended; the tag `state` has ours."""

_LARGEST_BATCH = 1000
"""The number of metrics that MLflow accepts in one call."""


def mlflow_database(run_dir: RunDir, history: StudyHistory, on_trial: Callable[[int], None]) -> bytes:
    """Returns the SQLite file of an MLflow tracking store with this study.

    Args:
        run_dir: named in a tag of each run.
        history: the study.
        on_trial: called after each trial, with the number of trials done.

    Raises:
        MissingLibrary: MLflow is not installed.
    """
    # An export sends nothing anywhere; MLflow has no argument for it.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # noqa: TID251
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as err:
        raise MissingLibrary(f"MLflow cannot be imported ({err}): pip install mlflow") from err
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it reports each table that it creates
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mlflow.db"
        client = MlflowClient(tracking_uri=f"sqlite:///{file}")
        experiment = client.create_experiment(history.summary.spec.name, f"{Path(folder).as_uri()}/artifacts")
        for done, each in enumerate(history.trials, start=1):
            _log_trial(client, experiment, run_dir, each)
            on_trial(done)
        return file.read_bytes()


def _log_trial(client: "MlflowClient", experiment: str, run_dir: RunDir, each: TrialDetails) -> None:
    from mlflow.entities import Metric, Param

    trial = each.trial
    tags = {
        "state": trial.state.value,
        "model": trial.model,
        "run_dir": str(run_dir.path),
        **({"error": trial.error} if trial.error else {}),
        **({"weights_sha256": trial.weights_sha256} if trial.weights_sha256 else {}),
    }
    start = each.started_at or 0.0
    run = client.create_run(experiment, _milliseconds(start), tags, f"trial {trial.number} {trial.model}").info.run_id
    elapsed = [(one.epoch, start + one.elapsed_s, one.metrics) for one in each.measurements]
    tested = [(trial.epochs, each.ended_at or start, trial.test or {})]
    metrics = [
        Metric(name, value, _milliseconds(at), epoch)
        for epoch, at, values in (*elapsed, *tested)
        for name, value in values.items()
        if math.isfinite(value)  # its database holds no others
    ]
    params = [Param(name, format_param(value)) for name, value in trial.params.items()]
    client.log_batch(run, params=params)
    for first in range(0, len(metrics), _LARGEST_BATCH):
        client.log_batch(run, metrics[first : first + _LARGEST_BATCH])
    if trial.state in _STATUS:
        client.set_terminated(run, _STATUS[trial.state], _milliseconds(each.ended_at or start))


def _milliseconds(unix_time: float) -> int:
    return round(unix_time * 1000)
