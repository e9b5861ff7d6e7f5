"""Help texts: complete, grouped, and never cut."""

import pytest
from click.testing import CliRunner

from jobs.cli import main
from jobs.specs.notes import NOTES
from jobs.specs.shipped import described_specs, shipped_specs


def help_of(*arguments: str) -> str:
    shown = CliRunner().invoke(main, [*arguments, "--help"], terminal_width=80)
    assert shown.exit_code == 0
    return shown.stdout


def test_help_has_each_command_once_and_cuts_none_of_their_texts() -> None:
    lines = help_of().splitlines()
    rows = [
        line.split()[0]
        for line in lines
        if line.startswith("  ") and line.split()[:1] and line.split()[0] in main.commands
    ]
    assert sorted(rows) == sorted(main.commands)
    assert not [line for line in lines if "..." in line and "[ARGS]..." not in line]


def test_help_lists_commands_as_people_use_them() -> None:
    shown = help_of()
    titles = ["Run studies:", "See results:", "This machine and this program:", "First steps:"]
    assert [shown.index(title) for title in titles] == sorted(shown.index(title) for title in titles)
    assert shown.index("  run ") < shown.index("  show ") < shown.index("  bench ")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_describes_every_option_and_run_directory(command: str) -> None:
    shown = help_of(command)
    for option in main.commands[command].params:
        record = option.get_help_record(main.make_context("mxtrials", [command, "--help"], resilient_parsing=True))
        assert option.param_type_name == "argument" or (record is not None and record[1])
    assert (
        "[RUN_DIR]" not in shown
        or "A run directory, or the name of one in runs/; default: the newest there." in " ".join(shown.split())
    )


def test_help_of_run_lists_every_shipped_spec() -> None:
    shown = help_of("run")
    assert set(NOTES) == set(shipped_specs())
    assert all(f"  {name} " in shown for name in NOTES)


def test_specs_has_a_line_for_each_shipped_spec() -> None:
    header, *rows, hint = CliRunner().invoke(main, ["specs"]).stdout.splitlines()
    assert header.split() == ["spec", "networks", "trials", "epochs", "time", "accuracy", "purpose"]
    assert [row.split()[0] for row in rows] == [described.spec.name for described in described_specs()]
    assert "mxtrials run SPEC" in hint
