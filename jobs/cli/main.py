"""The command line: one click group with all commands, which parse arguments and call the code behind them.

Exit codes: 0 done; 1 no complete trial, or a trial that was not reproduced; 2 bad usage or input; 3 this machine or
cluster is missing something; 130 interrupted.
"""

import click

from jobs.cli.group import MxtrialsGroup
from jobs.cli.result_commands import evaluate, export, pictures, predict, report, reproduce, show
from jobs.cli.study_commands import resume, run
from jobs.cli.tool_commands import bench, data, doctor, network


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Prints the version, which is only looked up on request, because that takes longer than parsing a command."""
    del param
    if value and not ctx.resilient_parsing:
        from cluster.machine.software import installed_version

        click.echo(installed_version("mxtrials") or "not installed: run from its source folder")
        ctx.exit()


@click.group(cls=MxtrialsGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Run hyperparameter trials of MXNet networks on MNIST, on this machine or a Ray cluster."""


for command in (
    run,
    resume,
    show,
    report,
    predict,
    evaluate,
    reproduce,
    export,
    pictures,
    network,
    data,
    bench,
    doctor,
):
    main.add_command(command)
