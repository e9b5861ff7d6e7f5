"""Measures how often a run's best model names the digit in made-up pictures: `python -m tests.pictures RUN [COUNT]`."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from jobs.study.best_model import load_best
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.digit_image import FoundDigit
from mnist_core.data.image_files import read_opened_digit
from mnist_core.errors import ImageError
from mnist_core.model.prediction import Predictor
from tests.pictures.conditions import BLANK, CONDITIONS, SHAPE, Array, Condition, as_image, ink_of


def main() -> None:
    """Prints a line for each condition."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory; its best model reads the pictures")
    parser.add_argument("count", type=int, nargs="?", default=100, help="digits for each condition; default: 100")
    parser.add_argument("--only", default="", help="conditions whose names contain this")
    arguments = parser.parse_args()
    run = RunDir.open(arguments.run)
    predictor = load_best(run)[1]
    test = open_dataset(load_run_spec(run).data.source, cache_dir=default_cache_dir()).test
    images, labels = test.images[: arguments.count], test.labels[: arguments.count]
    for kind, name, condition in _all_conditions():
        if arguments.only not in name:
            continue
        rng = np.random.default_rng(list(name.encode()))
        found = [_read(condition(ink_of(image, rng), rng)) for image in images]
        right = np.mean(_digits(predictor, found) == labels)
        warned = np.mean([each is not None and each.warning is not None for each in found])
        blank = np.mean([_read(condition(np.zeros(SHAPE), rng)) is None for _ in images])
        click.echo(f"{kind:16} {name:24} right {right:6.1%}  warned {warned:6.1%}  blank sheet rejected {blank:6.1%}")


def _all_conditions() -> Iterator[tuple[str, str, Condition]]:
    for kind, conditions in CONDITIONS.items():
        for name, condition in conditions.items():
            yield kind, name, condition
    for name, condition in BLANK.items():
        yield "specks and folds", name, condition


def _read(picture: Array) -> FoundDigit | None:
    file = io.BytesIO()
    as_image(picture).save(file, "PNG", compress_level=1)
    try:
        return read_opened_digit(file, "picture")
    except ImageError:
        return None


def _digits(predictor: Predictor, found: list[FoundDigit | None]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Returns the digit that is read in each picture, -1 where none is."""
    images = np.stack([np.zeros((28, 28), np.uint8) if each is None else each.image for each in found])
    predictions = predictor.predict(images)
    return np.array([-1 if each is None else seen.digit for each, seen in zip(found, predictions, strict=True)])


if __name__ == "__main__":
    main()
