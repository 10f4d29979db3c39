"""Curated tables from SQL models: one file a table, plain SQL, nothing but a SELECT.

A dataset's model is ``warehouse/models/<stem>.sql``; what several models share is a view in
``warehouse/models/core/``. Models read ``<source>.<table>`` and ``<source>.<table>_history`` (see
``warehouse.history.create_views``), ``core.<view>``, ``reference.<list>`` and ``reference.run`` (one row:
``as_of_date``); what tells of verdicts reads ``quality.<table>`` (see ``warehouse.quality``). What a model reads
is found from its SQL, so it is declared nowhere else.

A model that reads ``identities.<table>`` makes the identities be worked out first (``warehouse.identities``), of
the core models that they are made of: their sources are the model's too. One that does not costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from warehouse import identities, ledger, quality, reference
from warehouse.declarations import DatasetDeclaration, SourceDeclaration
from warehouse.history import HELD_COLUMNS, create_history, create_views, show_history
from warehouse.ledger import SnapshotRecord
from warehouse.sql import literal, quote

CURATED = "curated"
_IDENTITIES = "identities"  # the schema that is worked out in Python, of core models
PROTECTED = "protected"  # the schema that disclosure control makes, of a core model that gives people
# Beside them a schema is a source's.
_NO_SOURCES = frozenset({"core", "reference", quality.SCHEMA, _IDENTITIES, PROTECTED})


class ModelError(Exception):
    """A model's SQL does not fit its declaration or cannot run; the message names the model's file."""


@dataclass(frozen=True)
class Model:
    """A model: its SQL, the tables it reads as (schema, name), and the core models below it, in order.

    ``population``: the core model that gives the people of whom it reads what is protected, if it does.
    """

    name: str
    path: Path
    sql: str
    reads: frozenset[tuple[str, str]]
    core: tuple[Model, ...]
    population: Model | None = None

    @property
    def below(self) -> tuple[Model, ...]:
        """All core models that are needed, in order: also those that only give people."""
        if self.population is None:
            return self.core
        others = {model.name for model in self.core}
        people = (*self.population.core, self.population)
        return (*self.core, *(model for model in people if model.name not in others))

    @property
    def sources(self) -> frozenset[str]:
        """The sources it reads, itself or through core models."""
        own = {schema for schema, _ in self.reads if schema not in _NO_SOURCES}
        return frozenset(own.union(*(model.sources for model in self.below)))

    @property
    def reads_identities(self) -> bool:
        """It reads itself what is worked out of names and registers."""
        return any(schema == _IDENTITIES for schema, _ in self.reads)

    @property
    def tables(self) -> frozenset[tuple[str, str]]:
        """What it reads of sources, itself or through core models, but not through disclosure control: source and
        name, in small letters.
        """
        own = {(schema.lower(), name.lower()) for schema, name in self.reads if schema.lower() not in _NO_SOURCES}
        return frozenset(own.union(*(model.tables for model in self.core)))

    @property
    def tells_of_verdicts(self) -> bool:
        """Whether it reads what was found on sources and datasets: it is built after all that it tells of."""
        own = any(schema == quality.SCHEMA for schema, _ in self.reads)
        return own or any(model.tells_of_verdicts for model in self.core)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all the SQL it consists of, of the reference lists, and of how identities are worked out."""
        parts = [self.sql, *(model.sql for model in self.below), reference.fingerprint()]
        if any(model.reads_identities for model in (self, *self.below)):
            parts.append(identities.fingerprint())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load_model(stem: str, folder: Path | None = None) -> Model:
    """The model of a dataset, with the core models it needs.

    Raises:
        ModelError: there is no such file, it is no single SELECT, or core models read one another in a circle.
    """
    folder = folder or Path(__file__).parent / "models"
    return _load(folder / f"{stem}.sql", folder, ())


def _load(path: Path, folder: Path, above: tuple[Path, ...]) -> Model:
    if path in above:
        raise ModelError(f"{path}: core models read one another in a circle")
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model" + (f" (read by {above[-1].name})" if above else ""))
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    tables = _tables_in(sql, path)
    needed = {name for schema, name in tables if schema == "core"}
    if any(schema == _IDENTITIES for schema, _ in tables):
        needed.update(identities.INPUTS)
    core: list[Model] = []
    for name in sorted(needed):
        below = _load(folder / "core" / f"{name}.sql", folder, (*above, path))
        core += [model for model in (*below.core, below) if model.name not in {m.name for m in core}]
    return Model(path.stem, path, sql, tables, tuple(core), _population(path, folder, tables, above))


def _population(
    path: Path, folder: Path, tables: frozenset[tuple[str, str]], above: tuple[Path, ...]
) -> Model | None:
    """The core model that gives the people of whom a dataset's model reads what is protected."""
    populations = sorted(name for schema, name in tables if schema == PROTECTED)
    if not populations:
        return None
    if above or len(populations) > 1:
        raise ModelError(
            f"{path}: {PROTECTED}.{populations[0]} is for the model of one dataset, of one population: neither for"
            " core models nor beside another population"
        )
    return _load(folder / "core" / f"{populations[0]}.sql", folder, (path,))


_MAKE_ROWS = frozenset({"generate_series", "json_each", "range"})  # the functions that read nothing


@cache  # many datasets read the same core models: parsing them anew took two seconds of every command that plans
def _tables_in(sql: str, path: Path) -> frozenset[tuple[str, str]]:
    """What a model reads, as (schema, name). What is to be found from its SQL must be said there: a function that
    reads a file, or a table whose name is a text, would get past whoever asks what it reads.
    """
    import sqlglot  # half a second: only where a model is read
    from sqlglot import exp

    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.ParseError as error:
        raise ModelError(f"{path}: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path}: a model is one SELECT and nothing else")
    own = {cte.alias_or_name.lower() for cte in statements[0].find_all(exp.CTE)}
    tables = set()
    for table in statements[0].find_all(exp.Table):
        called = table.this.sql("duckdb").partition("(")[0].strip('"').lower()
        if table.db:
            tables.add((table.db, table.name))
        elif called not in own | _MAKE_ROWS:
            raise ModelError(
                f"{path}: it reads {table.sql('duckdb')!r:.80}; a model reads <source>.<table>, core.<view> and"
                " reference.<list>, by name"
            )
    if any(schema == "ledger" for schema, _ in tables):
        raise ModelError(
            f"{path}: reads the ledger, whose findings repeat values of rows. What a model may know of it stands"
            f" in schema {quality.SCHEMA}."
        )
    return frozenset(tables)


def prepare(
    connection: duckdb.DuckDBPyConnection,
    sources: Iterable[SourceDeclaration],
    loaded: Mapping[str, Iterable[SnapshotRecord]],
    as_of: date,
) -> None:
    """Make what models read, as known at ``as_of``: views on the sources' histories and the reference lists.

    Args:
        connection: writes to the warehouse.
        sources: declarations of the sources that models may read.
        loaded: by source, the snapshots in its history.
        as_of: the date that the curated tables speak of.
    """
    for source in sources:
        create_history(connection, source)
        create_views(connection, source, loaded.get(source.name, ()), as_of)
    reference.create_reference_tables(connection, as_of)


def show(
    connection: duckdb.DuckDBPyConnection,
    catalog: str,
    model: Model,
    sources: Mapping[str, SourceDeclaration],
    loaded: Mapping[str, Iterable[SnapshotRecord]],
    as_of: date,
) -> None:
    """Make a core model readable, as known at a date, over an attached warehouse that is left as it is.

    Args:
        connection: to a database in memory.
        catalog: the name under which the warehouse is attached.
        model: a core model.
        sources: all declared sources by name.
        loaded: by source, its snapshots in the ledger.
        as_of: the date.

    Raises:
        ModelError: it reads a source that is not declared, or cannot run.
    """
    if missing := sorted(model.sources - sources.keys()):
        raise ModelError(f"{model.path}: there is no source {missing[0]}")
    for name in model.sources:
        show_history(connection, sources[name], catalog)
        create_views(connection, sources[name], [one for one in loaded.get(name, ()) if one.is_promoted], as_of)
    reference.create_reference_tables(connection, as_of)
    identities.show(connection, catalog, as_of)
    connection.execute("CREATE SCHEMA IF NOT EXISTS core")
    try:
        for below in (*model.core, model):
            connection.execute(f"CREATE OR REPLACE VIEW core.{quote(below.name)} AS {below.sql}")
    except duckdb.Error as error:
        raise ModelError(f"{model.path}: {error}") from error


def _published(name: str, listed: Sequence[str]) -> str:
    """A column of the model as it is published: which columns are held is said of published ones only."""
    if name != HELD_COLUMNS.removeprefix("_"):
        return quote(name)
    names = ", ".join(literal(one) for one in listed)
    kept = f"list_filter(string_split({quote(name)}, ';'), lambda one: one IN ({names}))"
    return f"nullif(array_to_string({kept}, ';'), '')"


def _identify(connection: duckdb.DuckDBPyConnection, core: Iterable[Model]) -> None:
    """Work the identities out as of the date that the reference tables name, if that was not done in this run."""
    (as_of,) = connection.execute("SELECT as_of_date FROM reference.run").fetchone() or (date.max,)
    made_of = [model for model in core if model.name in identities.INPUTS]
    records = [
        record
        for source in sorted(frozenset[str]().union(*(model.sources for model in made_of)))
        for record in ledger.promoted(connection, source)
    ]
    used = [(one.source, one.snapshot_id, one.fingerprint) for one in records if one.data_date <= as_of]
    parts = [*(one.sql for model in made_of for one in (*model.core, model)), reference.fingerprint(), repr(used)]
    inputs = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    identities.compute(connection, as_of, inputs, is_newest=all(one.data_date <= as_of for one in records))


def create_core(connection: duckdb.DuckDBPyConnection, model: Model, core: Sequence[Model]) -> None:
    """Make core models of a model readable, those it has in ``core`` or ``below``.

    Raises:
        ModelError: one fails.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS core")
    for below in core:
        try:
            if below.reads_identities:
                _identify(connection, core)
            connection.execute(f"CREATE OR REPLACE VIEW core.{quote(below.name)} AS {below.sql}")
        except duckdb.Error as error:
            raise ModelError(f"{below.path}: {error}") from error


def curate(connection: duckdb.DuckDBPyConnection, model: Model, dataset: DatasetDeclaration) -> int:
    """Build ``curated.<stem>`` with exactly the declared columns and types. Returns the number of rows.

    Raises:
        ModelError: the model gives a column that the catalogue entry does not list (columns are default-deny),
            lacks one that it lists, or fails.
    """
    create_core(connection, model, model.core)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CURATED}")
    try:
        if model.reads_identities:
            _identify(connection, model.core)
        given = [row[0] for row in connection.execute(f"DESCRIBE {model.sql}").fetchall()]
        listed = [field.name for field in dataset.table.fields]
        if sorted(given) != sorted(listed):
            extra, lacking = sorted(set(given) - set(listed)), sorted(set(listed) - set(given))
            raise ModelError(
                f"{model.path}: the catalogue entry of {dataset.name} and the model differ."
                + (f" Not listed, so not published: {', '.join(extra)}." if extra else "")
                + (f" Listed, but not given: {', '.join(lacking)}." if lacking else "")
            )
        columns = ", ".join(
            f"CAST({_published(field.name, listed)} AS {field.duckdb_type}) AS {quote(field.name)}"
            for field in dataset.table.fields
        )
        table = f"{CURATED}.{quote(dataset.stem)}"
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {columns} FROM ({model.sql})")
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    except duckdb.Error as error:
        raise ModelError(f"{model.path}: {error}") from error
    return int(rows)
