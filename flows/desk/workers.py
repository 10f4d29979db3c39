"""Processes that check and mark files, with limits of time and memory, so that no file can stop the server.

A worker imports Great Expectations and dlt once, when it starts: a check then takes a second instead of eight. One
that takes too long, or dies, is replaced; what it worked on is told as not checked.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.messages import Language, message

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from flows.checking import CheckedFile
    from flows.declarations import Declarations
    from flows.telling import Told

SECONDS = 300.0  # for one check or one marking; 30,000 rows take 100 on a busy machine
START_SECONDS = 120.0  # imports on a busy machine
_TURN_SECONDS = 600.0  # a job waits no longer for a worker
_PAUSE_SECONDS = 5.0  # between a worker that died at its start and the next
MEMORY_BYTES = 4 << 30  # of address space, of which DuckDB takes no more than its own limit
_DUCKDB_MEMORY = "1GB"


Work = Callable[[Connection, int], None]


class Stage(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    READING = "reading"
    CHECKING = "checking"
    DONE = "done"


class WorkError(Exception):
    """A job did not come to its end; the message, which can be said in both languages, is for the coordinator."""


class BusyError(Exception):
    """Too many jobs wait already."""


@dataclass(frozen=True)
class Check:
    """Files to be checked as a source's, compared with what stands in a home (its folder)."""

    paths: tuple[Path, ...]
    source: str
    home: Path


@dataclass(frozen=True)
class Mark:
    """A checked file to be marked in a language: into a file, or of several files into a folder."""

    checked: CheckedFile
    target: Path
    language: Language


@dataclass(frozen=True)
class CheckDone:
    """What a check came to. ``other``: the title of the source that the file rather is of, if there is one."""

    checked: CheckedFile
    told: Told
    other: str = ""


def _work_in(folder: str, work: Work, pipe: Connection, memory_bytes: int) -> None:
    """Work with a folder of its own for whatever is temporary."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    work(pipe, memory_bytes)


def _work(pipe: Connection, memory_bytes: int) -> None:
    """What a worker does until the pipe is closed."""
    import resource
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to hear
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold people's rows
    from flows.settings import silence_telemetry

    silence_telemetry()
    os.environ["OPENDISTRICT_MEMORY"] = _DUCKDB_MEMORY
    from flows.declarations import Declarations

    declared = Declarations.read()
    _warm_up(declared)
    pipe.send(("ready", None))
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("done", do_job(job, declared, pipe)))
        except MemoryError:
            pipe.send(("failed", _too_much()))
        except Exception as error:
            pipe.send(("failed", _why(error)))


def _warm_up(declared: Declarations) -> None:
    """Check and mark a file of nobody's: what the first one imports and prepares takes several seconds."""
    import csv
    from contextlib import suppress

    from flows.checking import check_file

    source = next((one for one in declared.sources.values() if one.kind == "workbook"), None)
    if source is None:
        return
    with tempfile.TemporaryDirectory(prefix="opendistrict-desk-") as folder, suppress(Exception):
        path = Path(folder) / f"{source.tables[0].name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            titles = [field.title for field in source.tables[0].fields]
            csv.writer(file).writerows([titles, ["x"] * len(titles)])
        checked = check_file([path], declared, source.name)
        checked.marked_copies(Path(folder) / "marked.xlsx", source.language)


def do_job(job: Check | Mark, declared: Declarations, pipe: Connection) -> CheckDone | list[Path]:
    """Do a job; its stages go into the pipe."""
    if isinstance(job, Mark):
        return [one.path for one in job.checked.marked_copies(job.target, job.language)]
    from flows.checking import check_file
    from flows.telling import told_of
    from warehouse.home import Home

    def progress(step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        pipe.send(("stage", Stage.CHECKING if step.startswith("checking") else Stage.READING))

    checked = check_file(job.paths, declared, job.source, Home(job.home), progress)
    return CheckDone(checked, told_of(checked), _other(job, checked, declared))


def _other(job: Check, checked: CheckedFile, declared: Declarations) -> str:
    """The title of the source that a file is of which would be held for the one it was given as."""
    from flows.recognising import UnclearSourceError, source_of
    from warehouse.ledger import Verdict
    from warehouse.messages import in_languages

    if checked.verdict is not Verdict.HELD:
        return ""
    try:
        found = source_of(job.paths, declared.sources).source
    except UnclearSourceError:
        return ""
    source = declared.sources[found]
    return "" if found == job.source else in_languages(source.title, finnish=source.title_fi)


def _too_much() -> str:
    return message("The file is too large to be checked here. Hand in a smaller one, or ask the operator.")


def _why(error: Exception) -> str:
    """An error for the coordinator: what speaks to people as it is, a fault of the program without its text."""
    from flows.errors import RequestError
    from sources import SourceError

    if isinstance(error, RequestError | SourceError):
        return str(error) if not error.args else error.args[0]
    return message(
        "The file could not be checked: a fault of the program ({kind}). Tell the operator.",
        kind=type(error).__name__,
    )


class _Worker:
    """One process and the pipe to it. Its methods wait, so they are called from a thread."""

    def __init__(self, work: Work, memory_bytes: int, folder: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of its own: a process that is killed leaves there what it was working on, people's rows.
        self._folder = tempfile.mkdtemp(prefix="worker-", dir=folder)
        self._process: SpawnProcess = context.Process(
            target=_work_in, args=(self._folder, work, theirs, memory_bytes), daemon=True
        )
        self._process.start()
        theirs.close()

    def get_ready(self) -> None:
        """Wait until it can work.

        Raises:
            WorkError: it died before.
        """
        self._receive(time.monotonic() + START_SECONDS)

    def run(self, job: Check | Mark, seconds: float, told: Callable[[Stage], None]) -> Any:
        """Do a job; what came of it.

        Raises:
            WorkError: it failed, took too long, or the process died. After the last two it is dead.
        """
        deadline = time.monotonic() + seconds
        try:
            self._pipe.send(job)
        except OSError as error:
            self.stop()
            raise WorkError(_lost()) from error
        while True:
            kind, content = self._receive(deadline)
            if kind == "stage":
                told(content)
            elif kind == "failed":
                raise WorkError(content)
            else:
                return content

    def _receive(self, deadline: float) -> tuple[str, Any]:
        try:
            if self._pipe.poll(max(0.0, deadline - time.monotonic())):
                kind, content = self._pipe.recv()
                return str(kind), content
        except (EOFError, OSError) as error:
            self.stop()
            raise WorkError(_lost()) from error
        self.stop()
        raise WorkError(
            message("The check took too long and was stopped. Is it the right file? If it is, ask the operator.")
        )

    @property
    def is_alive(self) -> bool:
        """Whether it can be given a job."""
        return self._process.is_alive()

    def stop(self) -> None:
        """End the process, and delete what it left."""
        self._process.kill()
        self._process.join(5)
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _lost() -> str:
    return message("The check ended before its time: the file may be too large. Try again, or ask the operator.")


class Workers:
    """A few workers and a bounded queue before them: a slow file holds up none but itself while one is free."""

    def __init__(
        self,
        count: int = 2,
        waiting: int = 8,
        seconds: float = SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        work: Work | None = None,
        folder: Path | None = None,
    ) -> None:
        """``seconds`` are those of one job; ``work`` is what a process does, by default checking and marking.
        ``folder`` is where they put what is temporary, by default with that of other programs.
        """
        self._count, self._most, self._seconds, self._memory = count, waiting, seconds, memory_bytes
        self._work: Work = work or _work
        self._folder = folder
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()  # the warmest first
        self._all: list[_Worker] = []
        self._jobs = 0
        self._starting: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin the processes, one after the other; they get ready while the server already answers."""
        self._begin(self._count)

    def _begin(self, count: int) -> None:
        task = asyncio.create_task(self._add(count))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _add(self, count: int) -> None:
        while count:
            worker = _Worker(self._work, self._memory, self._folder)
            self._all.append(worker)
            try:
                await asyncio.to_thread(worker.get_ready)
            except WorkError:
                self._all.remove(worker)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._idle.put_nowait(worker)
            count -= 1

    async def run(self, job: Check | Mark, told: Callable[[Stage], None] = lambda stage: None) -> Any:
        """Do a job when a worker is free; what came of it. ``told`` is called from a thread.

        Raises:
            BusyError: too many wait already.
            WorkError: it did not come to its end.
        """
        if self._jobs >= self._count + self._most:
            raise BusyError
        self._jobs += 1
        try:
            try:
                worker = await asyncio.wait_for(self._free(), _TURN_SECONDS)
            except TimeoutError:
                raise BusyError from None
            try:
                return await asyncio.to_thread(worker.run, job, self._seconds, told)
            finally:
                self._give_back(worker)
        finally:
            self._jobs -= 1

    async def _free(self) -> _Worker:
        """A worker that can be given a job: one that died while it had nothing to do is replaced."""
        while not (worker := await self._idle.get()).is_alive:
            self._give_back(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        if worker.is_alive:
            self._idle.put_nowait(worker)
            return
        worker.stop()
        self._all.remove(worker)
        self._begin(1)

    def stop(self) -> None:
        """End all processes."""
        for task in self._starting:
            task.cancel()
        for worker in self._all:
            worker.stop()
        self._all.clear()
