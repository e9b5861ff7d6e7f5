"""The SQLite file of a study: connections, transactions, checksums, error translation. Independent of its tables."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Literal, TypeVar

from typing_extensions import Self, override

from mnist_core.atomic_file import lock_rejection
from mnist_core.errors import NotWritable, RunDirError

Value = TypeVar("Value")

# What reading a damaged file may raise: SQLite's errors, and Python's if a value is not what was written.
_DAMAGE = (sqlite3.DatabaseError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class StoreFile:
    """A SQLite file opened for reading; a context manager that closes it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """connection: from `connect`."""
        self.path = path
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Makes all reads in the block see the file as it is at the first of them; nothing may be written in it.

        Raises:
            RunDirError: the file is damaged, or not a store.
        """
        with translate_damage(self.path):
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.rollback()

    def data_version(self) -> int:
        """Returns a number that changes whenever another connection has committed something.

        Raises:
            RunDirError: the file is damaged, or not a store.
        """
        ((version,),) = self.rows("PRAGMA data_version")
        return int(version)

    def rows(self, query: str, *values: int) -> list[sqlite3.Row]:
        """Returns the rows that a query finds.

        Raises:
            RunDirError: the file is damaged, or not a store.
        """
        return self.read(lambda row: row, query, *values)

    def read(self, decode: Callable[[sqlite3.Row], Value], query: str, *values: int) -> list[Value]:
        """Returns the rows that a query finds, each decoded into a value.

        Raises:
            RunDirError: the file is damaged, or not a store.
        """
        with translate_damage(self.path):
            return [decode(row) for row in self.connection.execute(query, values).fetchall()]

    def check_pages(self) -> None:
        """Checks every page and index: SQLite itself may follow a damaged index to the wrong rows without an error.

        Raises:
            RunDirError: the file is damaged.
        """
        with translate_damage(self.path):
            ((found,),) = self.connection.execute("PRAGMA integrity_check(1)")
            if found != "ok":
                raise ValueError(" ".join(found.split()))


class WritableStoreFile(StoreFile):
    """A SQLite file written in atomic transactions; what is committed survives a power cut."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """connection: from `connect`, opened for writing."""
        super().__init__(path, connection)
        self._in_batch = False

    def begin(self) -> None:
        """Groups all writes until `commit` into one transaction, because syncing to disk takes longer than the rest."""
        self._in_batch = True

    def commit(self) -> None:
        """Commits the transaction that `begin` started.

        Raises:
            NotWritable: the disk is full or fails; none of the transaction is written.
        """
        self._in_batch = False
        with self._translate_write_errors():
            self.connection.commit()

    def roll_back(self) -> None:
        """Rolls back the transaction that `begin` started."""
        self._in_batch = False
        self.connection.rollback()

    @override
    def close(self) -> None:
        """Closes the file; the last writer leaves it readable on a read-only disk."""
        # Fails while others have the file open, which then stays as it is. If the file is damaged, SQLite's message may
        # not be text.
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA journal_mode = DELETE")
        self.connection.close()

    def enable_wal(self) -> None:
        """Switches the file to write-ahead logging, permanently, so that readers never wait.

        Raises:
            NotWritable: the folder or the disk is not writable.
        """
        with translate_damage(self.path):
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as err:
                raise _cannot_open(self.path, "rw", err) from err

    def verify_checksums(self, columns_by_table: Mapping[str, str]) -> None:
        """Verifies every row's checksum: SQLite notices damaged pages, but not a flipped bit within a value.

        Raises:
            RunDirError: a row differs from what was written.
        """
        with translate_damage(self.path):
            for table, columns in columns_by_table.items():
                query = f"SELECT rowid FROM {table} WHERE crc32 IS NOT crc32_of({columns}) LIMIT 1"
                for (row,) in self.connection.execute(query):
                    raise ValueError(f"row {row} of its table {table} is not what was written")

    def install_checksums(self, columns_by_table: Mapping[str, str]) -> None:
        """Verifies every row's checksum and installs triggers that maintain them for this connection.

        Args:
            columns_by_table: table -> the columns whose values `crc32` covers.

        Raises:
            RunDirError: a row differs from what was written.
        """
        self.verify_checksums(columns_by_table)
        with translate_damage(self.path):
            for table, columns in columns_by_table.items():
                update = f"UPDATE {table} SET crc32 = crc32_of({columns}) WHERE rowid = NEW.rowid"
                for name, event in (("inserted", "INSERT"), ("updated", f"UPDATE OF {columns}")):
                    self.connection.execute(
                        f"CREATE TEMP TRIGGER {table}_{name} AFTER {event} ON {table} BEGIN {update}; END"
                    )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yields the connection to write to, in a new transaction or as part of the one that `begin` started.

        Raises:
            NotWritable: the folder or the disk is not writable.
            RunDirError: the file is damaged.
        """
        with self._translate_write_errors(), nullcontext() if self._in_batch else self.connection:
            if not self.connection.in_transaction:
                self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    @contextmanager
    def _translate_write_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as err:
            if isinstance(err, sqlite3.OperationalError):
                if rejection := _rejection(self.path, err):
                    raise rejection from err
                message = f"{self.path} cannot be written ({err}): free disk space or fix its permissions"
                raise NotWritable(message) from err
            if type(err) is sqlite3.DatabaseError:
                raise _damaged(self.path, err) from err
            raise  # a bug in this code


def connect(path: Path, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
    """Opens a file so that what is committed survives a power cut, and readers never wait.

    Raises:
        NotWritable: the file cannot be created or opened.
        RunDirError: the file is missing, damaged, or not a store.
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
                connection.create_function("crc32_of", -1, crc32_of, deterministic=True)
        except sqlite3.OperationalError as err:
            raise _cannot_open(path, mode, err) from err
        undo.pop_all()
    return connection


def execute_statements(sql: sqlite3.Connection, statements: str) -> None:
    """Executes statements, each ending with a semicolon, within the open transaction."""
    for statement in filter(str.strip, statements.split(";")):
        sql.execute(statement)


@contextmanager
def translate_damage(path: Path) -> Iterator[None]:
    """Turns whatever reading a damaged file raises in the block into a RunDirError.

    Raises:
        NotWritable: the file, or SQLite's log beside it, cannot be opened: too many open files, or no permission.
    """
    try:
        yield
    except _DAMAGE as err:
        if rejection := _rejection(path, err):
            raise rejection from err
        if "unable to open" in str(err):
            message = f"{path} cannot be opened ({err}): fix its permissions or raise the open-file limit"
            raise NotWritable(message) from err
        raise _damaged(path, err) from err


def crc32_of(*values: str | float | None) -> int:
    """Returns the checksum of a row's values."""
    return zlib.crc32(json.dumps(values).encode())


def _rejection(path: Path, err: Exception) -> NotWritable | None:
    """Returns the error for a file that may be intact, but whose locks or disk fail; None for any other problem.

    SQLite takes a rejected lock for one that another process holds, and some rejections for a failed disk.
    """
    move = "copy the run to a local disk; new runs: choose one with --out"
    if "locked" in str(err) or "locking" in str(err):
        return NotWritable(lock_rejection(path, f"{err}, if no other program has it open", move))
    if "disk I/O error" in str(err) or "permission denied" in str(err):
        return NotWritable(f"{path} cannot be read or locked ({err}): check its disk, or {move}")
    return None


def _damaged(path: Path, err: Exception) -> RunDirError:
    return RunDirError(f"{path} cannot be read as a study store ({err}): restore it from a copy")


def _cannot_open(path: Path, mode: str, err: sqlite3.OperationalError) -> NotWritable | RunDirError:
    if rejection := _rejection(path, err):
        return rejection
    if mode == "rwc":
        return NotWritable(f"{path} cannot be created ({err}): free disk space or fix its permissions")
    reason: object = err
    try:
        path.open("rb" if mode == "ro" else "r+b").close()
    except FileNotFoundError:
        return RunDirError(f"{path} cannot be opened ({err}): there is no such file")
    except OSError as failure:  # which SQLite does not report
        reason = failure.strerror
    return NotWritable(f"{path} cannot be opened ({reason}): free disk space or fix its permissions")
