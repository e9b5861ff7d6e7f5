"""`run.log` in the run directory, and output to files and pipes."""

import re
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00  "


def logged(folder: Path) -> str:
    return (folder / "run" / "run.log").read_text()


@pytest.mark.parametrize("mode", ["--quiet", "--json", None])
def test_log_keeps_what_was_said_with_times_in_every_mode(
    mode: str | None, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    done = mxtrials("run", "smoke", *small, "--out", "run", *([mode] if mode else []))
    assert done.returncode == 0, done.stderr
    lines = logged(tmp_path).splitlines()
    assert [line for line in lines if not re.match(TIME, line)] == []
    said = [line[len("2026-01-01 00:00:00+00:00  ") :] for line in lines]
    assert said[:4] == [
        "smoke  2 trials, random, 1 worker in this process, best val/accuracy",
        "run directory  run",
        "TensorBoard    tensorboard --logdir run/tensorboard",
        "1 worker ready",
    ]
    assert any(line.startswith("trial 1 mlp epoch 1/1  val/accuracy") for line in said)
    assert "smoke  complete  2 of 2 trials: 2 complete  by val/accuracy" in said


def test_log_has_the_same_lines_as_piped_output(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    done = mxtrials("run", "smoke", *small, "--out", "run")
    printed = [line.split(" s  ", 1)[1] for line in done.stdout.splitlines() if re.match(r" +\d+\.\d s  ", line)]
    said = [line.split("  ", 1)[1] for line in logged(tmp_path).splitlines()]
    assert printed == said[: len(printed)]


def test_resume_appends_to_the_log(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    mxtrials("run", "smoke", *small, "--out", "run")
    before = logged(tmp_path)
    assert mxtrials("resume", "run", "--trials", "3", "--local").returncode == 0
    assert logged(tmp_path).startswith(before)
    assert "trial 2 mlp COMPLETE" in logged(tmp_path)[len(before) :]


def test_log_ends_with_the_error_that_ended_the_study(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    fields = ("training.weight_decay=1", "training.epochs=20", "training.learning_rate=100", "search={}")
    done = mxtrials("run", "smoke", *small, "--out", "run", *(word for field in fields for word in ("--set", field)))
    assert done.returncode == 1
    assert logged(tmp_path).splitlines()[-1].endswith(f"  {done.stderr.strip()}")


def test_rejected_command_leaves_the_log_of_the_study_alone(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    mxtrials("run", "smoke", *small, "--out", "run")
    before = logged(tmp_path)
    assert mxtrials("run", "smoke", *small, "--out", "run").returncode == 2
    assert logged(tmp_path) == before


@pytest.mark.parametrize("variables", [{"COLUMNS": "20"}, {"COLUMNS": "20", "FORCE_COLOR": "1", "TERM": "dumb"}])
def test_piped_output_is_never_cut(mxtrials: CommandLine, small: list[str], variables: dict[str, str]) -> None:
    names = ("beta1", "beta2", "weight_decay", "learning_rate", "epsilon")
    space = "".join(f"training.{name}: {{choices: [0.1234, 0.2345]}}, " for name in names)
    space += f"model.hidden: {{choices: [[{', '.join(['1024'] * 8)}], [{', '.join(['1023'] * 8)}]]}}"
    overrides = [f"search.space={{{space}}}", "training.optimizer=adam"]
    options = [word for override in overrides for word in ("--set", override)]
    run = mxtrials("run", "smoke", *small, *options, "--trials", "1", "--out", "run", **variables)
    assert run.returncode == 0, run.stderr
    for output in (run.stdout, mxtrials("show", "run", **variables).stdout):
        assert "…" not in output
        (header,) = [line for line in output.splitlines() if line.startswith("trial  ")]
        row = output.splitlines()[output.splitlines().index(header) + 1]
        assert all(name in header.split() for name in ("beta1", "beta2", "decay", "lr", "epsilon", "hidden", "test"))
        assert len(re.findall(r"0\.(?:1234|2345)\b", row)) == len(names)
        assert re.search(r"(102[34]-){7}102[34]", row)
