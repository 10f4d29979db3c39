"""The warehouse file: a run works on a private copy and swaps it in, so readers always see a whole one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse import ledger
from warehouse.database import DEFAULT_MEMORY, attach, opened
from warehouse.home import Home
from warehouse.lease import Lease

_REBUILD = "`opendistrict rebuild-warehouse` makes a new one from the raw archive and keeps this one aside"


class WarehouseError(Exception):
    """The warehouse file cannot be used; the message says why and what to do. Nothing was changed."""


def fault_in_words(error: duckdb.Error, path: Path) -> str | None:
    """What is wrong with a database file, and what to do; None where the error is not about the file.

    DuckDB has no error of its own for a lock, a full disk or a damaged block: its texts tell them apart.
    """
    text = str(error)
    if "set lock on file" in text or "already open" in text or "different configuration" in text:
        holder = re.search(r"PID (\d+)", text)
        by = f"process {holder[1]}" if holder else "another program"
        return f"{path} is held open by {by}. Close it there (a DuckDB shell, a notebook), then try again."
    if "No space left" in text or "Disk quota exceeded" in text:
        return f"the disk is full: {path} could not be written. Make room, then run the same command again."
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            "DuckDB needs more memory than it may take, or more room beside it to spill to."
            f" Raise OPENDISTRICT_MEMORY, or make room below {path.parent}; then run the same command again."
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return f"{path} may not be opened or written by this user. Give the rights, then try again."
    if "storage version" in text or "newer version of DuckDB" in text or "serialization version" in text:
        return (
            f"{path} was written by another version of DuckDB, which this one cannot read. Install that version."
        )
    damage = ("not a valid DuckDB", "orrupt", "checksum", "deserialize", "read enough bytes", "Could not read")
    is_damage = isinstance(error, (duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException))
    if is_damage or any(words in text for words in damage):
        return f"{path} is damaged, or not a database of DuckDB. Restore it from a backup; or {_REBUILD}."
    return None


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Errors about the file become WarehouseError."""
    try:
        yield
    except duckdb.Error as error:
        if (words := fault_in_words(error, path)) is None:
            raise
        raise WarehouseError(words) from error


class WorkingCopy:
    """A run's private copy of the warehouse. Nothing of it is seen until ``commit``."""

    def __init__(self, home: Home, folder: Path, lease: Lease, memory: str) -> None:
        self._home = home
        self._lease = lease
        self._memory = memory
        self._folder = folder
        self.path = folder / "warehouse.duckdb"
        if home.warehouse.exists():
            shutil.copyfile(home.warehouse, self.path)
        with _in_words(home.warehouse), self.connect() as connection:
            ledger.create_ledger(connection)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that may write to the copy."""
        with opened(self.path, temporary=self._folder, memory=self._memory) as connection:
            yield connection

    def commit(self) -> None:
        """Swap the copy in as the warehouse. An open reader keeps what it sees, a new one sees the new file.

        Raises:
            LeaseLostError: another run took over; the warehouse stays as it was.
        """
        with self.connect() as connection:
            connection.execute("CHECKPOINT")
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        with self._lease.confirmed():
            self.path.replace(self._home.warehouse)


@contextmanager
def working_copy(home: Home, lease: Lease, memory: str = DEFAULT_MEMORY) -> Iterator[WorkingCopy]:
    """A private copy for the length of a block; thrown away unless it was committed."""
    with home.workspace("warehouse") as folder:
        yield WorkingCopy(home, folder, lease, memory)


STANDING = "standing"  # the name of the warehouse beside which somebody works


@contextmanager
def beside(home: Home, memory: str = DEFAULT_MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in memory, with the last good warehouse attached read-only as ``standing``.

    Raises:
        WarehouseError: there is none, or the file is damaged, foreign, or held by another program.
    """
    if not home.warehouse.exists():
        raise WarehouseError(f"there is no warehouse in {home.root} yet")
    with (
        _in_words(home.warehouse),
        opened(None, temporary=Path(tempfile.gettempdir()), memory=memory) as connection,
    ):
        attach(connection, home.warehouse, STANDING)
        yield connection


@contextmanager
def reader(home: Home, memory: str = DEFAULT_MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the ledger of the last good warehouse; an empty one where there is none yet.

    A warehouse of an older version is read through a copy of its ledger in memory, in today's shape; the file
    itself is brought up to date by the next run that writes.

    Raises:
        WarehouseError: the file is damaged, foreign, or held by another program.
        LedgerError: a newer version of the program wrote it.
    """
    elsewhere = Path(tempfile.gettempdir())  # a home that may not be written is read too
    if not home.warehouse.exists():
        with opened(None, temporary=elsewhere, memory=memory) as connection:
            ledger.create_ledger(connection)
            yield connection
        return
    with _in_words(home.warehouse):
        with opened(home.warehouse, temporary=elsewhere, memory=memory, read_only=True) as connection:
            ledger.refuse_newer(connection)
            if is_current := not ledger.lacking(connection):
                yield connection
        if not is_current:
            with opened(None, temporary=elsewhere, memory=memory) as connection:
                ledger.create_ledger(connection)
                attach(connection, home.warehouse, "older")
                ledger.copy_tables(connection, "older")
                yield connection


def compact(path: Path, memory: str) -> None:
    """Write a database as a new file in place of the old one, without its freed blocks."""
    fresh = path.with_name(f"{path.name}.fresh")
    fresh.unlink(missing_ok=True)
    with opened(None, temporary=path.parent, memory=memory) as connection:
        attach(connection, path, "old")
        attach(connection, fresh, "new", read_only=False)
        connection.execute("COPY FROM DATABASE old TO new")
    fresh.replace(path)
