"""Commands that messages print, read back by a shell."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.run_dir.shell import shell_command

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20)


@pytest.mark.parametrize("name", ["my runs", "it's", "a;b", "$HOME", "~", "a&b", '"', "back\\slash", "ü", "line\nfeed"])
def test_shell_reads_a_path_as_it_is(name: str) -> None:
    command = shell_command("printf", "%s", Path(name))
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout == name


@given(NAMES)
def test_shell_reads_any_path_as_it_is(name: str) -> None:
    command = shell_command("printf", "%s", Path("/tmp") / name)
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout == f"/tmp/{name}".encode()


def test_path_is_not_taken_for_an_option() -> None:
    assert shell_command("mxtrials", "resume", Path("--local")) == "mxtrials resume ./--local"


def test_plain_path_is_printed_plainly() -> None:
    assert shell_command("mxtrials", "resume", Path("runs/a-1.b")) == "mxtrials resume runs/a-1.b"


@pytest.mark.parametrize("name", [b"caf\xe9", b"\x1b[31mred", b"it's 100%\t\\", b"line\nfeed", "\u202e".encode()])
def test_what_a_terminal_cannot_show_is_printed_as_escapes(name: bytes) -> None:
    command = shell_command("printf", "%s", Path(os.fsdecode(name)))
    assert command.isprintable()
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout == name


def test_program_that_a_shell_would_not_find_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "the venv" / "bin"
    scripts.mkdir(parents=True)
    program = scripts / "greet-mxtrials"
    program.write_text("#!/bin/sh\necho hello $1\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    command = shell_command(program.name, Path("me"), scripts=scripts)
    assert command == "'the venv/bin/greet-mxtrials' me"
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout == "hello me\n"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert shell_command(program.name, scripts=scripts) == f"'{program}'"
    monkeypatch.setenv("PATH", str(scripts))
    assert shell_command(program.name, scripts=scripts) == program.name
