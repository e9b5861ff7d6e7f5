"""What the README shows is true: its spec loads, and the files and commands that it names exist."""

import re
from pathlib import Path

from click.testing import CliRunner

from cluster.spec.spec_file import load_spec
from jobs.bench.registry import BENCHMARKS
from jobs.cli import main
from jobs.specs.notes import NOTES
from jobs.specs.shipped import shipped_specs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_spec_in_the_readme_loads() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert load_spec(block).name == "mine"


def test_every_shipped_spec_has_a_row_with_its_trials_and_its_time() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\| (\d+) \| ([^|]+) \|", README, re.MULTILINE)
    shipped = {(name, str(load_spec(path).trials), NOTES[name].time) for name, path in shipped_specs().items()}
    assert set(rows) == shipped


def test_every_command_is_one_of_the_command_line() -> None:
    named = set(re.findall(r"mxtrials ([a-z]+) ", README))
    commands = set(main.commands)
    assert named <= commands
    for command in sorted(commands):
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


def test_every_benchmark_has_a_row() -> None:
    (section,) = re.findall(r"^## Benchmarks\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([a-z]+)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(BENCHMARKS)
