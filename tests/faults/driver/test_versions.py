"""Run directories of another version of mxtrials."""

import sqlite3
from contextlib import closing
from pathlib import Path

from cluster.run_dir.paths import RunDir
from cluster.store.schema import SCHEMA_VERSION
from tests.faults.kit.first_version import downgrade_store
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import trials_of
from tests.support.command_line import CommandLine, assert_one_line_error


@fault(
    "The driver",
    "a run made by an older mxtrials is shown or resumed",
    seen="nothing: `show` reads it unchanged, `resume` upgrades its store",
    cost="nothing",
)
def test_run_of_the_first_version_is_shown_and_resumed(started_run: Path, mxtrials: CommandLine) -> None:
    run_dir = RunDir(started_run)
    (before,) = trials_of(run_dir)
    downgrade_store(run_dir.store)
    content = run_dir.store.read_bytes()
    assert "1 complete" in mxtrials("show", started_run).stdout
    assert run_dir.store.read_bytes() == content
    done = mxtrials("resume", started_run, "--trials", "2", "--local", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = trials_of(run_dir)
    assert (first, second.state) == (before, before.state)


@fault(
    "The driver",
    "a run made by a newer mxtrials is shown or resumed",
    seen="one-line error with both versions, exit code 2",
    cost="nothing: nothing is written to it",
)
def test_run_of_a_newer_version_is_rejected(started_run: Path, mxtrials: CommandLine) -> None:
    store = RunDir(started_run).store
    with closing(sqlite3.connect(store)) as sql:
        sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    content = store.read_bytes()
    for arguments in (["show"], ["resume", "--local"]):
        failed = mxtrials(*arguments, started_run)
        assert_one_line_error(failed, 2, f"version {SCHEMA_VERSION + 1}", f"versions 1 to {SCHEMA_VERSION}")
    assert store.read_bytes() == content
