"""The last steps of a study: scores the best models on the test set, saves the best one, writes tables and pictures."""

from collections.abc import Sequence
from dataclasses import replace

from cluster.results.networks import read_networks, write_networks
from cluster.results.predictions import TestPredictions, read_predictions, write_predictions
from cluster.results.summary import StudySummary, summarize
from cluster.results.tables import write_results, write_tables
from cluster.trial import TrialRecord, TrialSpec
from jobs.study.final_weights import FinalWeights
from jobs.study.pages.tensorboard import write_best_page
from jobs.study.session import StudySession
from mnist_core.context import open_context
from mnist_core.errors import CheckpointError, NotWritable
from mnist_core.heads import DIGIT
from mnist_core.model.layers import describe_layers
from mnist_core.model.metrics import score
from mnist_core.model.prediction import Predictor
from mnist_core.model.saved_model import ModelCard, load_model, read_symbol, save_model


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
    scoring = _TestScoring(session, final)
    best = summary.best_of_each_kind() if summary.is_over else []
    for trial in best:
        trials[trial.number] = scoring.score(trial)
    summary = replace(summary, trials=tuple(trials.values()))
    if summary.best is not None:
        _save_best(session, summary.best, final)
    write_results(session.run_dir, summary.trials)
    if best:
        scoring.write(best)
    tested = "test/digit_accuracy" if session.spec.search.objective == "val/digit_accuracy" else "test/accuracy"
    scores = {trial.number: trial.test for trial in summary.trials if trial.test is not None}
    session.recorder.study.write_leaderboard(
        {number: test.get(tested, test["test/accuracy"]) for number, test in scores.items()}
    )
    return summary


class _TestScoring:
    """Scores trials on the test images, unless that is already done, and keeps what they predict."""

    def __init__(self, session: StudySession, final: FinalWeights) -> None:
        """Reads what an earlier session predicted."""
        self._session = session
        self._final = final
        self._kept = {each.trial: each for each in read_predictions(session.run_dir.predictions)}
        self._written = frozenset(self._kept)

    def score(self, record: TrialRecord) -> TrialRecord:
        """Scores a trial and shows it in TensorBoard; returns its record with the test metrics."""
        session, number = self._session, record.number
        trial, test = record.resolve(session.spec), session.dataset.test
        needs_page = session.recorder.needs_best(trial)
        if record.test is not None and number in self._kept and not needs_page:
            return record
        weights = self._final.load(record)
        if weights is None:
            return record
        probabilities = Predictor(trial.model, weights, open_context("cpu")).predict_probabilities(test.images)
        self._kept[number] = TestPredictions(number, record.model, test.labels, probabilities)
        if needs_page:
            write_best_page(session, trial, weights, probabilities[DIGIT.name])
        if record.test is not None:
            return record
        heads = trial.model.heads
        metrics = score(heads, [probabilities[head.name] for head in heads], test.labels).as_metrics("test")
        session.store.set_test(number, metrics)  # last, so that a trial with test metrics has its page
        return replace(record, test=metrics)

    def write(self, best: Sequence[TrialRecord]) -> None:
        """Writes what the best trial of each kind predicts, and its layers. A full disk only costs the report those."""
        run_dir = self._session.run_dir
        kept = [self._kept[trial.number] for trial in best if trial.number in self._kept]
        numbers = {each.trial for each in kept}
        try:
            if kept and numbers != self._written:
                write_predictions(run_dir.predictions, kept)
            if numbers != read_networks(run_dir.networks).keys():
                models = {trial.number: trial.resolve(self._session.spec).model for trial in best}
                write_networks(
                    run_dir.networks, {number: describe_layers(models[number]) for number in sorted(numbers)}
                )
        except NotWritable as err:
            self._session.warn(f"the report will show no mistakes and no layers: {err}")


def _save_best(session: StudySession, best: TrialRecord, final: FinalWeights) -> None:
    trial = best.resolve(session.spec)
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
