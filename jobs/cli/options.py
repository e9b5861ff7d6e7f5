"""The options, arguments and output that commands share. Loaded for `--help`, so it imports rich only when needed."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from rich.console import Console

Command = TypeVar("Command", bound=Callable[..., object])


class OutputMode(Enum):
    """What a study prints: tables and progress for a person, JSON for a machine, or nothing."""

    ALL = "all"
    JSON = "json"
    QUIET = "quiet"

    @classmethod
    def of(cls, as_json: bool, quiet: bool) -> "OutputMode":
        """Returns the mode that the flags of the command line ask for."""
        if as_json:
            return cls.JSON
        return cls.QUIET if quiet else cls.ALL


class NewFolder(click.ParamType[Path]):
    """A folder that may not exist yet, as a Path; `~` is the home folder, which no shell expands in `--out=~/x`."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Returns the path; fails if it is empty, as when a variable of the shell is not set."""
        if not value:
            self.fail("the folder's name is empty", param, ctx)
        try:
            return Path(value).expanduser()
        except RuntimeError as err:  # no such user
            self.fail(f"{value} cannot be found ({err})", param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON.")
workers_option = click.option(
    "--workers",
    metavar="cpu=2,gpu=0",
    help="Number of workers of each kind, or auto; default: the spec's, which is auto unless it says otherwise.",
)
require_option = click.option(
    "--require",
    "required",
    metavar="METRIC=VALUE",
    multiple=True,
    help="Exit with 4 if the best trial falls short, e.g. val/accuracy=0.98 (for a loss: exceeds it); repeatable.",
)


def _checked_address(ctx: click.Context, parameter: click.Parameter, address: str | None) -> str | None:
    """Returns the address of the cluster to join, if any; with --local, RAY_ADDRESS does not matter."""
    is_given = ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if ctx.params["local"] and is_given:
        raise click.UsageError("--local runs in this process, without Ray: leave out --address")
    if ctx.params["local"] or address is None:
        return None
    from cluster.ray_backend.address import parse_address

    return parse_address(address, "--address" if is_given else "RAY_ADDRESS")


def backend_options(command: Command) -> Command:
    """Adds the options of every command that runs trials: --address, --local, --json and --quiet."""
    for option in reversed(
        (
            click.option(
                "--address",
                metavar="HOST:PORT",
                envvar="RAY_ADDRESS",
                callback=_checked_address,
                help="Join the Ray cluster at this address; default: $RAY_ADDRESS.",
            ),
            # Eager, so that it is known when the address is checked.
            click.option("--local", is_flag=True, is_eager=True, help="Run in this process, without Ray."),
            json_option,
            click.option("--quiet", is_flag=True, help="Print errors only."),
        )
    ):
        command = option(command)
    return command


def console(*, stderr: bool = False) -> "Console":
    """Returns rich's console for standard output or standard error."""
    from rich.console import Console

    from jobs.terminal.output import PLAIN_WIDTH, TrimmedLines

    if (sys.stderr if stderr else sys.stdout).isatty():
        return Console(stderr=stderr)
    plain = cast("IO[str]", TrimmedLines(sys.stderr if stderr else sys.stdout))
    return Console(file=plain, width=PLAIN_WIDTH, height=100, force_interactive=False)


def print_json(document: object) -> None:
    """Prints a document as JSON; numbers that are not finite become null."""
    click.echo(json_text(document))


def json_text(document: object) -> str:
    """Returns a document as JSON; numbers that are not finite become null.

    Example:
        >>> json_text([0.5, float("nan")]).split()
        ['[', '0.5,', 'null', ']']
    """
    import json

    return json.dumps(_with_null(document), indent=2, allow_nan=False)


def _with_null(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _with_null(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_with_null(each) for each in value]
    return value
