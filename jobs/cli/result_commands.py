"""The commands that only read a run directory. Each imports what it needs when it is called."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli.arguments import required_run_dir_argument, run_dir_argument
from jobs.cli.group import in_one_line, print_error
from jobs.cli.options import console, json_option, print_json

if TYPE_CHECKING:
    from cluster.run_dir.paths import RunDir
    from jobs.study.best_model import ImagePrediction


@click.command(short_help="Show a study, even while it is running.")
@run_dir_argument
@click.option("--watch", is_flag=True, help="Redraw the study until it ends, from any machine that has the disk.")
@click.option(
    "--sort", "by", metavar="COLUMN", help="Sort by a column or a field; default: by the objective, best first."
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show the first N trials; default: 20.")
@click.option("--all", "shows_all", is_flag=True, help="Show all trials.")
@click.option("--trial", "number", type=int, help="Show one trial: parameters, epochs, attempts, traceback.")
@click.option("--timing", is_flag=True, help="Show where the workers and the driver spent their time.")
@json_option
def show(
    run_dir: Path,
    watch: bool,
    by: str | None,
    top: int | None,
    shows_all: bool,
    number: int | None,
    timing: bool,
    as_json: bool,
) -> None:
    """Show the state and the leaderboard of a study, even while it is running."""
    modes = {"--trial": number is not None, "--timing": timing, "--watch": watch}
    _reject_together([name for name, given in modes.items() if given], "show different things")
    _reject_together([name for name, given in {"--top": top, "--all": shows_all}.items() if given], "contradict")
    ordered = [name for name, given in {"--sort": by, "--top": top, "--all": shows_all}.items() if given]
    others = [name for name, given in {**modes, "--json": as_json}.items() if given and name != "--watch"]
    if ordered and others:
        raise click.UsageError(f"{ordered[0]} orders the leaderboard, which {others[0]} does not show: leave one out")
    if watch:
        if as_json:
            raise click.UsageError("--watch draws on a terminal: leave out --json")
        _watch(run_dir, by, top, shows_all)
    elif timing:
        _show_timing(run_dir, as_json)
    elif number is not None:
        _show_trial(run_dir, number, as_json)
    else:
        _show_study(run_dir, as_json, by, top, shows_all)


def _reject_together(options: Sequence[str], why: str) -> None:
    if len(options) > 1:
        raise click.UsageError(f"{options[0]} and {options[1]} {why}: choose one")


def _watch(run_dir: Path, by: str | None, top: int | None, shows_all: bool) -> None:
    from cluster.run_dir.paths import RunDir
    from jobs.terminal.ranking import Ranking
    from jobs.terminal.studies.watch import watch_study

    output = console()
    if not output.is_interactive:
        raise click.UsageError("--watch draws on a terminal, and this output is none: leave it out")
    watch_study(RunDir.open(run_dir), Ranking(by, top, shows_all), output)


def _show_study(run_dir: Path, as_json: bool, by: str | None, top: int | None, shows_all: bool) -> None:
    from cluster.analysis.health.checks import read_findings, study_document
    from cluster.results.summary import read_summary
    from cluster.run_dir.paths import RunDir

    opened = RunDir.open(run_dir)
    summary = read_summary(opened)
    if as_json:
        print_json(study_document(opened, summary))
        return
    from jobs.terminal.analysis.health import draw_findings
    from jobs.terminal.leaderboard import draw_summary
    from jobs.terminal.ranking import Ranking

    draw_summary(summary, console(), Ranking(by, top, shows_all))
    draw_findings(read_findings(opened, summary), console())


def _show_trial(run_dir: Path, number: int, as_json: bool) -> None:
    from cluster.results.trial_details import read_trial
    from cluster.run_dir.paths import RunDir

    details = read_trial(RunDir.open(run_dir), number)
    if as_json:
        print_json(details.as_json())
        return
    from jobs.terminal.trial_details import draw_trial

    draw_trial(details, console())


def _show_timing(run_dir: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from cluster.results.timing import read_study_times
    from cluster.run_dir.paths import RunDir

    times = read_study_times(RunDir.open(run_dir))
    if as_json:
        print_json(times and asdict(times))
        return
    from jobs.terminal.timing import draw_timing

    draw_timing(times, console())


@click.command(short_help="Predict the digit in each image.")
@required_run_dir_argument
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def predict(run_dir: Path, images: Sequence[Path], as_json: bool) -> None:
    """Predict the digit in each image with the best model of a study.

    IMAGES are files, folders with images, or - for standard input.
    """
    from cluster.run_dir.paths import RunDir
    from jobs.study.best_model import predict_images
    from jobs.terminal.results import draw_predictions
    from mnist_core.errors import ImageError

    results = predict_images(RunDir.open(run_dir), images, sys.stdin.buffer)
    errors = [result.error for result in results if result.error is not None]
    if len(errors) == len(results) == 1:
        raise ImageError(errors[0])
    if as_json:
        print_json([_prediction_as_json(result) for result in results])
    elif len(errors) < len(results):
        draw_predictions(results, console())
    for result in results:
        if result.error is not None or result.warning is not None:
            sentence = result.error or f"warning: {result.image} {result.warning}"
            print_error(f"mxtrials: {in_one_line(sentence)}")
    if errors:
        raise ImageError(f"{len(errors)} of {len(results)} images could not be read: see above")


def _prediction_as_json(result: "ImagePrediction") -> dict[str, object]:
    """Returns a prediction with `warning` if there is one; only `image` and `error` if there is no prediction."""
    from dataclasses import asdict

    if result.prediction is None:
        return {"image": result.image, "error": result.error}
    warning = {} if result.warning is None else {"warning": result.warning}
    return {"image": result.image, **asdict(result.prediction), **warning}


@click.command()
@run_dir_argument
@json_option
def evaluate(run_dir: Path, as_json: bool) -> None:
    """Score the best model of a study on the test set."""
    from cluster.run_dir.paths import RunDir
    from jobs.study.best_model import score_best
    from jobs.terminal.results import draw_scores

    card, scores = score_best(RunDir.open(run_dir))
    if as_json:
        about = {"trial": card.trial, "model": card.model.kind, "images": sum(map(sum, scores.confusion["digit"]))}
        print_json({**about, **scores.as_metrics("test"), "confusion": scores.confusion})
    else:
        draw_scores(card, scores, console())


@click.command(short_help="Retrain a trial, and compare the two.")
@run_dir_argument
@click.option("--trial", "number", type=int, help="The trial's number; default: the best trial.")
@json_option
def reproduce(run_dir: Path, number: int | None, as_json: bool) -> None:
    """Retrain a trial, and check whether its metrics and weights are the same."""
    from cluster.run_dir.paths import RunDir
    from jobs.study.reproduce import reproduce_trial
    from jobs.terminal.progress_bar import progress_bar
    from jobs.terminal.results import draw_reproduction
    from mnist_core.errors import NotReproduced

    show_progress = partial(progress_bar, console=console(stderr=True))
    reproduction = reproduce_trial(RunDir.open(run_dir), number, show_progress)
    if as_json:
        print_json(reproduction.as_json())
    else:
        draw_reproduction(reproduction, console())
    if not reproduction.is_equal:
        raise NotReproduced(reproduction.complaint())


@click.command(short_help="Write a study as files for other tools.")
@run_dir_argument
@click.option("--to", "name", type=click.Choice(["csv", "parquet", "optuna", "onnx", "mlflow"]), required=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write in; default: RUN_DIR/export.")
@json_option
def export(run_dir: Path, name: str, out: Path | None, as_json: bool) -> None:
    """Write a study as files for other tools, even while it is running.

    \b
    csv, parquet  results.* has a row for each trial, metrics.* one for each epoch
    optuna        optuna.db, for optuna-dashboard and Optuna's plots
    onnx          the best model of each network, one file each
    mlflow        mlflow.db, with a run for each trial
    """  # noqa: D301 - click reads the backspace
    from cluster.run_dir.paths import RunDir
    from jobs.export.formats import export_study
    from jobs.terminal.progress_bar import progress_bar
    from jobs.terminal.results import draw_export

    opened = RunDir.open(run_dir)
    show_progress = partial(progress_bar, console=console(stderr=True))
    files = export_study(opened, name, out or opened.export, show_progress)
    if as_json:
        print_json({"format": name, "files": [str(file) for file in files]})
    else:
        draw_export(name, files, console())


@click.command(short_help="Write a study as one HTML page.")
@run_dir_argument
@click.option("--out", type=click.Path(path_type=Path), help="The page's file; default: RUN_DIR/report.html.")
@click.option("--serve", is_flag=True, help="Serve the page on this machine, and reload it while the study runs.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to serve it on; default: a free one.")
def report(run_dir: Path, out: Path | None, serve: bool, port: int | None) -> None:
    """Write a study as one HTML page that needs no network, even while the study is running."""
    from cluster.run_dir.paths import RunDir

    if port is not None and not serve:
        raise click.UsageError("--port is where --serve listens: add --serve")
    if serve and out is not None:
        raise click.UsageError("--serve writes no file: leave out --out")
    opened = RunDir.open(run_dir)
    if serve:
        _serve_report(opened, port or 0)
        return
    from jobs.report.page import write_report
    from mnist_core.errors import NotWritable

    try:
        click.echo(write_report(opened, out))
    except NotWritable as err:
        raise NotWritable(f"{err}, or choose another --out") from err


def _serve_report(run_dir: "RunDir", port: int) -> None:
    from jobs.report.server import open_report_server

    with open_report_server(run_dir, port) as server:
        server.page()  # a study that cannot be read is an error now, not in the browser
        click.echo(f"{server.address}  (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


@click.command(short_help="Draw the confusion matrices of a trial.")
@run_dir_argument
@click.option("--trial", "number", type=int, required=True, help="The number of the trial.")
def pictures(run_dir: Path, number: int) -> None:
    """Draw the confusion matrices of a trial for TensorBoard, even while its study is running.

    The best trial of each network has them, and more, once the study has ended.
    """
    from cluster.run_dir.paths import RunDir
    from jobs.study.pages.pictures import draw_pictures

    folder = draw_pictures(RunDir.open(run_dir), number)
    click.echo(f"drawn: TensorBoard shows them on its page Images as {in_one_line(folder.name)}")
