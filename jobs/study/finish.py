"""What a study leaves behind: the best models, scored once on the test set, tables, and pictures of predictions."""

from collections.abc import Callable

import numpy as np

from cluster.results.summary import read_summary
from cluster.results.tables import write_tables
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialRecord
from jobs.study.final_weights import FinalWeights
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset
from mnist_core.errors import CheckpointError
from mnist_core.model.networks import build_network, heads_of
from mnist_core.model.parameters import Vector
from mnist_core.model.saved_model import CLASS_NAMES, ModelCard, load_model, read_symbol, save_model

SHOWN_PREDICTIONS = 40


def finish_study(
    run_dir: RunDir, store: Store, dataset: Dataset, recorder: Recorder, warn: Callable[[str], None]
) -> None:
    """Scores the best trial of each kind of network on the test set, and saves the best of all.

    A trial that was scored and shown before is not scored again; a study without a complete trial leaves its tables
    only. `warn` is told of final weights that are damaged; the study ends all the same.
    """
    summary = read_summary(run_dir)
    write_tables(run_dir, store)
    final = FinalWeights(summary.spec, run_dir, store, dataset, warn)
    for trial in summary.best_of_each_kind():
        if trial.test is None or not recorder.has(trial.number, "predictions"):
            weights = final.load(trial)
            if weights is not None:
                _score(trial, summary.spec, weights, store, dataset, recorder)
    if summary.best is not None:
        if not recorder.has(summary.best.number, "graph"):
            model, _ = summary.spec.resolve(summary.best.params)
            recorder.graph(summary.best.number, build_network(model).symbol.tojson())
        _save_best(run_dir, dataset, final, warn)
    write_tables(run_dir, store)


def _score(
    trial: TrialRecord, spec: StudySpec, weights: Vector, store: Store, dataset: Dataset, recorder: Recorder
) -> None:
    from mnist_core.model.prediction import Predictor

    model, _ = spec.resolve(trial.params)
    predictor = Predictor(model, weights, open_context("cpu"))
    shown = dataset.test.images[:SHOWN_PREDICTIONS]
    predictions = predictor.predict(shown)
    recorder.predictions(
        trial.number,
        shown,
        dataset.test.labels[:SHOWN_PREDICTIONS],
        np.array([prediction.digit for prediction in predictions]),
        np.array([prediction.probability for prediction in predictions]),
    )
    if trial.test is None:  # last: a trial with test metrics lacks nothing, whenever its driver is killed
        store.set_test(trial.number, predictor.evaluate(dataset.test).as_metrics("test"))


def _save_best(run_dir: RunDir, dataset: Dataset, final: FinalWeights, warn: Callable[[str], None]) -> None:
    summary = read_summary(run_dir)  # anew: it has the test metrics now
    best = summary.best
    if best is None or best.weights_sha256 is None:
        return
    saved = _saved(run_dir)
    if saved is not None and (saved.weights_sha256, saved.test) == (best.weights_sha256, best.test):
        return
    weights = final.load(best)
    if weights is None:
        held = "no model" if saved is None else f"the model of trial {saved.trial}"
        warn(f"{run_dir.best.parent} holds {held}, although trial {best.number} is the best: its weights are gone")
        return
    model, training = summary.spec.resolve(best.params)
    card = ModelCard(
        trial=best.number,
        model=model,
        training=training,
        params=dict(best.params),
        metrics=dict(best.metrics),
        test=dict(best.test) if best.test else None,
        classes={head.name: CLASS_NAMES[head.name] for head in heads_of(model.kind)},
        weights_sha256=best.weights_sha256,
        data_fingerprint=dataset.fingerprint,
    )
    save_model(run_dir.best, card, weights)


def _saved(run_dir: RunDir) -> ModelCard | None:
    """The card of the model that is there, if it is whole."""
    try:
        card, _ = load_model(run_dir.best)
        read_symbol(run_dir.best)
    except CheckpointError:
        return None
    return card
