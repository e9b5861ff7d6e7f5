"""The last steps of a study: scores the best models on the test set, saves the best one, writes tables and pictures."""

from dataclasses import replace

import numpy as np

from cluster.results.summary import StudySummary, summarize
from cluster.results.tables import write_results, write_tables
from cluster.trial import TrialRecord, TrialSpec
from jobs.study.final_weights import FinalWeights
from jobs.study.session import StudySession
from mnist_core.context import open_context
from mnist_core.errors import CheckpointError
from mnist_core.model.networks import build_network
from mnist_core.model.prediction import Predictor
from mnist_core.model.saved_model import ModelCard, load_model, read_symbol, save_model

SHOWN_PREDICTIONS = 40


def finish_study(session: StudySession) -> StudySummary:
    """Scores the best trial of each kind of network on the test set, saves the best of all, and writes the tables.

    A trial that already has test metrics is not scored again. A study without a complete trial only gets its tables,
    and one that ended before its last trial is not scored: the test images are not for choosing how long to continue.
    Damaged final weights cause a warning, and do not stop the study.

    Returns:
        the study with its test metrics.
    """
    summary = summarize(session.spec, session.store)
    write_tables(session.run_dir, session.store, summary.trials)  # before scoring, which may fail
    final = FinalWeights(session)
    trials = {trial.number: trial for trial in summary.trials}
    for trial in summary.best_of_each_kind() if summary.is_over else ():
        trials[trial.number] = _score(session, trial, final)
    summary = replace(summary, trials=tuple(trials.values()))
    if summary.best is not None:
        _save_best(session, summary.best, final)
    write_results(session.run_dir, summary.trials)
    return summary


def _score(session: StudySession, record: TrialRecord, final: FinalWeights) -> TrialRecord:
    """Scores a trial and draws its predictions, unless already done; returns its record with the test metrics."""
    recorder, dataset = session.recorder, session.dataset
    if record.test is not None and not recorder.needs(record.number, "predictions"):
        return record
    weights = final.load(record)
    if weights is None:
        return record
    predictor = Predictor(record.resolve(session.spec).model, weights, open_context("cpu"))
    shown = dataset.test.images[:SHOWN_PREDICTIONS]
    predictions = predictor.predict(shown)
    recorder.write_predictions(
        record.number,
        shown,
        dataset.test.labels[:SHOWN_PREDICTIONS],
        np.array([prediction.digit for prediction in predictions]),
        np.array([prediction.probability for prediction in predictions]),
    )
    if record.test is not None:
        return record
    metrics = predictor.evaluate(dataset.test).as_metrics("test")
    session.store.set_test(record.number, metrics)  # last, so that a trial with test metrics has its predictions
    return replace(record, test=metrics)


def _save_best(session: StudySession, best: TrialRecord, final: FinalWeights) -> None:
    trial = best.resolve(session.spec)
    if session.recorder.needs(best.number, "graph"):
        session.recorder.write_graph(best.number, build_network(trial.model).symbol.tojson())
    saved = _saved_card(session)
    if saved is not None and (saved.weights_sha256, saved.test) == (best.weights_sha256, best.test):
        return
    weights = final.load(best)
    if weights is None:
        has = "has no model" if saved is None else f"still has the model of trial {saved.trial}"
        session.warn(f"{session.run_dir.best.parent} {has}: the weights of the best trial, {best.number}, are missing")
        return
    save_model(session.run_dir.best, _card(best, trial, session.dataset.fingerprint), weights)


def _card(best: TrialRecord, trial: TrialSpec, data_fingerprint: str) -> ModelCard:
    return ModelCard(
        trial=best.number,
        model=trial.model,
        training=trial.training,
        params=dict(best.params),
        metrics=dict(best.metrics),
        test=dict(best.test) if best.test else None,
        classes={head.name: head.class_names for head in trial.model.heads},
        weights_sha256=str(best.weights_sha256),
        data_fingerprint=data_fingerprint,
    )


def _saved_card(session: StudySession) -> ModelCard | None:
    """Returns the card of the saved model, or None unless the model is complete."""
    try:
        card, _ = load_model(session.run_dir.best)
        read_symbol(session.run_dir.best)
    except CheckpointError:
        return None
    return card
