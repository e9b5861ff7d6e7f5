"""The command that reads several run directories. It imports what it needs when it is called."""

from collections.abc import Sequence
from pathlib import Path

import click

from jobs.cli.arguments import DescribedArgument, RunDirType
from jobs.cli.options import console, json_option, print_json


@click.command(short_help="Compare studies: which is better, or is it chance?")
@click.argument(
    "runs",
    metavar="RUN RUN...",
    nargs=-1,
    required=True,
    cls=DescribedArgument,
    type=RunDirType(),
    help="Two or more run directories, or their names in runs/.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write the comparison as one HTML page.")
@json_option
def compare(runs: Sequence[Path], html: Path | None, as_json: bool) -> None:
    """Compare studies with the first of them: which is better, by how much, or is the gap within noise?

    Trials with the same parameters and seed are compared one by one. Intervals are 95 % ones: McNemar's where both
    networks' predictions of the same test images are recorded, else those of two proportions.
    """
    from cluster.analysis.comparison.comparison import compare_studies

    comparison = compare_studies(runs)
    if as_json:
        print_json(comparison.as_json())
    else:
        from jobs.terminal.analysis.comparison import draw_comparison

        draw_comparison(comparison, console())
    if html is not None:
        from jobs.report.comparison.page import write_comparison

        write_comparison(comparison, html)
        if not as_json:
            click.echo(f"\nwritten: {html}")
