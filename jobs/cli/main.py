"""The command line: one click group with all commands, which parse arguments and call the code behind them.

Exit codes: 0 done; 1 no complete trial, or a trial that was not reproduced; 2 bad usage or input; 3 this machine or
cluster is missing something; 4 the best trial falls short of `--require`; 130 interrupted.
"""

import click

from jobs.cli.comparison_commands import compare
from jobs.cli.group import MxtrialsGroup
from jobs.cli.help import FIRST_STEPS
from jobs.cli.result_commands import evaluate, export, pictures, predict, report, reproduce, show
from jobs.cli.study_commands import resume, run
from jobs.cli.tool_commands import bench, completion, data, doctor, list_studies, network, specs


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Prints the version, which is only looked up on request, because that takes longer than parsing a command."""
    del param
    if value and not ctx.resilient_parsing:
        from platform import python_version

        from cluster.machine.software import installed_version
        from mnist_core.gpu import installed_distributions

        mxnet = " and ".join(f"{name} {installed_version(name)}" for name in installed_distributions())
        ray = installed_version("ray")
        libraries = f"{mxnet or 'no MXNet'}, {f'ray {ray}' if ray else 'no Ray'}, Python {python_version()}"
        own = installed_version("mxtrials")
        click.echo(f"mxtrials {own or 'not installed, run from its source folder'} ({libraries})")
        ctx.exit()


@click.group(
    cls=MxtrialsGroup,
    epilog=FIRST_STEPS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions of mxtrials, MXNet, Ray and Python, and exit.",
)
def main() -> None:
    """Run hyperparameter trials of MXNet networks on MNIST, on this machine or a Ray cluster."""


STUDY_COMMANDS = (run, resume)
RESULT_COMMANDS = (list_studies, show, report, compare, evaluate, predict, reproduce, export, pictures, network)
OTHER_COMMANDS = (specs, data, doctor, completion, bench)

for command in (*STUDY_COMMANDS, *RESULT_COMMANDS, *OTHER_COMMANDS):
    main.add_command(command)
