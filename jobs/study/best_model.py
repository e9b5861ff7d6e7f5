"""`mxtrials predict` and `mxtrials evaluate`: what the best model of a study sees, and how well."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from mnist_core.context import open_context
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.image_files import read_digit
from mnist_core.errors import DataError
from mnist_core.model.metrics import Scores
from mnist_core.model.prediction import Prediction, Predictor
from mnist_core.model.saved_model import ModelCard, load_model


def classify(run_dir: RunDir, images: Sequence[Path]) -> list[Prediction]:
    """Classifies image files with the best model.

    Raises:
        ImageError: a file is no image of a digit.
        CheckpointError: the study has no best model yet.
    """
    digits = np.stack([read_digit(path) for path in images])
    return _best(run_dir)[1].predict(digits)


def score_best(run_dir: RunDir) -> Scores:
    """Scores the best model on the test set of the data that it was trained on.

    Raises:
        DataError: the data has changed since.
        CheckpointError: the study has no best model yet.
    """
    card, predictor = _best(run_dir)
    source = load_spec(run_dir.spec, check_packages=False).data.source
    dataset = open_dataset(source, cache_dir=default_cache_dir())
    if dataset.fingerprint != card.data_fingerprint:
        raise DataError(
            f"the data of {source} has changed since the study: its fingerprint is {dataset.fingerprint[:16]}..., "
            f"the model was trained on {card.data_fingerprint[:16]}...: restore the files"
        )
    return predictor.evaluate(dataset.test)


def show_predictions(
    images: Sequence[Path], predictions: Sequence[Prediction], as_json: bool, console: Console
) -> None:
    """Prints what was seen on each image."""
    if as_json:
        rows = [
            {"image": str(image), **dataclasses.asdict(seen)} for image, seen in zip(images, predictions, strict=True)
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in ("image", "digit", "probability", "parity"):
        table.add_column(name)
    for image, seen in zip(images, predictions, strict=True):
        parity = f"{seen.parity} ({seen.parity_probability:.3f})" if seen.parity else ""
        table.add_row(str(image), f"[bold]{seen.digit}[/]", f"{seen.probability:.3f}", parity)
    console.print(table)


def show_scores(scores: Scores, as_json: bool, console: Console) -> None:
    """Prints metrics and confusion matrices."""
    if as_json:
        click.echo(json.dumps({**scores.as_metrics("test"), "confusion": scores.confusion}, indent=2))
        return
    for name, value in scores.as_metrics("test").items():
        console.print(f"{name}  {value:.4f}", highlight=False)
    for head, counts in scores.confusion.items():
        table = Table(title=f"{head}: rows are labels, columns predictions", header_style="dim", padding=(0, 1))
        table.add_column("")
        for column in range(len(counts)):
            table.add_column(str(column), justify="right")
        for row, line in enumerate(counts):
            cells = [f"[bold green]{n}[/]" if row == column else str(n) for column, n in enumerate(line)]
            table.add_row(f"[dim]{row}[/]", *cells)
        console.print(table)


def _best(run_dir: RunDir) -> tuple[ModelCard, Predictor]:
    context = open_context("cpu")
    card, weights = load_model(run_dir.best)
    return card, Predictor(card.model, weights, context)
