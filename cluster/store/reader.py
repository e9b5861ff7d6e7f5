"""Reads the study store, even while a driver writes to it. Writes nothing."""

from functools import partial
from pathlib import Path

from typing_extensions import Self

from cluster.store.rows import (
    StudyState,
    read_attempt,
    read_environment,
    read_measurement,
    read_record,
    read_report,
    read_spec,
    read_study,
    read_time_spent,
)
from cluster.store.schema import RECORDS, SCHEMA_VERSION
from cluster.store.sqlite_file import StoreFile, connect, crc32_of, translate_damage
from cluster.time_spent import TimeSpent
from cluster.trial import AttemptRecord, FailureCounts, Report, SeedBits, TrialRecord
from mnist_core.errors import RunDirError
from mnist_core.measurement import Measurement


class StudyReader(StoreFile):
    """What is recorded about one study.

    Every method raises RunDirError if the store is damaged.

    Example:
        with StudyReader.open(run_dir.store) as reader:
            best = max(trial.value for trial in reader.trials() if trial.value is not None)
    """

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens a study's store for reading.

        Raises:
            RunDirError: the file is not a study store, is damaged, or has another version.
        """
        reader = cls(path, connect(path, "ro"))
        try:
            reader._read_version()
            reader.check_pages()
        except BaseException:
            reader.connection.close()
            raise
        return reader

    def _read_version(self) -> int:
        """Returns the schema version, after checking that this mxtrials can read it."""
        with translate_damage(self.path):
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            message = f"{self.path} contains no study: restore it and, if there is one, {self.path.name}-wal"
            raise RunDirError(message)
        if not 1 <= version <= SCHEMA_VERSION:
            raise RunDirError(
                f"{self.path} has schema version {version}, this mxtrials reads versions 1 to {SCHEMA_VERSION}: "
                "use the mxtrials that wrote it (see environment.json beside it)"
            )
        return int(version)

    def study(self) -> tuple[StudyState, str | None]:
        """Returns the study's last recorded state, and why it ended before its last trial, if it did."""
        with translate_damage(self.path):
            (found,) = self.read(read_study, "SELECT state, reason FROM study")
            return found

    def environment(self) -> str | None:
        """Returns the environment that the study started in, as JSON; None in a store of version 1 or 2."""
        if self._read_version() < 3:
            return None
        with translate_damage(self.path):
            (found,) = self.read(read_environment, "SELECT environment FROM study")
            return found

    def spec(self) -> str | None:
        """Returns the resolved spec that the study was started with, as YAML; None if an older version started it."""
        return self._spec_and_seed_bits()[0]

    def seed_bits(self) -> SeedBits:
        """Returns how long the seeds of the study's trials are, which stays as it was when the study started."""
        return self._spec_and_seed_bits()[1]

    def _spec_and_seed_bits(self) -> tuple[str | None, SeedBits]:
        # Not whether there is such a table: a flipped bit makes a capital of a letter in its name.
        if self._read_version() < 4:
            return None, 32
        with translate_damage(self.path):
            (row,) = self.rows("SELECT spec, seed_bits, crc32 FROM study_spec")
            if row["crc32"] != crc32_of(row["spec"], row["seed_bits"]):
                raise ValueError("row 1 of its table study_spec is not what was written")
            return read_spec(row)

    def trials(self) -> list[TrialRecord]:
        """Returns all trials, by number."""
        return self.read(read_record, RECORDS)

    def measurements(self, number: int) -> list[Measurement]:
        """Returns a trial's measurements, by epoch."""
        return self.read(read_measurement, "SELECT * FROM measurements WHERE trial = ? ORDER BY epoch", number)

    def last_measurement(self, number: int) -> Measurement | None:
        """Returns a trial's last measurement; None before the first epoch."""
        query = "SELECT * FROM measurements WHERE trial = ? ORDER BY epoch DESC LIMIT 1"
        return next(iter(self.read(read_measurement, query, number)), None)

    def reports(self, metric: str) -> list[Report]:
        """Returns the values of a metric in all trials, in the order in which they were recorded.

        Faster than all measurements, because it decodes no confusion matrix.
        """
        query = "SELECT trial, epoch, metrics FROM measurements ORDER BY rowid"
        reports = self.read(partial(read_report, metric=metric), query)
        return [report for report in reports if report is not None]

    def last_epoch(self, number: int) -> int:
        """Returns a trial's last recorded epoch; 0 before the first."""
        ((epoch,),) = self.rows("SELECT coalesce(max(epoch), 0) FROM measurements WHERE trial = ?", number)
        return int(epoch)

    def attempts(self, number: int) -> list[AttemptRecord]:
        """Returns a trial's attempts, in order."""
        return self.read(read_attempt, "SELECT * FROM attempts WHERE trial = ? ORDER BY attempt", number)

    def workers(self, number: int) -> tuple[str, ...]:
        """Returns the workers that trained a trial, each once, in the order of their first attempts."""
        rows = self.rows("SELECT worker FROM attempts WHERE trial = ? ORDER BY attempt", number)
        return tuple(dict.fromkeys(row["worker"] for row in rows))

    def failure_counts(self, number: int) -> FailureCounts:
        """Returns how many of a trial's attempts failed."""
        query = "SELECT outcome FROM attempts WHERE trial = ? AND outcome IN ('failed', 'crashed', 'lost')"
        outcomes = [row["outcome"] for row in self.rows(query, number)]
        return FailureCounts(len(outcomes), outcomes.count("crashed"))

    def times_spent(self) -> list[TimeSpent]:
        """Returns where each driver's time went, in the order of writing; empty in a store of version 1."""
        if self._read_version() < 2:
            return []
        return self.read(read_time_spent, "SELECT spent FROM times_spent ORDER BY rowid")
