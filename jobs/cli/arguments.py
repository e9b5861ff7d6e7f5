"""The arguments RUN_DIR and SPEC: described in help texts, completed by shells, and resolved in one place."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class DescribedArgument(click.Argument):
    """An argument that help texts describe, as they do options."""

    def __init__(self, *args: Any, help: str, **attributes: Any) -> None:  # noqa: A002 - click's name
        super().__init__(*args, **attributes)
        self.help = help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Returns its name and description."""
        return self.make_metavar(ctx), str(self.help)


class RunDirType(click.ParamType[Path]):
    """A run directory: a path, or a name in `runs/`."""

    name = "run_dir"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Returns its path, which may not exist."""
        del param, ctx
        if isinstance(value, Path):
            return value
        from cluster.run_dir.found import resolve_run

        return resolve_run(str(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list["CompletionItem"]:
        """Returns the names of studies in `runs/`; lets the shell complete folders if there are none."""
        del ctx, param
        from click.shell_completion import CompletionItem

        from cluster.run_dir.found import RUNS, find_runs

        names = [name for run in find_runs() for name in (run.path.name, f"{RUNS}/{run.path.name}")]
        matching = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return matching or [CompletionItem(incomplete, type="dir")]


class SpecType(click.ParamType[str]):
    """A study spec: the name of a shipped one, or a file."""

    name = "spec"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list["CompletionItem"]:
        """Returns the shipped specs; lets the shell complete files if there are none."""
        del ctx, param
        from click.shell_completion import CompletionItem

        from jobs.specs.notes import NOTES

        names = [CompletionItem(name, help=note.purpose) for name, note in NOTES.items() if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


_RUN_DIR_HELP = "A run directory, or the name of one in runs/"


def _newest_if_none(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    del param
    if value is not None or ctx.resilient_parsing:
        return value
    from cluster.run_dir.found import resolve_run

    newest = resolve_run(None)
    click.echo(f"mxtrials: {newest} is the newest study here", err=True)
    return newest


run_dir_argument = click.argument(
    "run_dir",
    cls=DescribedArgument,
    type=RunDirType(),
    required=False,
    callback=_newest_if_none,
    help=f"{_RUN_DIR_HELP}; default: the newest there.",
)
required_run_dir_argument = click.argument(
    "run_dir", cls=DescribedArgument, type=RunDirType(), help=f"{_RUN_DIR_HELP}."
)
spec_argument = click.argument(
    "spec",
    cls=DescribedArgument,
    type=SpecType(),
    help="A YAML file, or the name of a shipped spec: see below.",
)
