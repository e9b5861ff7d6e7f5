"""Run directories of another version of mxtrials."""

import sqlite3
from contextlib import closing
from pathlib import Path

from cluster.run_dir.paths import RunDir
from cluster.store.schema import SCHEMA_VERSION
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import trials_of
from tests.support.command_line import CommandLine, assert_refused

# As the first version made it.
VERSION_1 = """
PRAGMA user_version = 1;
CREATE TABLE study (name TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, started_at REAL NOT NULL);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, model TEXT NOT NULL, params TEXT NOT NULL, seed INTEGER NOT NULL,
    value REAL, error TEXT, traceback TEXT, weights_sha256 TEXT, test TEXT
);
CREATE TABLE attempts (
    trial INTEGER NOT NULL REFERENCES trials, attempt INTEGER NOT NULL, worker TEXT NOT NULL, started_at REAL NOT NULL,
    ended_at REAL, outcome TEXT, error TEXT, traceback TEXT, PRIMARY KEY (trial, attempt)
);
CREATE TABLE measurements (
    trial INTEGER NOT NULL REFERENCES trials, epoch INTEGER NOT NULL, elapsed_s REAL NOT NULL, metrics TEXT NOT NULL,
    confusion TEXT NOT NULL, PRIMARY KEY (trial, epoch)
);
"""


def as_version_1(path: Path) -> None:
    """Puts a store of the first version, with the same rows, in the place of this one."""
    old = path.with_name("old.db")
    with closing(sqlite3.connect(old)) as sql:
        sql.executescript(VERSION_1)
        sql.execute("ATTACH ? AS new", (str(path),))
        for (table,) in sql.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(column for _, column, *_ in sql.execute(f"PRAGMA main.table_info({table})"))
            sql.execute(f"INSERT INTO main.{table} SELECT {columns} FROM new.{table}")
        sql.commit()
    old.replace(path)


@fault(
    "The driver",
    "a run that an older mxtrials made is shown and resumed",
    seen="nothing: `show` reads it as it is, `resume` brings its store up to date",
    lost="nothing",
)
def test_run_of_the_first_version_goes_on(begun: Path, mxtrials: CommandLine) -> None:
    run_dir = RunDir(begun)
    (before,) = trials_of(run_dir)
    as_version_1(run_dir.store)
    content = run_dir.store.read_bytes()
    assert "1 COMPLETE" in mxtrials("show", begun).stdout
    assert run_dir.store.read_bytes() == content
    done = mxtrials("resume", begun, "--trials", "2", "--local", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = trials_of(run_dir)
    assert (first, second.state) == (before, before.state)


@fault(
    "The driver",
    "a run that a newer mxtrials made is shown or resumed",
    seen="refused in one sentence with both versions, exit code 2",
    lost="nothing: nothing is written to it",
)
def test_run_of_a_newer_version_is_refused(begun: Path, mxtrials: CommandLine) -> None:
    store = RunDir(begun).store
    with closing(sqlite3.connect(store)) as sql:
        sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    content = store.read_bytes()
    for arguments in (["show"], ["resume", "--local"]):
        refused = mxtrials(*arguments, begun)
        assert_refused(refused, 2, f"version {SCHEMA_VERSION + 1}", f"versions 1 to {SCHEMA_VERSION}")
    assert store.read_bytes() == content
