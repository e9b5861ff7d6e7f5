"""What a study computed, read from its run directory, so that two studies can be compared bit for bit.

`read_results` reads the tables and the best model, `read_outcome` also the store, TensorBoard's files and all file
names. Both leave out what depends on the machine, and how often a trial was started.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.tensorboard.summaries import tag_of
from cluster.trial import TrialRecord
from tests.support.trial_folders import trial_folder

VARYING_COLUMNS = ("elapsed_s", "perf/samples_per_second", "seconds", "attempts", "worker")

Points = tuple[tuple[int, float], ...]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Results:
    """The tables and the best model of a finished study.

    They are equal for two studies of the same spec and data, even if trials were added to one of them later.

    Attributes:
        trials: rows of results.parquet, without test scores: those depend on which trials were once the best.
        epochs: rows of metrics.parquet.
        best: number, hashes, test scores and data fingerprint from best/model.json.
    """

    trials: Rows
    epochs: Rows
    best: Mapping[str, Any]


@dataclass(frozen=True)
class TrialOutcome:
    """A trial as the store and TensorBoard's files have it.

    Attributes:
        epochs: number and metrics of each measurement, in the store's order.
        charts: by tag of the charts by epoch, steps and values in the order in which they stand in the files.
    """

    record: TrialRecord
    epochs: tuple[tuple[int, Mapping[str, float]], ...]
    charts: Mapping[str, Points]


@dataclass(frozen=True)
class Outcome:
    """A whole run directory.

    Attributes:
        state: the study's, with its reason.
        files: names of all files, without the start times of event files.
        best_files: SHA-256 of each file of the best model.
    """

    results: Results
    state: tuple[str, str | None]
    trials: tuple[TrialOutcome, ...]
    files: tuple[str, ...]
    best_files: Mapping[str, str]


def read_results(path: Path) -> Results:
    """Reads the tables and the best model of a finished study."""
    run_dir = RunDir(path)
    card = json.loads(run_dir.best.with_suffix(".json").read_text())
    return Results(
        trials=_rows(run_dir.results),
        epochs=_rows(run_dir.metrics),
        best={key: card[key] for key in ("trial", "weights_sha256", "params_sha256", "test", "data_fingerprint")},
    )


def read_outcome(path: Path) -> Outcome:
    """Reads a run directory that no driver uses, and checks that store, tables and TensorBoard agree."""
    run_dir = RunDir(path)
    with StudyReader.open(run_dir.store) as store:
        trials = tuple(_trial(run_dir, store, record) for record in store.trials())
        state = store.study()
    results = read_results(path)
    assert [(row["number"], row["epochs"]) for row in results.trials] == [
        (trial.record.number, trial.record.epochs) for trial in trials
    ]
    assert [(row["number"], row["epoch"]) for row in results.epochs] == [
        (trial.record.number, epoch) for trial in trials for epoch, _ in trial.epochs
    ]
    for trial in trials:
        assert_charts_match_store(trial)
    files = tuple(sorted(_name(file, path) for file in path.rglob("*") if file.is_file()))
    best_files = {file.name: _sha256(file) for file in run_dir.best.parent.glob("*")}
    return Outcome(results, state, trials, files, best_files)


def without_varying(record: TrialRecord) -> TrialRecord:
    """A trial's record without what depends on the machine, and how often the trial was started."""
    return replace(record, attempts=0, seconds=0.0, worker=None, metrics=_reproducible(record.metrics))


def assert_charts_match_store(trial: TrialOutcome) -> None:
    """Checks that TensorBoard's files have each epoch of the store once, in order, with its metrics."""
    number = trial.record.number
    for tag, points in trial.charts.items():
        assert [step for step, _ in points] == [epoch for epoch, _ in trial.epochs], (number, tag)
    for epoch, metrics in trial.epochs:
        for name, value in metrics.items():
            assert trial.charts[tag_of(name)][epoch - 1] == (epoch, float(np.float32(value))), (number, name)


def assert_tensorboard_is_complete(path: Path) -> None:
    """Checks that TensorBoard reads each epoch of each trial once, its end, and the pictures of the best trial."""
    run_dir = RunDir(path)
    best = read_results(path).best["trial"]
    for trial in pq.read_table(run_dir.results).to_pylist():
        folder = trial_folder(run_dir, trial["number"])
        events = EventAccumulator(str(folder))
        events.Reload()
        assert [event.step for event in events.Scalars("accuracy/val")] == list(range(1, trial["epochs"] + 1))
        assert "_hparams_/session_end_info" in events.PluginTagToContent("hparams")
        if trial["number"] == best:
            assert "pictures/confusion_digit" in events.Tags()["images"]
            assert (folder / "projector_config.pbtxt").is_file()
            assert events.Tags()["graph"]


def _rows(table: Path) -> Rows:
    rows: Rows = pq.read_table(table).to_pylist()
    names = [name for name in rows[0] if name not in VARYING_COLUMNS and not name.startswith("test/")]
    return [{name: row[name] for name in names} for row in rows]


def _trial(run_dir: RunDir, store: StudyReader, record: TrialRecord) -> TrialOutcome:
    measurements = store.measurements(record.number)
    return TrialOutcome(
        record=without_varying(record),
        epochs=tuple((each.epoch, _reproducible(each.metrics)) for each in measurements),
        charts=_charts(trial_folder(run_dir, record.number)),
    )


def _reproducible(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith("perf/")}


def _charts(folder: Path) -> dict[str, Points]:
    charts: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for file in sorted(folder.glob("events.*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars" and not value.tag.startswith("trial/"):
                    # Speed varies, but its steps are compared too.
                    number = 0.0 if value.tag.startswith("perf/") else value.tensor.float_val[0]
                    charts[value.tag].append((event.step, number))
    return {tag: tuple(points) for tag, points in charts.items()}


def _name(file: Path, run_dir: Path) -> str:
    """The path below the run directory, cut off before the start time in an event file's name."""
    return str(file.relative_to(run_dir)).split(".tfevents", maxsplit=1)[0]


def _sha256(file: Path) -> str:
    """The hash of a file's content; a model card is hashed without its training speed."""
    content = file.read_bytes()
    if file.suffix == ".json":
        card = json.loads(content)
        card.get("metrics", {}).pop("perf/samples_per_second", None)
        content = json.dumps(card, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()
