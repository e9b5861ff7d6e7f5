"""The study store: one SQLite file, the source of truth for a study. Writes to it; reader.py reads.

Each method is one transaction unless `begin` and `commit` group several; see sqlite_file.py.
"""

import json
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path

from typing_extensions import Self, override

from cluster.spec.space import Params
from cluster.store.reader import StudyReader
from cluster.store.rows import StudyState, signed
from cluster.store.schema import CHECKSUMMED_COLUMNS, MIGRATIONS, SCHEMA, SCHEMA_VERSION, checksummed_columns
from cluster.store.sqlite_file import WritableStoreFile, connect, execute_statements
from cluster.time_spent import TimeSpent
from cluster.trial import SEED_BITS, AttemptOutcome, TrialState
from mnist_core.atomic_file import write_errors
from mnist_core.measurement import Measurement


class Store(StudyReader, WritableStoreFile):
    """Reads and writes one study; see `create` and `open`.

    Example:
        with Store.create(path, "study") as store:
            store.add_trial(0, "mlp", {"training.learning_rate": 0.1}, seed=1)
            store.start_attempt(0, "cpu-0")
    """

    @classmethod
    def create(cls, path: Path, name: str, environment: str | None = None, spec: str | None = None) -> Self:
        """Creates the store of a new study.

        Args:
            path: the path of the new file.
            name: the name of the study.
            environment: the environment that it starts in, as JSON.
            spec: the resolved spec that it starts with, as YAML.

        Raises:
            NotWritable: the folder or the disk is not writable.
        """
        with write_errors(path, verb="created"):
            path.touch()  # SQLite itself would let nobody else write to it, whatever the umask
        store = cls(path, connect(path, "rwc"))
        store.enable_wal()
        with store.transaction() as sql:
            execute_statements(sql, SCHEMA)
            store.install_checksums(CHECKSUMMED_COLUMNS)
            sql.execute(
                "INSERT INTO study (name, state, started_at, environment) VALUES (?, 'running', ?, ?)",
                (name, time.time(), environment),
            )
            sql.execute("INSERT INTO study_spec (spec, seed_bits) VALUES (?, ?)", (spec, SEED_BITS))
        return store

    @override
    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens a study's store for writing, and migrates one of an earlier version.

        Raises:
            RunDirError: the file is not a study store, is damaged, or has another version.
            NotWritable: the folder or the disk is not writable.
        """
        store = cls(path, connect(path, "rw"))
        try:
            store._check_and_migrate()
        except BaseException:
            store.connection.close()
            raise
        return store

    def _check_and_migrate(self) -> None:
        version = self._read_version()
        self.check_pages()
        if version < SCHEMA_VERSION:
            self.verify_checksums(checksummed_columns(version))  # before anything is written
            self.enable_wal()  # so that readers can open it whenever this process is killed
            with self.transaction() as sql:
                execute_statements(sql, "".join(MIGRATIONS[version - 1 :]))
        self.install_checksums(CHECKSUMMED_COLUMNS)
        self.enable_wal()

    def set_study(self, state: StudyState, reason: str | None = None) -> None:
        """Writes the study's state, and the reason if it ended before its last trial."""
        with self.transaction() as sql:
            sql.execute("UPDATE study SET state = ?, reason = ?", (state, _storable(reason)))

    def set_environment(self, environment: str) -> None:
        """Writes the environment that the study started in, as JSON."""
        with self.transaction() as sql:
            sql.execute("UPDATE study SET environment = ?", (environment,))

    def set_spec(self, spec: str) -> None:
        """Writes the resolved spec that the study was started with, as YAML."""
        with self.transaction() as sql:
            sql.execute("UPDATE study_spec SET spec = ?", (spec,))

    def add_trial(self, number: int, model: str, params: Params, seed: int) -> None:
        """Adds a new trial, which is WAITING."""
        with self.transaction() as sql:
            sql.execute(
                "INSERT INTO trials (number, state, model, params, seed) VALUES (?, 'WAITING', ?, ?, ?)",
                (number, model, json.dumps(params), signed(seed)),
            )

    def start_attempt(self, number: int, worker: str) -> None:
        """Marks the trial RUNNING on a worker."""
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
        """Ends the trial's attempt and marks the trial WAITING for another."""
        with self.transaction() as sql:
            sql.execute("UPDATE trials SET state = 'WAITING' WHERE number = ?", (number,))
            _end_attempt(sql, number, outcome, error, traceback)

    def finish_trial(
        self, number: int, state: TrialState, value: float | None = None, weights_sha256: str | None = None
    ) -> None:
        """Marks the trial COMPLETE or PRUNED."""
        with self.transaction() as sql:
            sql.execute(
                "UPDATE trials SET state = ?, value = ?, weights_sha256 = ? WHERE number = ?",
                (state.value, value, weights_sha256, number),
            )
            _end_attempt(sql, number, "complete" if state is TrialState.COMPLETE else "pruned", None, None)

    def fail_trial(self, number: int, outcome: AttemptOutcome, error: str, traceback: str | None = None) -> None:
        """Marks the trial FAIL, with its cause."""
        with self.transaction() as sql:
            sql.execute(
                "UPDATE trials SET state = 'FAIL', error = ?, traceback = ? WHERE number = ?",
                (_storable(error), _storable(traceback), number),
            )
            _end_attempt(sql, number, outcome, error, traceback)

    def add_measurement(self, number: int, measurement: Measurement, value: float | None) -> None:
        """Writes an epoch's measurement; an epoch repeated after a fault replaces its row, with equal metrics."""
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
        """Marks every RUNNING trial WAITING, after its driver has died."""
        for row in self.rows("SELECT number FROM trials WHERE state = 'RUNNING'"):
            self.end_attempt(row["number"], "interrupted")

    def add_time_spent(self, spent: TimeSpent) -> None:
        """Writes where the time of a driver's session has gone so far."""
        with self.transaction() as sql:
            sql.execute("INSERT INTO times_spent (spent) VALUES (?)", (json.dumps(asdict(spent)),))


def _end_attempt(
    sql: sqlite3.Connection, number: int, outcome: AttemptOutcome, error: str | None, traceback: str | None
) -> None:
    sql.execute(
        "UPDATE attempts SET ended_at = ?, outcome = ?, error = ?, traceback = ? WHERE trial = ? AND outcome IS NULL",
        (time.time(), outcome, _storable(error), _storable(traceback), number),
    )


def _storable(text: str | None) -> str | None:
    """Escapes what SQLite cannot keep as text: an error's message may contain a file name that is not UTF-8."""
    return text and text.encode(errors="backslashreplace").decode()
