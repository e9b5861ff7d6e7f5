"""The SQLite file of a study: connections, transactions, and what SQLite refuses as errors of ours. Knows no table."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from mnist_core.errors import NotWritable, RunDirError


class StoreFile:
    """Reads and writes in transactions: each is written as a whole or not at all, and survives a power cut after it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """connection: as `connect` gives it."""
        self.path, self.connection = path, connection
        self._is_begun = False

    def begin(self) -> None:
        """What is written from now on is one transaction: to force one to the disk takes longer than all the rest."""
        self._is_begun = True

    def commit(self) -> None:
        """Ends the transaction that was begun.

        Raises:
            NotWritable: the disk refuses; nothing of it is written.
        """
        self._is_begun = False
        with self._refusals_told():
            self.connection.commit()

    def roll_back(self) -> None:
        """Forgets the transaction that was begun."""
        self._is_begun = False
        self.connection.rollback()

    def rows(self, query: str, *values: int) -> list[sqlite3.Row]:
        """What a query finds.

        Raises:
            RunDirError: the file is damaged, or no store.
        """
        try:
            return self.connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as err:
            raise unreadable(self.path, err) from err

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Where to write: one transaction, or a part of the one that was begun.

        Raises:
            NotWritable: the folder or the disk refuses.
        """
        with self._refusals_told(), nullcontext() if self._is_begun else self.connection:
            if not self.connection.in_transaction:
                self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    @contextmanager
    def _refusals_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as err:
            raise NotWritable(f"{self.path} cannot be written ({err}): make room there, or allow it") from err


def connect(path: Path, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
    """Opens a file such that what is committed survives a power cut, and readers are never kept waiting.

    Raises:
        NotWritable: it cannot be made.
        RunDirError: it cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=10, isolation_level=None
        )
        connection.row_factory = sqlite3.Row
        if mode != "ro":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.OperationalError as err:
        if mode == "rwc":
            raise NotWritable(f"{path} cannot be made ({err}): make room there, or allow it") from err
        raise RunDirError(f"{path} cannot be opened ({err})") from err
    return connection


def unreadable(path: Path, err: sqlite3.DatabaseError) -> RunDirError:
    """The error of a file that SQLite cannot read."""
    return RunDirError(f"{path} cannot be read as a study store ({err}): restore it from a copy")
