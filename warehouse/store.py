"""The warehouse file: a run works on a private copy and swaps it in, so readers always see a whole one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse import ledger
from warehouse.database import DEFAULT_MEMORY, opened
from warehouse.home import Home
from warehouse.lease import Lease


class WorkingCopy:
    """A run's private copy of the warehouse. Nothing of it is seen until ``commit``."""

    def __init__(self, home: Home, folder: Path, lease: Lease, memory: str) -> None:
        self._home = home
        self._lease = lease
        self._memory = memory
        self._folder = folder
        self.path = folder / "warehouse.duckdb"
        self.is_committed = False
        if home.warehouse.exists():
            shutil.copyfile(home.warehouse, self.path)
        with self.connect() as connection:
            ledger.create_tables(connection)

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
        self.is_committed = True


@contextmanager
def working_copy(home: Home, lease: Lease, memory: str = DEFAULT_MEMORY) -> Iterator[WorkingCopy]:
    """A private copy for the length of a block; thrown away unless it was committed."""
    with home.workspace("warehouse") as folder:
        yield WorkingCopy(home, folder, lease, memory)


@contextmanager
def reader(home: Home, memory: str = DEFAULT_MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the last good warehouse; an empty one where there is none yet."""
    if home.warehouse.exists():
        with opened(home.warehouse, temporary=home.temporary, memory=memory, read_only=True) as connection:
            yield connection
    else:
        with opened(None, temporary=Path(tempfile.gettempdir()), memory=memory) as connection:
            ledger.create_tables(connection)
            yield connection
