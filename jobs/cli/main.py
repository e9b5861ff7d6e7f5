"""The command line: parses, asks the right room, prints. Each command imports what it needs when it is called.

Exit codes: 0 done; 1 no complete trial, or one not reproduced; 2 bad usage or input; 3 the environment lacks
something; 130 interrupted.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.bench.registry import BENCHMARKS, PUBLISHED
from jobs.cli.group import EXIT_INTERRUPTED, MxtrialsGroup, print_error
from jobs.cli.options import console, json_option, run_dir_argument
from jobs.cli.result_commands import READING
from jobs.terminal.shown import OutputMode
from mnist_core.errors import EnvironmentLacks, NoCompleteTrial, NotWritable

if TYPE_CHECKING:
    from cluster.results.summary import StudySummary
    from cluster.run_dir.paths import RunDir
    from jobs.study.run import StudyResult


def _version() -> str:
    try:
        return version("mxtrials")
    except PackageNotFoundError:
        return "not installed: run from its source folder"


@click.group(cls=MxtrialsGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(_version(), message="%(version)s")
def main() -> None:
    """Run hyperparameter trials of MXNet networks on MNIST, on this machine or a Ray cluster."""


for _command in READING:
    main.add_command(_command)


@main.command()
@click.argument("spec")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory, new; default runs/<name>.")
@click.option("--trials", type=int, help="How many trials.")
@click.option("--epochs", type=int, help="How many epochs each.")
@click.option("--workers", metavar="cpu=2,gpu=0", help="How many workers of each kind.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Set any field of the spec; repeatable.")
@click.option("--address", envvar="RAY_ADDRESS", help="Join the Ray cluster at this address; default $RAY_ADDRESS.")
@click.option("--local", is_flag=True, help="Run in this process, without Ray.")
@json_option
@click.option("--quiet", is_flag=True, help="Print errors only.")
def run(
    spec: str,
    out: Path | None,
    trials: int | None,
    epochs: int | None,
    workers: str | None,
    overrides: Sequence[str],
    address: str | None,
    local: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a study. SPEC is a file or the name of a shipped spec, e.g. quickstart."""
    from cluster.run_dir.paths import RunDir
    from cluster.spec.spec_file import load_spec, shortcut_overrides
    from jobs.specs.shipped import find_spec
    from jobs.terminal.live_view import study_view

    study = load_spec(find_spec(spec), [*shortcut_overrides(trials, epochs, workers), *overrides])
    _refuse_local_with(local, workers)
    from jobs.study.backend import Backend
    from jobs.study.run import start_study  # takes seconds, for which a refusal need not wait

    run_dir, mode = RunDir(out or Path("runs") / study.name), OutputMode.of(as_json, quiet)
    backend = Backend(local, address)
    with _interruptible(run_dir), study_view(study, mode, console(), backend.opening) as view:
        result = start_study(study, run_dir.path, backend, view)
    _report(result, run_dir, mode)


@main.command()
@run_dir_argument
@click.option("--trials", type=int, help="Extend the study to this many trials.")
@click.option("--workers", metavar="cpu=2,gpu=0", help="How many workers of each kind.")
@click.option("--address", envvar="RAY_ADDRESS", help="Join the Ray cluster at this address; default $RAY_ADDRESS.")
@click.option("--local", is_flag=True, help="Run in this process, without Ray.")
@json_option
@click.option("--quiet", is_flag=True, help="Print errors only.")
def resume(
    run_dir: Path, trials: int | None, workers: str | None, address: str | None, local: bool, as_json: bool, quiet: bool
) -> None:
    """Go on with an interrupted study, or add trials to a finished one."""
    from cluster.results.summary import read_summary
    from cluster.run_dir.paths import RunDir
    from cluster.spec.spec_file import load_spec, shortcut_overrides
    from jobs.terminal.live_view import study_view

    opened, mode = RunDir.open(run_dir), OutputMode.of(as_json, quiet)
    study = load_spec(opened.spec, shortcut_overrides(trials, None, workers))
    _refuse_local_with(local, workers)
    from jobs.study.backend import Backend
    from jobs.study.run import resume_study  # takes seconds, for which a refusal need not wait

    finished = [trial for trial in read_summary(opened).trials if trial.state.is_finished()]
    backend = Backend(local, address)
    with _interruptible(opened), study_view(study, mode, console(), backend.opening, finished) as view:
        result = resume_study(opened, study, backend, view)
    _report(result, opened, mode)


def _refuse_local_with(local: bool, workers: str | None) -> None:
    if local and workers:
        raise click.UsageError("--local runs one CPU worker in this process: leave out --workers")


@contextmanager
def _interruptible(run_dir: "RunDir") -> Iterator[None]:
    """Ends a study that cannot go on now with the command that resumes it, if there is something to resume."""
    try:
        yield
    except KeyboardInterrupt:
        _say_how_to_go_on(run_dir)
        sys.exit(EXIT_INTERRUPTED)
    except EnvironmentLacks as err:
        if not run_dir.store.exists():
            raise
        raise type(err)(f"{err}; then go on with: mxtrials resume {run_dir.path}") from err


def _say_how_to_go_on(run_dir: "RunDir") -> None:
    begun = run_dir.store.exists()
    print_error(f"interrupted; go on with: mxtrials resume {run_dir.path}" if begun else "interrupted")


def _report(result: "StudyResult", run_dir: "RunDir", mode: "OutputMode") -> None:
    """Prints how a study ended, and ends with the exit code that says so, whether it could be printed or not."""
    summary = result.summary
    from jobs.study.run import INTERRUPTED

    try:
        _show_ending(summary, run_dir, mode)
    except NotWritable as err:
        raise NotWritable(f"{err}; the study is kept: `mxtrials show {run_dir.path}`") from err
    finally:
        if result.warning:
            print_error(f"mxtrials: {result.warning}")
        if summary.reason == INTERRUPTED:
            _say_how_to_go_on(run_dir)
            sys.exit(EXIT_INTERRUPTED)
        if summary.best is None:
            raise NoCompleteTrial(
                f"no trial of {summary.spec.name} was completed: `mxtrials show {run_dir.path}` says why"
            )


def _show_ending(summary: "StudySummary", run_dir: "RunDir", mode: "OutputMode") -> None:
    from jobs.terminal.leaderboard import show_results, show_summary

    if mode is OutputMode.JSON:
        click.echo(summary.to_json())
    elif mode is not OutputMode.QUIET:
        show_summary(summary, console())
        show_results(summary, run_dir, console())


@main.command()
@click.option("--source", default="bundled", help="A folder with the four IDX files; default: the bundled MNIST.")
@json_option
def data(source: str, as_json: bool) -> None:
    """Build the data cache, or check it."""
    from jobs.study.data import check_data, show_report

    show_report(check_data(source), as_json, console())


@main.command()
@click.argument("name", type=click.Choice(list(BENCHMARKS)), required=False)
@click.option("--rounds", type=click.IntRange(min=1), help="How often each side has its turn.")
@click.option("--published", is_flag=True, help="The workload that a peer has published (dispatch: 11 minutes).")
@json_option
def bench(name: str | None, rounds: int | None, published: bool, as_json: bool) -> None:
    """Measure mxtrials beside what you would use instead; all that can be measured, if no NAME is given."""
    if published and name not in PUBLISHED:
        raise click.UsageError(f"--published is for: {', '.join(PUBLISHED)}")
    from jobs.bench.command import run_benchmarks

    run_benchmarks(name, rounds, published, as_json, console())


@main.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what this machine lacks, and how to mend it."""
    from jobs.doctor.doctor import examine, exit_code, show

    results = examine()
    show(results, as_json, console())
    sys.exit(exit_code(results))
