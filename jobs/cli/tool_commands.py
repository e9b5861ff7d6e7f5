"""The commands about no single study, and `network`. Each imports what it needs when it is called."""

import sys
from pathlib import Path

import click

from jobs.bench.registry import BENCHMARKS, PUBLISHED
from jobs.cli.options import console, json_option, print_json


@click.command("list", short_help="List the studies in a folder.")
@click.argument("folder", type=click.Path(path_type=Path), default="runs")
@json_option
def list_studies(folder: Path, as_json: bool) -> None:
    """List the studies in FOLDER (default: runs), the one that changed last first."""
    from jobs.terminal.studies.listed import read_studies
    from jobs.terminal.studies.lists import draw_studies

    studies = read_studies(folder)
    if as_json:
        print_json([study.as_json() for study in studies])
    else:
        draw_studies(studies, folder, console())


@click.command(short_help="List the shipped specs.")
@json_option
def specs(as_json: bool) -> None:
    """List the shipped specs: networks, trials, and roughly how long they take and how accurate their best model is."""
    from jobs.specs.shipped import described_specs
    from jobs.terminal.studies.lists import draw_specs

    described = described_specs()
    if as_json:
        print_json([spec.as_json() for spec in described])
    else:
        draw_specs(described, console())


@click.command(short_help="Show the layers of a network.")
@click.argument("kind_or_run", metavar="NETWORK|RUN_DIR")
@click.option("--trial", "number", type=int, help="The trial's number; default: the best trial of RUN_DIR.")
@click.option("--out", type=click.Path(path_type=Path), help="Draw it into this file, an .svg or a .png.")
@json_option
def network(kind_or_run: str, number: int | None, out: Path | None, as_json: bool) -> None:
    """Show a network's layers with their shapes, parameters and floating-point operations.

    NETWORK is mlp, lenet or multitask, with its defaults; RUN_DIR, a run directory or the name of one in runs/,
    stands for the network of a trial.
    """
    from cluster.run_dir.found import resolve_run
    from jobs.report.network import draw_network_file, drawing_format
    from jobs.study.network import describe_network
    from jobs.terminal.network import draw_layers
    from mnist_core.config import MODELS

    drawing = out and drawing_format(out)
    described = describe_network(kind_or_run if kind_or_run in MODELS else str(resolve_run(kind_or_run)), number)
    if out and drawing:
        draw_network_file(described.layers, described.title, out, drawing)
    if as_json:
        print_json(described.as_json())
    else:
        draw_layers(described, console())


@click.command()
@click.option("--source", default="bundled", help="Folder with the four IDX files; default: the bundled MNIST.")
@json_option
def data(source: str, as_json: bool) -> None:
    """Build or check the data cache."""
    from dataclasses import asdict

    from jobs.terminal.results import draw_cache
    from mnist_core.data.cache import default_cache_dir, inspect_cache

    report = inspect_cache(source, cache_dir=default_cache_dir())
    if as_json:
        print_json(asdict(report) | {"path": str(report.path)})
    else:
        draw_cache(report, console())


@click.command(short_help="Benchmark mxtrials against the alternatives.")
@click.argument("name", type=click.Choice(list(BENCHMARKS)), required=False)
@click.option("--rounds", type=click.IntRange(min=1), help="Number of rounds; each program runs once per round.")
@click.option("--published", is_flag=True, help="Run the workload that a peer has published (dispatch: 11 minutes).")
@json_option
def bench(name: str | None, rounds: int | None, published: bool, as_json: bool) -> None:
    """Benchmark mxtrials against the alternatives; runs all benchmarks if no NAME is given."""
    if published and name not in PUBLISHED:
        raise click.UsageError(f"--published only works with: {', '.join(PUBLISHED)}")
    from jobs.bench.command import draw_host, draw_report, reports_as_json, run_benchmarks
    from jobs.bench.host import this_host

    host = this_host()
    reports = run_benchmarks(name, rounds, published)
    if as_json:
        print_json(reports_as_json(host, dict(reports)))
        return
    draw_host(host, console())
    for _, report in reports:
        draw_report(report, console())


@click.command(short_help="Set up tab completion for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script with which a shell completes commands, options, specs and run directories.

    \b
    bash  mxtrials completion bash >> ~/.bashrc
    zsh   mxtrials completion zsh >> ~/.zshrc
    fish  mxtrials completion fish > ~/.config/fish/completions/mxtrials.fish
    """  # noqa: D301 - click reads the backspace
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "mxtrials", "_MXTRIALS_COMPLETE").source())


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show what this machine is missing, and how to fix it."""
    from jobs.doctor.doctor import checks_as_json, draw_checks, exit_code, run_checks

    results = run_checks()
    if as_json:
        print_json(checks_as_json(results))
    else:
        draw_checks(results, console())
    sys.exit(exit_code(results))
