"""What several commands of the command line have in common: options, and where they print."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 140  # columns where the output is no terminal

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
run_dir_argument = click.argument("run_dir", type=click.Path(path_type=Path))


def console(*, stderr: bool = False) -> "Console":
    """Standard output, or the error output, as rich prints to it."""
    from rich.console import Console

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr) if is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH)
