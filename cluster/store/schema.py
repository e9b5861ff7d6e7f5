"""The tables of the study store, in SQL, and the migrations from older versions."""

from collections.abc import Mapping

SCHEMA_VERSION = 4

SCHEMA = f"""
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE study (
    name TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, started_at REAL NOT NULL, environment TEXT,
    crc32 INTEGER
);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, model TEXT NOT NULL, params TEXT NOT NULL, seed INTEGER NOT NULL,
    value REAL, error TEXT, traceback TEXT, weights_sha256 TEXT, test TEXT, crc32 INTEGER
);
CREATE TABLE attempts (
    trial INTEGER NOT NULL REFERENCES trials, attempt INTEGER NOT NULL, worker TEXT NOT NULL, started_at REAL NOT NULL,
    ended_at REAL, outcome TEXT, error TEXT, traceback TEXT, crc32 INTEGER, PRIMARY KEY (trial, attempt)
);
CREATE TABLE measurements (
    trial INTEGER NOT NULL REFERENCES trials, epoch INTEGER NOT NULL, elapsed_s REAL NOT NULL, metrics TEXT NOT NULL,
    confusion TEXT NOT NULL, crc32 INTEGER, PRIMARY KEY (trial, epoch)
);
CREATE TABLE times_spent (spent TEXT NOT NULL, crc32 INTEGER);
CREATE TABLE study_spec (spec TEXT, seed_bits INTEGER NOT NULL, crc32 INTEGER);
"""

# Table -> the columns that a row's checksum covers; see WritableStoreFile.install_checksums.
_CHECKSUMMED_IN_VERSION_3 = {
    "study": "name, state, reason, started_at, environment",
    "trials": "number, state, model, params, seed, value, error, traceback, weights_sha256, test",
    "attempts": "trial, attempt, worker, started_at, ended_at, outcome, error, traceback",
    "measurements": "trial, epoch, elapsed_s, metrics, confusion",
    "times_spent": "spent",
}
CHECKSUMMED_COLUMNS = {**_CHECKSUMMED_IN_VERSION_3, "study_spec": "spec, seed_bits"}

# The statements that migrate version n to n + 1, starting with version 1.
MIGRATIONS = [
    "CREATE TABLE times_spent (spent TEXT NOT NULL); PRAGMA user_version = 2;",
    "ALTER TABLE study ADD COLUMN environment TEXT; PRAGMA user_version = 3;"
    + "".join(
        f"ALTER TABLE {table} ADD COLUMN crc32 INTEGER; UPDATE {table} SET crc32 = crc32_of({columns});"
        for table, columns in _CHECKSUMMED_IN_VERSION_3.items()
    ),
    """
    PRAGMA user_version = 4;
    CREATE TABLE study_spec (spec TEXT, seed_bits INTEGER NOT NULL, crc32 INTEGER);
    INSERT INTO study_spec (spec, seed_bits, crc32) VALUES (NULL, 32, crc32_of(NULL, 32));
    """,
]

RECORDS = """
SELECT t.*, m.epoch AS epochs, m.elapsed_s, m.metrics,
       (SELECT count(*) FROM attempts a WHERE a.trial = t.number) AS attempts,
       (SELECT worker FROM attempts a WHERE a.trial = t.number ORDER BY attempt DESC LIMIT 1) AS worker
FROM trials t
LEFT JOIN measurements m ON m.trial = t.number
    AND m.epoch = (SELECT max(epoch) FROM measurements WHERE trial = t.number)
ORDER BY t.number
"""


def checksummed_columns(version: int) -> Mapping[str, str]:
    """Returns the columns that the checksums of a store of this version cover, by table; {} if it has none."""
    if version < 3:
        return {}
    return _CHECKSUMMED_IN_VERSION_3 if version == 3 else CHECKSUMMED_COLUMNS
