"""What a study has come to, read from its run directory, to be compared with another's to the bit."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.trial import TrialRecord

Numbers = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class TrialOutcome:
    """All of a trial that does not depend on how long anything took, nor on how often it was begun.

    Attributes:
        epochs: number and metrics of each row of the store, in its order.
        charts: by TensorBoard's tag, the steps and values in the order in which they stand in its files.
    """

    number: int
    state: str
    model: str
    params: str
    seed: int
    value: float | None
    weights_sha256: str | None
    test: str
    epochs: tuple[tuple[int, Numbers], ...]
    charts: Mapping[str, tuple[tuple[int, float], ...]]


@dataclass(frozen=True)
class Outcome:
    """A study: its trials, the files that it left, and the content of those that hold nothing of time."""

    state: tuple[str, str | None]
    trials: tuple[TrialOutcome, ...]
    tables: tuple[tuple[tuple[int, int], ...], ...]
    files: tuple[str, ...]
    best: Mapping[str, str]


def outcome(path: Path) -> Outcome:
    """Reads a run directory that nobody drives, and checks that all who tell of its trials tell the same."""
    run_dir = RunDir(path)
    store = StudyReader.open(run_dir.store)
    trials = tuple(_trial(run_dir, store, record) for record in store.trials())
    state = store.study()
    store.close()
    for trial in trials:
        assert_charts_are_the_stores(trial)
    results, metrics = (pq.read_table(table).to_pylist() for table in (run_dir.results, run_dir.metrics))
    tables = (
        tuple((row["number"], row["epochs"]) for row in results),
        tuple((row["number"], row["epoch"]) for row in metrics),
    )
    assert tables[1] == tuple((trial.number, epoch) for trial in trials for epoch, _ in trial.epochs)
    files = tuple(sorted(_name(file, path) for file in path.rglob("*") if file.is_file()))
    best = {file.name: _content(file) for file in run_dir.best.parent.glob("*")}
    return Outcome(state, trials, tables, files, best)


def assert_charts_are_the_stores(trial: TrialOutcome) -> None:
    """TensorBoard's files have each epoch of the store once, in order, with its numbers."""
    for tag, points in trial.charts.items():
        assert [step for step, _ in points] == [epoch for epoch, _ in trial.epochs], (trial.number, tag)
    for epoch, metrics in trial.epochs:
        for tag, value in metrics:
            assert trial.charts[tag][epoch - 1] == (epoch, float(np.float32(value))), (trial.number, tag)


def _trial(run_dir: RunDir, store: StudyReader, record: TrialRecord) -> TrialOutcome:
    return TrialOutcome(
        record.number,
        record.state.value,
        record.model,
        json.dumps(record.params),
        record.seed,
        record.value,
        record.weights_sha256,
        json.dumps(record.test),
        tuple((each.epoch, _lasting(each.metrics)) for each in store.measurements(record.number)),
        _charts(run_dir.trial_tensorboard(record.number)),
    )


def _lasting(metrics: Mapping[str, float]) -> Numbers:
    return tuple(sorted((name, value) for name, value in metrics.items() if not name.startswith("perf/")))


def _charts(folder: Path) -> dict[str, tuple[tuple[int, float], ...]]:
    charts: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.tensor.float_val:
                    lasting = not value.tag.startswith("perf/")
                    charts[value.tag].append((event.step, value.tensor.float_val[0] if lasting else 0.0))
    return {tag: tuple(points) for tag, points in charts.items()}


def _name(file: Path, run_dir: Path) -> str:
    """Below the run directory; an event file is named after the moment of its beginning, and here after none."""
    name = str(file.relative_to(run_dir))
    return name.split(".tfevents", maxsplit=1)[0]


def _content(file: Path) -> str:
    """A hash; of a model's card, without how fast it was trained."""
    content = file.read_bytes()
    if file.suffix == ".json":
        card = json.loads(content)
        card.get("metrics", {}).pop("perf/samples_per_second", None)
        content = json.dumps(card, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()
