"""`mxtrials predict` and `mxtrials evaluate`: what the best model of a study predicts, and how well."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from mnist_core.context import open_context
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.image_files import read_digit
from mnist_core.errors import DataError
from mnist_core.model.metrics import Scores
from mnist_core.model.prediction import Prediction, Predictor
from mnist_core.model.saved_model import ModelCard, load_model


def predict_images(run_dir: RunDir, images: Sequence[Path]) -> list[Prediction]:
    """Predicts the digit in each image with the best model.

    Raises:
        ImageError: a file is not an image of a digit.
        CheckpointError: the study has no best model yet.
    """
    digits = np.stack([read_digit(path) for path in images])
    return _load_best(run_dir)[1].predict(digits)


def score_best(run_dir: RunDir) -> Scores:
    """Scores the best model on the test set of the data that it was trained on.

    Raises:
        SpecError: spec.yaml is no longer the spec that the study was started with.
        DataError: the data has changed since.
        CheckpointError: the study has no best model yet.
    """
    source = load_run_spec(run_dir).data.source
    card, predictor = _load_best(run_dir)
    dataset = open_dataset(source, cache_dir=default_cache_dir())
    if dataset.fingerprint != card.data_fingerprint:
        raise DataError(
            f"the data of {source} has changed since the study: its fingerprint is {dataset.fingerprint[:16]}..., "
            f"the model was trained on {card.data_fingerprint[:16]}...: restore the files"
        )
    return predictor.evaluate(dataset.test)


def _load_best(run_dir: RunDir) -> tuple[ModelCard, Predictor]:
    context = open_context("cpu")
    card, weights = load_model(run_dir.best)
    return card, Predictor(card.model, weights, context)
