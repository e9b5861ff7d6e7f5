"""The SQLite file of a study: connections, transactions, and what SQLite refuses as errors of ours. Knows no table."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Literal, TypeVar

from mnist_core.errors import NotWritable, RunDirError

Value = TypeVar("Value")

# What reading a damaged file may end with: SQLite's own errors, and those of Python where a value is not what it was.
_DAMAGE = (sqlite3.DatabaseError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


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
        with self._translate_write_errors():
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
        return self.read(lambda row: row, query, *values)

    def read(self, decode: Callable[[sqlite3.Row], Value], query: str, *values: int) -> list[Value]:
        """What a query finds, each row as the value that it stands for.

        Raises:
            RunDirError: the file is damaged, or no store.
        """
        with translate_damage(self.path):
            return [decode(row) for row in self.connection.execute(query, values).fetchall()]

    def enable_wal(self) -> None:
        """From now on what is written goes to a log beside the file first; the file's first page tells of that.

        Raises:
            NotWritable: the folder or the disk refuses.
        """
        with translate_damage(self.path):
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as err:
                raise _not_opened(self.path, "rw", err) from err

    def check_pages(self) -> None:
        """Looks at every page, so that nothing more is written to a file that is damaged.

        Raises:
            RunDirError: the file is damaged.
        """
        with translate_damage(self.path):
            ((found,),) = self.connection.execute("PRAGMA integrity_check(1)")
            if found != "ok":
                raise ValueError(" ".join(found.split()))

    def install_checksums(self, columns_by_table: Mapping[str, str]) -> None:
        """Compares each row with its checksum; from now on each that is written has one, by this connection's triggers.

        SQLite notices damage of its pages, but no bit that flips within a value.

        Args:
            columns_by_table: by table, the columns whose values `crc32` is of.

        Raises:
            RunDirError: a row is not what was written.
        """
        with translate_damage(self.path):
            for table, columns in columns_by_table.items():
                query = f"SELECT rowid FROM {table} WHERE crc32 IS NOT crc32_of({columns}) LIMIT 1"
                for (row,) in self.connection.execute(query):
                    raise ValueError(f"row {row} of its table {table} is not what was written")
                seal = f"UPDATE {table} SET crc32 = crc32_of({columns}) WHERE rowid = NEW.rowid"
                for name, event in (("inserted", "INSERT"), ("updated", f"UPDATE OF {columns}")):
                    self.connection.execute(
                        f"CREATE TEMP TRIGGER {table}_{name} AFTER {event} ON {table} BEGIN {seal}; END"
                    )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Where to write: one transaction, or a part of the one that was begun.

        Raises:
            NotWritable: the folder or the disk refuses.
            RunDirError: the file is damaged.
        """
        with self._translate_write_errors(), nullcontext() if self._is_begun else self.connection:
            if not self.connection.in_transaction:
                self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    @contextmanager
    def _translate_write_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as err:
            if isinstance(err, sqlite3.OperationalError):
                raise NotWritable(f"{self.path} cannot be written ({err}): make room there, or allow it") from err
            if type(err) is sqlite3.DatabaseError:
                raise _damaged(self.path, err) from err
            raise  # a mistake of ours


def connect(path: Path, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
    """Opens a file such that what is committed survives a power cut, and readers are never kept waiting.

    Raises:
        NotWritable: it cannot be made, or the folder or the disk refuses.
        RunDirError: it is missing, damaged, or no store.
    """
    with translate_damage(path), ExitStack() as undo:
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=10, isolation_level=None
            )
            undo.callback(connection.close)
            connection.row_factory = sqlite3.Row
            if mode != "ro":
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA temp_store = MEMORY")
                connection.create_function("crc32_of", -1, _crc32_of, deterministic=True)
        except sqlite3.OperationalError as err:
            raise _not_opened(path, mode, err) from err
        undo.pop_all()
    return connection


def execute_statements(sql: sqlite3.Connection, statements: str) -> None:
    """Sends statements, each of which ends with a semicolon, within the transaction that is open."""
    for statement in filter(str.strip, statements.split(";")):
        sql.execute(statement)


@contextmanager
def translate_damage(path: Path) -> Iterator[None]:
    """What is read in the block is read, or a RunDirError says that the file is damaged, or no store.

    Raises:
        NotWritable: the file, or SQLite's log beside it, cannot be opened: for lack of files or of permission.
    """
    try:
        yield
    except _DAMAGE as err:
        if "unable to open" in str(err):
            raise NotWritable(f"{path} cannot be opened ({err}): allow it, or more open files") from err
        raise _damaged(path, err) from err


def _crc32_of(*values: str | float | None) -> int:
    return zlib.crc32(json.dumps(values).encode())


def _damaged(path: Path, err: Exception) -> RunDirError:
    return RunDirError(f"{path} cannot be read as a study store ({err}): restore it from a copy")


def _not_opened(path: Path, mode: str, err: sqlite3.OperationalError) -> NotWritable | RunDirError:
    if mode == "rwc":
        return NotWritable(f"{path} cannot be made ({err}): make room there, or allow it")
    reason: object = err
    try:
        path.open("rb" if mode == "ro" else "r+b").close()
    except FileNotFoundError:
        return RunDirError(f"{path} cannot be opened ({err}): there is no such file")
    except OSError as refusal:  # of which SQLite does not tell
        reason = refusal.strerror
    return NotWritable(f"{path} cannot be opened ({reason}): make room there, or allow it")
