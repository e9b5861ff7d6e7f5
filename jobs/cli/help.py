"""Help texts: commands grouped as people use them, first steps, and the list of shipped specs."""

from collections.abc import Mapping, Sequence

import click

_GROUPS: Mapping[str, Sequence[str]] = {
    "Run studies": ("run", "resume", "submit"),
    "See results": (
        "list",
        "show",
        "report",
        "compare",
        "evaluate",
        "predict",
        "serve",
        "network",
        "reproduce",
        "export",
        "pictures",
    ),
}
_OTHERS = "This machine and this program"

FIRST_STEPS = """\b
First steps:
  mxtrials run quickstart            train all three networks, about two minutes
  mxtrials show --watch              watch the newest study from another terminal
  mxtrials evaluate quickstart       score its best model on the test images
  mxtrials predict quickstart 7.png  predict the digit in an image
  mxtrials COMMAND --help            all options of a command"""


class GroupedCommands(click.Group):
    """A click group that lists its commands in groups; one that is in no group comes last."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands."""
        grouped = {name for names in _GROUPS.values() for name in names}
        others = [name for name in self.commands if name not in grouped]
        width = max(map(len, self.commands))
        for title, names in {**_GROUPS, _OTHERS: others}.items():
            commands = [(name, self.commands[name]) for name in names if name in self.commands]
            rows = [(name.ljust(width), command.get_short_help_str(limit=100)) for name, command in commands]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class CommandWithSpecs(click.Command):
    """A command whose help ends with the shipped specs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the shipped specs."""
        from jobs.specs.notes import NOTES

        del ctx
        with formatter.section("Shipped specs, and how long they take on two cores"):
            formatter.write_dl([(name, f"{note.time:<6}  {note.purpose}") for name, note in NOTES.items()])
