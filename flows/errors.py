"""Faults in words: which errors are messages to a person, and what is done with the others.

An error that says what, where, why and what to do is told as it is. A fault of the machine (a full disk, missing
rights, a busy or damaged database file) gets such words here. Anything else is a fault of the program: its
traceback goes into the run's log, without messages and values, since these may quote cells, and one sentence says
where it is.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import duckdb

from checks.asking import CheckError
from publish.plans import PortalError
from sources import SourceError
from warehouse.archive import ArchiveDamagedError
from warehouse.archive_keys import ArchiveKeyError
from warehouse.curate import ModelError
from warehouse.declarations import DeclarationError
from warehouse.home import Home, NoHomeError
from warehouse.lease import LeaseHeldError, LeaseLostError
from warehouse.ledger import LedgerError
from warehouse.releases import NotReleasedError, ReleaseError
from warehouse.store import WarehouseError, fault_in_words

P = ParamSpec("P")
T = TypeVar("T")


class RequestError(ValueError):
    """What is asked for cannot be: a name that is not declared, an address with a password."""


class ServerError(Exception):
    """The private Prefect server did not start; the message names its log."""


class StepError(Exception):
    """A step failed by a fault of the machine or of the program; the message is for people, without values."""


_FOR_PEOPLE = (
    ArchiveDamagedError,
    ArchiveKeyError,
    CheckError,
    DeclarationError,
    LeaseHeldError,
    LeaseLostError,
    LedgerError,
    ModelError,
    NoHomeError,
    NotReleasedError,
    PortalError,
    ReleaseError,
    RequestError,
    ServerError,
    SourceError,
    StepError,
    WarehouseError,
)
_OF_THE_MACHINE = {
    errno.ENOSPC: "the disk is full. Make room there, then run the same command again.",
    errno.EDQUOT: "the disk quota is used up. Make room there, then run the same command again.",
    errno.EROFS: "the file system is read-only. Mount it writable, or name another home with --home.",
    errno.EACCES: "this user has no right to do that. Give the rights, or use another place.",
    errno.EPERM: "this user has no right to do that. Give the rights, or use another place.",
    errno.ENOENT: "there is no such file or folder. Check the path.",
    errno.ENOTDIR: "a part of the path is no folder. Check the path.",
    errno.EISDIR: "that is a folder, where a file was expected. Name a file.",
    errno.EEXIST: "something of that name is there already. Move it away, or name another place.",
    errno.ENAMETOOLONG: "the name is too long for this file system. Use a shorter one.",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n), then try again.",
    errno.EIO: "the disk could not be read or written. It may be failing: look at the system's log.",
    errno.EBUSY: "another program uses it. Close it there, then try again.",
    errno.ETXTBSY: "another program uses it. Close it there, then try again.",
}


def in_words(error: BaseException) -> str | None:
    """An error as a message to a person; None for a fault of the program."""
    if isinstance(error, _FOR_PEOPLE):
        return str(error)
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        place = error.filename2 or error.filename
        return f"{place or 'a file'}: {_OF_THE_MACHINE[error.errno]}"
    if isinstance(error, duckdb.Error):
        return fault_in_words(error, Path("a DuckDB file of the home"))
    if isinstance(error, MemoryError):
        return "the machine has no memory left. Free some, or lower OPENDISTRICT_MEMORY; then try again."
    return None


@dataclass(frozen=True)
class FaultLog:
    """Where a run keeps the tracebacks of faults of the program. No file unless there is one."""

    home: Home
    run_id: str

    @property
    def path(self) -> Path:
        """``logs/<run>.log`` in the home."""
        return self.home.logs / f"{self.run_id}.log"

    def tell(self, doing: str, error: BaseException) -> str:
        """A fault in one sentence; that of the program with the place of its traceback."""
        words = in_words(error)
        if words is not None:
            return words
        if isinstance(error, OSError | TimeoutError) and error.strerror:
            return f"{doing}: {error.strerror} ({error.filename or 'no file named'})."
        sentence = f"a fault of the program in {doing}: {type(error).__name__}"
        try:
            self._write(doing, error)
        except OSError:
            return f"{sentence}; its traceback could not be written to {self.path}."
        return f"{sentence}; the traceback is in {self.path}."

    def _write(self, doing: str, error: BaseException) -> None:
        lines = [f"--- {doing}\n"]
        chain: list[BaseException] = []
        one: BaseException | None = error
        while one is not None and one not in chain:
            chain.append(one)
            one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        for one in reversed(chain):
            lines += traceback.format_tb(one.__traceback__)
            lines.append(f"{type(one).__module__}.{type(one).__qualname__}\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(lines))

    def guarded(self, doing: str, step: Callable[P, T]) -> Callable[P, T]:
        """The step, whose unexpected errors become StepError: no run, and no log of Prefect, sees their values.

        What says by itself what is wrong passes, and so does what ends the whole run: a lost lease, Ctrl-C.
        """

        @wraps(step)
        def run(*arguments: P.args, **named: P.kwargs) -> T:
            try:
                return step(*arguments, **named)
            except Exception as error:
                if isinstance(error, _FOR_PEOPLE):
                    raise
                words = self.tell(doing, error)
            raise StepError(words)

        return run
