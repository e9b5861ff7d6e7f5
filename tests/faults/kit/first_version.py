"""Stores as the first version of mxtrials made them."""

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
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


def downgrade_store(path: Path) -> None:
    """Replaces a store by one of the first version with the same rows."""
    old = path.with_name("old.db")
    with closing(sqlite3.connect(old)) as sql:
        sql.executescript(SCHEMA)
        sql.execute("ATTACH ? AS new", (str(path),))
        for (table,) in sql.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(column for _, column, *_ in sql.execute(f"PRAGMA main.table_info({table})"))
            sql.execute(f"INSERT INTO main.{table} SELECT {columns} FROM new.{table}")
        sql.commit()
    old.replace(path)
