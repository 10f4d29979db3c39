"""Sources: a folder each, with its declaration (``source.yaml``), a sample, and its code where it needs any.

A source's code is two functions of its package:

* ``pull(request) -> Snapshot``: bring what the origin holds into the raw archive; give back the snapshot that
  was there already when nothing changed.
* ``read(snapshot, declaration, workspace) -> Reading``: the snapshot's files as tables ready for loading, with
  what could not be read. It uses no network and writes only into the workspace.

A workbook that people keep (``kind: workbook``) needs none: its folder is ``source.yaml`` and a sample, and it is
pulled and read by ``sources.workbooks``. A register has a package of its own, with an ``__init__.py``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from warehouse.archive import Snapshot
from warehouse.declarations import DeclarationError, SourceDeclaration, load_source
from warehouse.findings import Finding, Heading, QuarantinedRow
from warehouse.home import Home
from warehouse.messages import sentences
from warehouse.progress import Progress, silent
from warehouse.wanted import Wanted

if TYPE_CHECKING:
    import pyarrow as pa


FOLDER = Path(__file__).parent


class SourceError(Exception):
    """A source cannot be pulled or read: the message says what, where, why and what to do.

    ``what`` is the message alone, ``advice`` what to do where that is said apart: both can be said in other
    languages, in a finding. ``is_transient`` is True where the same call may pass later (a connection, a 503):
    only these are retried.
    """

    def __init__(self, message: str, advice: str = "", *, is_transient: bool = False) -> None:
        super().__init__(sentences(message, advice))
        self.what = message
        self.advice = advice
        self.is_transient = is_transient


class NothingThereError(SourceError):
    """The place where a source's files are put holds none: nothing has come, which is no failure."""


class NotSetUpError(SourceError):
    """A source needs a secret, and nobody has set it where the run starts: not in use, which is no failure."""


@dataclass(frozen=True)
class PullRequest:
    """What to pull. ``origin`` is a path, a URL or None for the source's default; ``day`` the logical date.

    ``of_day``: of a folder, only files whose names carry that date, as a backfill takes them in. ``since``: of a
    source that can tell what changed, only that; None for everything (``sources.changes.since`` says which date).
    ``wanted``: of a source that is asked for records one by one, whose turn it is (``warehouse.wanted``).
    """

    home: Home
    declaration: SourceDeclaration
    origin: str | None
    day: date
    progress: Progress = silent
    of_day: bool = False
    since: date | None = None
    wanted: tuple[Wanted, ...] = ()


@dataclass(frozen=True)
class SqlTable:
    """A large table as one SELECT of DuckDB over files: it never passes through Python.

    The query gives every declared column under its declared name and type, then ``_file``, ``_sheet``, ``_row``.

    A quick query may trust the file. ``rows`` is then how many rows it must give, counted by other means, and
    ``fallback`` the careful way: it is called when DuckDB refuses the query or the count is another one, and
    what it gives replaces the whole reading.

    ``number_rows``: the query gives its rows in the order of their files and NULL as ``_row``, and the loader
    numbers them from 2 in each file. A ``row_number()`` in the query would keep DuckDB from reading with more
    than one thread.

    ``may_hide`` is the SQL of whether the text ``{column}`` may hold characters that nobody sees, cheap, and true
    for too many rather than too few: the loader leaves them out and says where. None: no text holds any.
    """

    query: str
    rows: int | None = None
    fallback: Callable[[], Reading] | None = None
    number_rows: bool = False
    may_hide: str | None = None


@dataclass(frozen=True)
class Reading:
    """A snapshot's tables by declared name, and what could not be read of it.

    ``findings_sql`` are SELECTs that give further findings, a column for each attribute of ``Finding``, over files
    in the workspace or over the loaded tables (in schema ``staged``); ``quarantined_sql`` the same of quarantined
    rows. A million wrong cells never pass through Python.

    ``incomplete`` says, by table, why it is known not to be whole (a part is missing, the file is cut off): a
    record it lacks is then not gone. A finding says the same to people.

    ``headings`` say what the files call the declared columns, so that findings quote them.
    """

    tables: Mapping[str, SqlTable | pa.Table]
    findings: Sequence[Finding] = field(default=())
    quarantined: Sequence[QuarantinedRow] = field(default=())
    findings_sql: Sequence[str] = field(default=())
    quarantined_sql: Sequence[str] = field(default=())
    incomplete: Mapping[str, str] = field(default_factory=dict)
    headings: Sequence[Heading] = field(default=())


class SourcePackage(Protocol):
    """How a source is pulled and read; see this module's docstring."""

    pull: Callable[[PullRequest], Snapshot]
    read: Callable[[Snapshot, SourceDeclaration, Path], Reading]


_OF_KIND = {"workbook": "sources.workbooks"}  # what pulls and reads a source that has no code of its own


def declarations(folder: Path = FOLDER) -> dict[str, SourceDeclaration]:
    """Every source's declaration by name, in alphabetical order. Imports no source.

    Raises:
        DeclarationError: one cannot be used, or is in a folder of another name.
    """
    found = {path: load_source(path) for path in sorted(folder.glob("*/source.yaml"))}
    for path, declaration in found.items():
        if declaration.name != path.parent.name:
            raise DeclarationError(f"{path}: the source {declaration.name} must be in a folder of that name")
    return {declaration.name: declaration for declaration in found.values()}


def samples(folder: Path = FOLDER) -> dict[str, Path]:
    """The samples that come with sources, by source: a folder, or the one file in it.

    In a folder newer files may come, so a source that is pulled from one can be late; from a file it cannot.
    """
    found = {}
    for path in sorted(folder.glob("*/sample")):
        files = list(path.iterdir())
        found[path.parent.name] = files[0] if len(files) == 1 else path
    return found


def package(declaration: SourceDeclaration) -> SourcePackage:
    """What pulls and reads a source, imported when it is needed: its own package, else that of its kind.

    Raises:
        SourceError: it has no code, and its kind cannot do without.
    """
    own = FOLDER / declaration.name
    if (own / "source.yaml").is_file() and (own / "__init__.py").is_file():
        name = f"sources.{declaration.name}"
    elif declaration.kind in _OF_KIND:
        name = _OF_KIND[declaration.kind]
    else:
        raise SourceError(
            f"{declaration.title}: a {declaration.kind} needs code, and there is no sources/{declaration.name}/"
            "__init__.py with pull() and read(). If it is a workbook that people keep, declare kind: workbook."
        )
    return cast(SourcePackage, importlib.import_module(name))
