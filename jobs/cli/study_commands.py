"""The commands that run trials: run and resume. Each imports what it needs when it is called."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli.arguments import run_dir_argument, spec_argument
from jobs.cli.group import EXIT_INTERRUPTED, print_error
from jobs.cli.help import CommandWithSpecs
from jobs.cli.options import (
    NewFolder,
    OutputMode,
    backend_options,
    console,
    print_json,
    require_option,
    workers_option,
)
from mnist_core.errors import EnvironmentProblem, FallsShort, NoCompleteTrial, NotWritable

if TYPE_CHECKING:
    from cluster.driver.observer import StudyObserver
    from cluster.results.summary import StudySummary
    from cluster.run_dir.paths import RunDir
    from cluster.spec.requirements import Requirement, Verdict
    from cluster.spec.study_spec import StudySpec
    from cluster.trial import TrialRecord
    from jobs.study.backend import Backend
    from jobs.study.run import StudyResult
    from jobs.terminal.running.run_log import RunLog


@click.command(cls=CommandWithSpecs, short_help="Run a study.")
@spec_argument
@click.option("--out", type=NewFolder(), help="Run directory, new or empty; default: runs/<name>.")
@click.option("--trials", type=int, help="Number of trials; default: the spec's.")
@click.option("--epochs", type=int, help="Number of epochs per trial; default: the spec's.")
@workers_option
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Override a field of the spec; repeatable."
)
@require_option
@backend_options
def run(
    spec: str,
    out: Path | None,
    trials: int | None,
    epochs: int | None,
    workers: str | None,
    overrides: Sequence[str],
    required: Sequence[str],
    address: str | None,
    local: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a study: train networks with the hyperparameters that a search proposes, and keep the best.

    \b
    For example:
      mxtrials run quickstart
      mxtrials run mlp-asha --trials 8 --epochs 3 --workers cpu=2 --out runs/short
      mxtrials run mine.yaml --set training.momentum=0.8 --require val/accuracy=0.98
    """  # noqa: D301 - click reads the backspace
    from cluster.run_dir.paths import RunDir
    from cluster.spec.pitfalls import find_partial_settings
    from cluster.spec.requirements import parse_requirements
    from cluster.spec.spec_file import load_spec, shortcut_overrides
    from jobs.specs.shipped import spec_path

    study = load_spec(spec_path(spec), [*shortcut_overrides(trials, epochs, workers), *overrides], is_new=True)
    requirements = parse_requirements(required, study)
    _check_local(local, workers)
    for remark in () if quiet else find_partial_settings(study):
        print_error(f"mxtrials: {remark}")
    from jobs.study.backend import Backend
    from jobs.study.run import start_study  # takes seconds to import: a bad spec is rejected before
    from jobs.terminal.running.run_log import RunLog

    run_dir = RunDir(out or Path("runs") / study.name)
    mode = OutputMode.of(as_json, quiet)
    backend = Backend(local, address)
    log = RunLog(run_dir.log, study)
    with log.open():
        with _interruptible(run_dir, log), _open_view(study, mode, backend) as view:
            result = start_study(study, run_dir.path, backend, log.beside(view))
        _report(result, run_dir, mode, log, requirements)


@click.command(short_help="Continue a study, or add trials to it.")
@run_dir_argument
@click.option("--trials", type=int, help="Extend the study to this many trials; default: as many as before.")
@workers_option
@require_option
@backend_options
def resume(
    run_dir: Path,
    trials: int | None,
    workers: str | None,
    required: Sequence[str],
    address: str | None,
    local: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Continue an interrupted study, or add trials to a finished one."""
    from cluster.results.summary import read_summary
    from cluster.run_dir.paths import RunDir
    from cluster.spec.requirements import parse_requirements
    from cluster.spec.spec_file import load_spec, shortcut_overrides

    opened = RunDir.open(run_dir)
    study = load_spec(opened.spec, shortcut_overrides(trials, None, workers), can_stop=True)
    requirements = parse_requirements(required, study)
    finished = [trial for trial in read_summary(opened).trials if trial.state.is_finished()]
    _check_local(local, workers)
    from jobs.study.backend import Backend
    from jobs.study.run import resume_study  # takes seconds to import: a bad spec is rejected before
    from jobs.terminal.running.run_log import RunLog

    mode = OutputMode.of(as_json, quiet)
    backend = Backend(local, address)
    log = RunLog(opened.log, study)
    with log.open():
        with _interruptible(opened, log), _open_view(study, mode, backend, finished) as view:
            result = resume_study(opened, study, backend, log.beside(view))
        _report(result, opened, mode, log, requirements)


def _check_local(local: bool, workers: str | None) -> None:
    if local and workers:
        raise click.UsageError("--local runs one CPU worker in this process: leave out --workers")


@contextmanager
def _open_view(
    spec: "StudySpec", mode: OutputMode, backend: "Backend", finished: Sequence["TrialRecord"] = ()
) -> Iterator["StudyObserver"]:
    """Opens the view that fits the output; `finished` are the trials of a resumed study that are done."""
    from cluster.driver.observer import StudyObserver

    if mode is not OutputMode.ALL:
        yield StudyObserver()
        return
    from jobs.terminal.running.progress import Progress

    progress = Progress(spec)
    for trial in finished:
        progress.count_finished(trial)
    output = console()
    if output.is_interactive:  # a dumb terminal cannot redraw lines
        from jobs.terminal.running.live_view import LiveView

        with LiveView(progress, output, _opening(backend)) as view:
            yield view
    else:
        from jobs.terminal.running.plain_view import PlainView

        yield PlainView(progress, output)


def _opening(backend: "Backend") -> str:
    """Returns what the view shows until the first worker is ready."""
    if backend.local:
        return "loading MXNet"
    return f"joining Ray at {backend.address}" if backend.address else "starting Ray"


@contextmanager
def _interruptible(run_dir: "RunDir", log: "RunLog") -> Iterator[None]:
    """If a study cannot continue now, names the command that resumes it, provided there is something to resume."""
    try:
        yield
    except KeyboardInterrupt:
        _print_interrupted(run_dir, log)
        sys.exit(EXIT_INTERRUPTED)
    except EnvironmentProblem as err:
        if not run_dir.has_study():
            raise
        raise type(err)(f"{err}; then resume with: {_resume_command(run_dir)}") from err


def _print_interrupted(run_dir: "RunDir", log: "RunLog") -> None:
    is_resumable = run_dir.has_study()
    line = f"interrupted; resume with: {_resume_command(run_dir)}" if is_resumable else "interrupted"
    log.write(line)
    print_error(line)


def _resume_command(run_dir: "RunDir") -> str:
    from cluster.run_dir.shell import shell_command

    return shell_command("mxtrials", "resume", run_dir.path)


def _report(
    result: "StudyResult", run_dir: "RunDir", mode: OutputMode, log: "RunLog", requirements: Sequence["Requirement"]
) -> None:
    """Prints how a study ended, and exits with the matching code even if printing fails."""
    from cluster.run_dir.shell import shell_command
    from cluster.spec.requirements import judge
    from jobs.terminal.leaderboard import draw_summary

    summary = result.summary
    best = summary.best
    verdicts = judge(requirements, {**best.metrics, **(best.test or {})} if best else {})
    log.draw(partial(draw_summary, summary))
    show = shell_command("mxtrials", "show", run_dir.path)
    try:
        _print_result(summary, run_dir, mode, verdicts)
    except NotWritable as err:
        raise NotWritable(f"{err}; the study itself is saved: see `{show}`") from err
    finally:
        if result.warning:
            log.write(f"mxtrials: {result.warning}")
            print_error(f"mxtrials: {result.warning}")
        if summary.state == "interrupted":
            _print_interrupted(run_dir, log)
            sys.exit(EXIT_INTERRUPTED)
        if summary.best is None:
            raise NoCompleteTrial(f"no trial of {summary.spec.name} is complete: `{show}` says why")
        if short := [verdict.complaint() for verdict in verdicts if not verdict.is_met]:
            raise FallsShort(f"the best trial, {summary.best.number}, falls short: {'; '.join(short)}")


def _print_result(summary: "StudySummary", run_dir: "RunDir", mode: OutputMode, verdicts: Sequence["Verdict"]) -> None:
    from cluster.analysis.health.checks import study_document
    from jobs.terminal.leaderboard import draw_files, draw_summary

    if mode is OutputMode.JSON:
        required = {"required": [verdict.as_json() for verdict in verdicts]} if verdicts else {}
        print_json({**study_document(run_dir, summary), **required})
    elif mode is OutputMode.ALL:
        draw_summary(summary, console())
        draw_files(summary, run_dir, console())
