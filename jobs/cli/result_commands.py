"""The commands that only read a run directory. Each imports what it needs when it is called."""

from collections.abc import Sequence
from pathlib import Path

import click

from jobs.cli.options import console, json_option, run_dir_argument


@click.command()
@run_dir_argument
@click.option("--timing", is_flag=True, help="Show where the time of the workers and of the driver went.")
@json_option
def show(run_dir: Path, timing: bool, as_json: bool) -> None:
    """Show the leaderboard and the state of a study, also while it runs."""
    from cluster.run_dir.paths import RunDir

    if timing:
        from jobs.terminal.timing import show_timing as show_it
    else:
        from jobs.terminal.leaderboard import show_leaderboard as show_it
    show_it(RunDir.open(run_dir), as_json, console())


@click.command()
@run_dir_argument
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def predict(run_dir: Path, images: Sequence[Path], as_json: bool) -> None:
    """Classify image files with the best model of a study."""
    from cluster.run_dir.paths import RunDir
    from jobs.study.best_model import classify, show_predictions

    show_predictions(images, classify(RunDir.open(run_dir), images), as_json, console())


@click.command()
@run_dir_argument
@json_option
def evaluate(run_dir: Path, as_json: bool) -> None:
    """Score the best model of a study on the test set."""
    from cluster.run_dir.paths import RunDir
    from jobs.study.best_model import score_best, show_scores

    show_scores(score_best(RunDir.open(run_dir)), as_json, console())


@click.command()
@run_dir_argument
@click.option("--trial", "number", type=int, help="Which trial; default: the best.")
@json_option
def reproduce(run_dir: Path, number: int | None, as_json: bool) -> None:
    """Train a trial again, and say whether it gives the same numbers and weights."""
    from cluster.run_dir.paths import RunDir
    from jobs.study.reproduce import show_reproduction, train_again

    show_reproduction(train_again(RunDir.open(run_dir), number, console(stderr=True)), as_json, console())


READING = (show, predict, evaluate, reproduce)
