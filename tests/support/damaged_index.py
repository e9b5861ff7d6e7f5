"""An index of a SQLite file that leads to another row: SQLite follows it without an error."""

import sqlite3
from contextlib import closing
from pathlib import Path

INDEXES = ("sqlite_autoindex_measurements_1", "sqlite_autoindex_attempts_1")
"""The indexes of a study store."""


def damage_index(store: Path, index: str) -> None:
    """Changes the last byte of an index's first page: the number of the row that its first entry leads to."""
    with closing(sqlite3.connect(store)) as connection:
        ((size,),) = connection.execute("PRAGMA page_size")
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,))
    content = bytearray(store.read_bytes())
    content[page * size - 1] ^= 2
    store.write_bytes(content)
