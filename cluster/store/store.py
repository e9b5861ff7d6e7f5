"""The study store: one SQLite file that is the one truth about a study. The only place with SQL.

Each method is one transaction, unless several are put between `begin` and `commit`; see store_file.py.
"""

import json
import sqlite3
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal, NamedTuple

from cluster.spec.space import Params
from cluster.store.rows import StudyState, read_environment, read_measurement, read_record, read_study, read_time_spent
from cluster.store.schema import CHECKSUMMED_COLUMNS, MIGRATIONS, RECORDS, SCHEMA, SCHEMA_VERSION
from cluster.store.sqlite_file import StoreFile, connect, execute_statements, translate_damage
from cluster.time_spent import TimeSpent
from cluster.trial import TrialRecord, TrialState
from mnist_core.errors import RunDirError
from mnist_core.measurement import Measurement

AttemptOutcome = Literal["complete", "pruned", "failed", "crashed", "lost", "interrupted"]
"""failed: training raised; crashed: its worker died of it or hung; lost: its worker went without its doing."""


class FailureCounts(NamedTuple):
    """Failed attempts of a trial so far: `total` failed, crashed or were lost; `crashes` of them crashed."""

    total: int
    crashes: int


class Store(StoreFile):
    """Reads and writes one study; see `create` and `open`."""

    @classmethod
    def create(cls, path: Path, name: str, environment: str | None = None) -> "Store":
        """Makes the store of a new study; environment: what it begins with, as JSON.

        Raises:
            NotWritable: the folder or the disk refuses.
        """
        store = cls(path, connect(path, "rwc"))
        store.enable_wal()
        with store.transaction() as sql:
            execute_statements(sql, SCHEMA)
            store.install_checksums(CHECKSUMMED_COLUMNS)
            sql.execute(
                "INSERT INTO study (name, state, started_at, environment) VALUES (?, 'running', ?, ?)",
                (name, time.time(), environment),
            )
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "Store":
        """Opens the store of a study; read-only, also while its driver writes to it.

        One of an earlier version becomes one of this version when it is opened to be written.

        Raises:
            RunDirError: no study store, a damaged one, or one of another version.
        """
        store = cls(path, connect(path, "ro" if read_only else "rw"))
        try:
            store._check_and_migrate(read_only)
        except BaseException:
            store.connection.close()
            raise
        return store

    def _check_and_migrate(self, read_only: bool) -> None:
        with translate_damage(self.path):
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            raise RunDirError(f"{self.path} holds no study: restore it and, where there is one, {self.path.name}-wal")
        if not 1 <= version <= SCHEMA_VERSION:
            raise RunDirError(
                f"{self.path} has schema version {version}, this mxtrials reads versions 1 to {SCHEMA_VERSION}: "
                "use the mxtrials that wrote it (see environment.json beside it)"
            )
        if read_only:
            return
        self.check_pages()
        if version < SCHEMA_VERSION:
            self.enable_wal()  # so that who only reads can do so wherever this is killed
            with self.transaction() as sql:
                execute_statements(sql, "".join(MIGRATIONS[version - 1 :]))
        self.install_checksums(CHECKSUMMED_COLUMNS)
        self.enable_wal()

    def close(self) -> None:
        """Closes the file; the last to write leaves one that can be read where nothing can be written."""
        # Refused to those who only read, and while others have the file open: then it stays as it is. A damaged one
        # may hold what SQLite says about it: no text.
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA journal_mode = DELETE")
        self.connection.close()

    # -- the study ---------------------------------------------------------------------------------------------------

    def study(self) -> tuple[StudyState, str | None]:
        """The study's state as last written, and why it ended."""
        with translate_damage(self.path):
            (found,) = self.read(read_study, "SELECT state, reason FROM study")
            return found

    def set_study(self, state: StudyState, reason: str | None = None) -> None:
        """Writes the study's state, and why it ended if it ended before its last trial."""
        with self.transaction() as sql:
            sql.execute("UPDATE study SET state = ?, reason = ?", (state, reason))

    def environment(self) -> str | None:
        """What the study began with, as it was given; None of a store that was made before version 3."""
        if not self.rows("SELECT 1 FROM pragma_table_info('study') WHERE name = 'environment'"):
            return None
        with translate_damage(self.path):
            (found,) = self.read(read_environment, "SELECT environment FROM study")
            return found

    def set_environment(self, environment: str) -> None:
        """Writes what the study began with, as JSON."""
        with self.transaction() as sql:
            sql.execute("UPDATE study SET environment = ?", (environment,))

    # -- trials ------------------------------------------------------------------------------------------------------

    def add_trial(self, number: int, model: str, params: Params, seed: int) -> None:
        """Writes a new trial, WAITING."""
        with self.transaction() as sql:
            sql.execute(
                "INSERT INTO trials (number, state, model, params, seed) VALUES (?, 'WAITING', ?, ?, ?)",
                (number, model, json.dumps(params), seed),
            )

    def start_attempt(self, number: int, worker: str) -> None:
        """The trial is RUNNING on a worker."""
        with self.transaction() as sql:
            sql.execute("UPDATE trials SET state = 'RUNNING' WHERE number = ?", (number,))
            sql.execute(
                "INSERT INTO attempts (trial, attempt, worker, started_at) "
                "SELECT ?, count(*) + 1, ?, ? FROM attempts WHERE trial = ?",
                (number, worker, time.time(), number),
            )

    def end_attempt(
        self, number: int, outcome: AttemptOutcome, error: str | None = None, traceback: str | None = None
    ) -> None:
        """The trial's attempt is over and the trial WAITING for another."""
        with self.transaction() as sql:
            sql.execute("UPDATE trials SET state = 'WAITING' WHERE number = ?", (number,))
            _end_attempt(sql, number, outcome, error, traceback)

    def finish_trial(
        self, number: int, state: TrialState, value: float | None = None, weights_sha256: str | None = None
    ) -> None:
        """The trial is COMPLETE or PRUNED."""
        with self.transaction() as sql:
            sql.execute(
                "UPDATE trials SET state = ?, value = ?, weights_sha256 = ? WHERE number = ?",
                (state.value, value, weights_sha256, number),
            )
            _end_attempt(sql, number, "complete" if state is TrialState.COMPLETE else "pruned", None, None)

    def fail_trial(self, number: int, outcome: AttemptOutcome, error: str, traceback: str | None = None) -> None:
        """The trial is FAIL, with its cause."""
        with self.transaction() as sql:
            sql.execute(
                "UPDATE trials SET state = 'FAIL', error = ?, traceback = ? WHERE number = ?",
                (error, traceback, number),
            )
            _end_attempt(sql, number, outcome, error, traceback)

    def add_measurement(self, number: int, measurement: Measurement, value: float | None) -> None:
        """Writes an epoch's numbers; an epoch trained again after a fault replaces its row, with equal metrics."""
        with self.transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO measurements (trial, epoch, elapsed_s, metrics, confusion) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    number,
                    measurement.epoch,
                    measurement.elapsed_s,
                    json.dumps(dict(measurement.metrics)),
                    json.dumps(dict(measurement.confusion)),
                ),
            )
            sql.execute(
                "UPDATE trials SET value = ? WHERE number = ? "
                "AND NOT EXISTS (SELECT 1 FROM measurements WHERE trial = number AND epoch > ?)",
                (value, number, measurement.epoch),
            )

    def set_test(self, number: int, metrics: dict[str, float]) -> None:
        """Writes a trial's metrics on the test set."""
        with self.transaction() as sql:
            sql.execute("UPDATE trials SET test = ? WHERE number = ?", (json.dumps(metrics), number))

    def requeue_running(self) -> None:
        """After a driver's death: what was RUNNING is WAITING."""
        for row in self.rows("SELECT number FROM trials WHERE state = 'RUNNING'"):
            self.end_attempt(row["number"], "interrupted")

    def trials(self) -> list[TrialRecord]:
        """All trials by number."""
        return self.read(read_record, RECORDS)

    def measurements(self, number: int) -> list[Measurement]:
        """A trial's measurements by epoch."""
        return self.read(read_measurement, "SELECT * FROM measurements WHERE trial = ? ORDER BY epoch", number)

    def last_epoch(self, number: int) -> int:
        """The last epoch of a trial that is recorded; 0 before the first."""
        ((epoch,),) = self.rows("SELECT coalesce(max(epoch), 0) FROM measurements WHERE trial = ?", number)
        return int(epoch)

    def workers(self, number: int) -> tuple[str, ...]:
        """The names of the workers that a trial was trained on, in the order of its attempts."""
        rows = self.rows("SELECT worker FROM attempts WHERE trial = ? ORDER BY attempt", number)
        return tuple(dict.fromkeys(row["worker"] for row in rows))

    def failure_counts(self, number: int) -> FailureCounts:
        """How many of a trial's attempts went wrong."""
        query = "SELECT outcome FROM attempts WHERE trial = ? AND outcome IN ('failed', 'crashed', 'lost')"
        outcomes = [row["outcome"] for row in self.rows(query, number)]
        return FailureCounts(len(outcomes), outcomes.count("crashed"))

    # -- where the time goes -----------------------------------------------------------------------------------------

    def add_time_spent(self, spent: TimeSpent) -> None:
        """Writes where the time of a driver's session has gone so far."""
        with self.transaction() as sql:
            sql.execute("INSERT INTO times_spent (spent) VALUES (?)", (json.dumps(asdict(spent)),))

    def times_spent(self) -> list[TimeSpent]:
        """All that was written of where the time went, in this order; nothing of a version 1 store."""
        is_kept = self.rows("SELECT 1 FROM sqlite_master WHERE name = 'times_spent'")
        return self.read(read_time_spent, "SELECT spent FROM times_spent ORDER BY rowid") if is_kept else []


def _end_attempt(
    sql: sqlite3.Connection, number: int, outcome: AttemptOutcome, error: str | None, traceback: str | None
) -> None:
    sql.execute(
        "UPDATE attempts SET ended_at = ?, outcome = ?, error = ?, traceback = ? WHERE trial = ? AND outcome IS NULL",
        (time.time(), outcome, error, traceback, number),
    )
