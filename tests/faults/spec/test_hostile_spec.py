"""Specs that try to do harm: rejected before anything is built from them, in little memory and time."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine, assert_one_line_error, run_with_ulimit

ADDRESSES_KB = 2_000_000
BOMB = "a: &a [x, x]\n" + "".join(f"{name}: &{name} [*{last}, *{last}]\n" for last, name in pairwise("abcdefghi"))

HOSTILE = {
    "aliases": (BOMB, ["anchors and aliases"]),
    "deep nesting": ("name: " + "[" * 5000, ["16 levels"]),
    "huge number": ("name: x\ntrials: 999999999999999999", ["trials is 999999999999999999", "at most 1000000"]),
    "wide layer": ("name: x\nmodel: {kind: mlp, hidden: [100000000]}", ["model.hidden.0", "at most 8192"]),
    "object": ("name: !!python/object/apply:os.system [echo harm]", ["tag"]),
    "escapes for the terminal": ('name: x\ndata: {source: "\\e[2J\\u202E\\nharm"}', ["does not exist", r"\x1b[2J"]),
}


@fault(
    "Data, specs and settings",
    "a hostile spec: YAML bombs, deep nesting, objects, absurd numbers and sizes, control characters",
    seen="one-line error with the line and what is allowed, exit code 2",
    cost="nothing",
)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_spec_is_rejected(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    text, words = HOSTILE[name]
    spec = tmp_path / "hostile.yaml"
    spec.write_text(text)
    failed = run_with_ulimit(f"-v {ADDRESSES_KB}", environment, "run", spec, "--local", "--out", tmp_path / "run")
    assert_one_line_error(failed, 2, *words)
    assert list(tmp_path.iterdir()) == [spec]


@fault(
    "Data, specs and settings",
    "a `name` that points outside `runs/`",
    seen="one-line error with what is allowed, exit code 2 (`--out` may be any new folder)",
    cost="nothing",
)
def test_name_that_points_outside_runs_is_rejected(mxtrials: CommandLine, tmp_path: Path) -> None:
    assert_one_line_error(mxtrials("run", "smoke", "--local", "--set", "name=../x"), 2, "name is", "1 to 64 letters")
    assert list(tmp_path.iterdir()) == []


@fault(
    "Data, specs and settings",
    "a symbolic link to a missing folder in place of a new run directory",
    seen="one-line error, exit code 2; nothing is written to its target",
    cost="nothing",
)
def test_link_in_place_of_a_new_run_is_rejected(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert_one_line_error(mxtrials("run", "smoke", *small, "--out", "link"), 2, "link already exists")
    assert not (tmp_path / "nowhere").exists()
