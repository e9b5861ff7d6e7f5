"""`mxtrials predict` and `mxtrials evaluate`: what the best model of a study predicts, and how well."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from mnist_core.context import open_context
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.digit_image import FoundDigit
from mnist_core.data.image_files import is_named_like_an_image, read_digit, read_opened_digit
from mnist_core.errors import DataError, ImageError
from mnist_core.model.metrics import Scores
from mnist_core.model.prediction import Prediction, Predictor
from mnist_core.model.saved_model import ModelCard, load_model

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class ImagePrediction:
    """What the best model predicts for one image, or why it cannot.

    Attributes:
        image: the file's path; "-" is standard input.
        prediction: None if the image cannot be read.
        warning: what may be wrong with the prediction, one sentence.
        error: why there is no prediction, one sentence.
    """

    image: str
    prediction: Prediction | None = None
    warning: str | None = None
    error: str | None = None


def predict_images(run_dir: RunDir, images: Sequence[Path], standard_input: BinaryIO) -> list[ImagePrediction]:
    """Predicts the digit in each image with the best model; images that cannot be read do not stop the others.

    Args:
        run_dir: of the study.
        images: files, folders of them, or "-", which is read from standard input.
        standard_input: where "-" is read from.

    Raises:
        CheckpointError: the study has no best model yet.
    """
    predictor = load_best(run_dir)[1]
    read = [_read(path, standard_input) for named in images for path in _files_of(named)]
    found = [digit.image for _, digit in read if isinstance(digit, FoundDigit)]
    predictions = iter(predictor.predict(np.stack(found)) if found else ())
    return [
        ImagePrediction(name, next(predictions), digit.warning)
        if isinstance(digit, FoundDigit)
        else ImagePrediction(name, error=str(digit))
        for name, digit in read
    ]


def _files_of(named: Path) -> list[Path]:
    """Returns the images directly in a folder, in the order of their names, or the file itself."""
    try:
        images = sorted(path for path in named.iterdir() if is_named_like_an_image(path)) if named.is_dir() else None
    except OSError:
        return [named]  # reading it will say why
    return images or [named]


def _read(path: Path, standard_input: BinaryIO) -> tuple[str, FoundDigit | ImageError]:
    """Returns the name of a picture, and its digit or why it has none."""
    try:
        if str(path) == STANDARD_INPUT:
            return STANDARD_INPUT, read_opened_digit(BytesIO(standard_input.read()), "standard input")
        return str(path), read_digit(path)
    except ImageError as err:
        return str(path), err


def score_best(run_dir: RunDir) -> tuple[ModelCard, Scores]:
    """Scores the best model on the test set of the data that it was trained on, and returns its card, too.

    Raises:
        SpecError: spec.yaml is no longer the spec that the study was started with.
        DataError: the data has changed since.
        CheckpointError: the study has no best model yet.
    """
    source = load_run_spec(run_dir).data.source
    card, predictor = load_best(run_dir)
    dataset = open_dataset(source, cache_dir=default_cache_dir())
    if dataset.fingerprint != card.data_fingerprint:
        raise DataError(
            f"the data of {source} has changed since the study: its fingerprint is {dataset.fingerprint[:16]}..., "
            f"the model was trained on {card.data_fingerprint[:16]}...: restore the files, or set data.source "
            "to the folder that has them"
        )
    return card, predictor.evaluate(dataset.test)


def load_best(run_dir: RunDir) -> tuple[ModelCard, Predictor]:
    """Loads the best model of a study.

    Raises:
        CheckpointError: the study has no best model yet.
    """
    context = open_context("cpu")
    card, weights = load_model(run_dir.best)
    return card, Predictor(card.model, weights, context)
