"""Names and terminals that are not UTF-8: a study is kept and shown, or rejected before it trains."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from tests.support.command_line import CommandLine, assert_one_line_error, command

NAME = os.fsdecode(b"d\xe9j\xe0")
SHORT = ["--trials=1", "--epochs=1"]


@pytest.mark.parametrize("encoding", ["utf-8:strict", "latin-1", "ascii"])
def test_study_in_a_folder_whose_name_is_not_utf8_is_run_and_shown_in_any_encoding(
    encoding: str, environment: dict[str, str], small: list[str], tmp_path: Path
) -> None:
    environment = {**environment, "PYTHONIOENCODING": encoding, "LC_ALL": "C.UTF-8"}
    out = tmp_path / NAME / "run"
    commands: list[list[str | Path]] = [
        ["run", "smoke", *small, *SHORT, "--out", out],
        ["resume", out, "--local", "--trials=2"],
    ]
    for arguments in commands:
        done = subprocess.run(command(*arguments), env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"d?j?" in done.stdout


@pytest.mark.parametrize("name", [NAME, "\u00e9", "\u65e5\u672c"])
def test_study_in_a_latin1_locale_is_run_shown_and_resumed(
    name: str, environment: dict[str, str], small: list[str], tmp_path: Path
) -> None:
    locale = tmp_path / "en_US.ISO-8859-1"
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", locale], capture_output=True, text=True, check=False
    )
    if not locale.is_dir():
        pytest.skip(f"localedef cannot make the locale here: {made.stderr}")
    environment = {**environment, "LC_ALL": locale.name, "LOCPATH": str(tmp_path)}
    out = tmp_path / name
    commands: list[list[str | Path]] = [
        ["run", "smoke", *small, *SHORT, "--out", out],
        ["show", out],
        ["resume", out, "--local", "--trials=2"],
    ]
    for arguments in commands:
        done = subprocess.run(command(*arguments), env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_data_folder_that_the_spec_cannot_name_is_rejected_before_training(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (folder := tmp_path / NAME).mkdir()
    done = subprocess.run(
        command("run", "smoke", "--local", "--set=data.source=mine", "--out", tmp_path / "run"),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert_one_line_error(done, 2, "has a name that is not UTF-8: rename it, or use a link to it")
    assert not (tmp_path / "run").exists()


def test_home_folder_of_an_unknown_user_is_one_sentence(mxtrials: CommandLine, tmp_path: Path) -> None:
    done = mxtrials("run", "smoke", "--local", "--set=data.source=~nosuchuser/x")
    assert_one_line_error(done, 2, "data folder ~nosuchuser/x cannot be found", "give its absolute path")
    assert not (tmp_path / "runs").exists()


def test_error_that_is_not_text_is_kept_in_the_store(tmp_path: Path) -> None:
    run_dir = RunDir.create(tmp_path / "run")
    with Store.create(run_dir.store, "name") as store:
        store.add_trial(0, "mlp", {}, seed=0)
        store.start_attempt(0, "cpu-0")
        store.end_attempt(0, "failed", f"OSError: {NAME}", NAME)
        store.start_attempt(0, "cpu-0")
        store.fail_trial(0, "failed", f"OSError: {NAME}", NAME)
        store.set_study("interrupted", NAME)
    Store.open(run_dir.store).close()  # checks the checksums
    with StudyReader.open(run_dir.store) as reader:
        (record,) = reader.trials()
    assert record.error == "OSError: d\\udce9j\\udce0"


@pytest.mark.slow
def test_name_that_ray_cannot_take_is_one_sentence(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    on_ray = [option for option in small if option != "--local"]
    done = mxtrials("run", "smoke", *on_ray, "--workers=cpu=1", "--quiet", "--out", NAME)
    assert_one_line_error(done, 3, "a name in the command line or the folder is not UTF-8", "or run without Ray")
    assert not (tmp_path / NAME).exists()
