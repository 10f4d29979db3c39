"""Curated tables from SQL models: one file a table, plain SQL, nothing but a SELECT.

A dataset's model is ``warehouse/models/<stem>.sql``; what several models share is a view in
``warehouse/models/core/``. Models read ``<source>.<table>`` and ``<source>.<table>_history`` (see
``warehouse.history.create_views``), ``core.<view>``, ``reference.<list>`` and ``reference.run`` (one row:
``as_of_date``); what tells of verdicts reads ``quality.<table>`` (see ``warehouse.quality``). What a model reads
is found from its SQL, so it is declared nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse import quality, reference
from warehouse.declarations import DatasetDeclaration, SourceDeclaration
from warehouse.history import HELD_COLUMNS, create_history, create_views
from warehouse.ledger import SnapshotRecord
from warehouse.sql import literal, quote

if TYPE_CHECKING:
    from sqlglot import exp

CURATED = "curated"
_NO_SOURCES = frozenset({"core", "reference", quality.SCHEMA})  # beside them a schema is a source's


class ModelError(Exception):
    """A model's SQL does not fit its declaration or cannot run; the message names the model's file."""


@dataclass(frozen=True)
class Model:
    """A model: its SQL, the tables it reads as (schema, name), and the core models below it, in order."""

    name: str
    path: Path
    sql: str
    reads: frozenset[tuple[str, str]]
    core: tuple[Model, ...]

    @property
    def sources(self) -> frozenset[str]:
        """The sources it reads, itself or through core models."""
        own = {schema for schema, _ in self.reads if schema not in _NO_SOURCES}
        return frozenset(own.union(*(model.sources for model in self.core)))

    @property
    def tables(self) -> frozenset[tuple[str, str]]:
        """What it reads of sources, itself or through core models: source and name, in small letters."""
        own = {(schema.lower(), name.lower()) for schema, name in self.reads if schema.lower() not in _NO_SOURCES}
        return frozenset(own.union(*(model.tables for model in self.core)))

    @property
    def tells_of_verdicts(self) -> bool:
        """Whether it reads what was found on sources and datasets: it is built after all that it tells of."""
        own = any(schema == quality.SCHEMA for schema, _ in self.reads)
        return own or any(model.tells_of_verdicts for model in self.core)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all the SQL it consists of, and of the reference lists."""
        parts = [self.sql, *(model.sql for model in self.core), reference.fingerprint()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load_model(stem: str, folder: Path | None = None) -> Model:
    """The model of a dataset, with the core models it needs.

    Raises:
        ModelError: there is no such file, it is no single SELECT, or core models read one another in a circle.
    """
    folder = folder or Path(__file__).parent / "models"
    return _load(folder / f"{stem}.sql", folder, ())


def _load(path: Path, folder: Path, above: tuple[Path, ...]) -> Model:
    import sqlglot  # half a second: only where a model is read
    from sqlglot import exp

    if path in above:
        raise ModelError(f"{path}: core models read one another in a circle")
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model" + (f" (read by {above[-1].name})" if above else ""))
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.ParseError as error:
        raise ModelError(f"{path}: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path}: a model is one SELECT and nothing else")
    tables = _tables_of(statements[0], path)
    if any(schema == "ledger" for schema, _ in tables):
        raise ModelError(
            f"{path}: reads the ledger, whose findings repeat values of rows. What a model may know of it stands"
            f" in schema {quality.SCHEMA}."
        )
    core: list[Model] = []
    for schema, name in sorted(tables):
        if schema == "core":
            below = _load(folder / "core" / f"{name}.sql", folder, (*above, path))
            core += [model for model in (*below.core, below) if model.name not in {m.name for m in core}]
    return Model(path.stem, path, sql, frozenset(tables), tuple(core))


_MAKE_ROWS = frozenset({"generate_series", "json_each", "range"})  # the functions that read nothing


def _tables_of(statement: exp.Query, path: Path) -> set[tuple[str, str]]:
    """What a model reads, as (schema, name). What is to be found from its SQL must be said there: a function that
    reads a file, or a table whose name is a text, would get past whoever asks what it reads.
    """
    from sqlglot import exp

    own = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    tables = set()
    for table in statement.find_all(exp.Table):
        called = table.this.sql("duckdb").partition("(")[0].strip('"').lower()
        if table.db:
            tables.add((table.db, table.name))
        elif called not in own | _MAKE_ROWS:
            raise ModelError(
                f"{path}: it reads {table.sql('duckdb')!r:.80}; a model reads <source>.<table>, core.<view> and"
                " reference.<list>, by name"
            )
    return tables


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


def _published(name: str, listed: Sequence[str]) -> str:
    """A column of the model as it is published: which columns are held is said of published ones only."""
    if name != HELD_COLUMNS.removeprefix("_"):
        return quote(name)
    names = ", ".join(literal(one) for one in listed)
    kept = f"list_filter(string_split({quote(name)}, ';'), lambda one: one IN ({names}))"
    return f"nullif(array_to_string({kept}, ';'), '')"


def curate(connection: duckdb.DuckDBPyConnection, model: Model, dataset: DatasetDeclaration) -> int:
    """Build ``curated.<stem>`` with exactly the declared columns and types. Returns the number of rows.

    Raises:
        ModelError: the model gives a column that the catalogue entry does not list (columns are default-deny),
            lacks one that it lists, or fails.
    """
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CURATED}; CREATE SCHEMA IF NOT EXISTS core")
    try:
        for below in model.core:
            connection.execute(f"CREATE OR REPLACE VIEW core.{quote(below.name)} AS {below.sql}")
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
