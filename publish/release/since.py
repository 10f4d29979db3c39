"""What changed since a version, whatever version that is: one small file from its rows to those of the latest.

A CSV file in the dialect of all others (``publish.files.render``), sorted by the key. Its columns are ``_removed``
and the latest version's, the key first. A line is about one row:

| _removed | the key | other columns |
|---|---|---|
| empty | of a row that is new or changed | the values that are new; of a new row all it has |
| names of columns, ``;`` between | of a row that changed | the same; it has no value in the named ones any more |
| ``*`` | of a row that the latest lacks | empty |

So: write what is filled over what there is, empty what ``_removed`` names, drop the rows that it says ``*`` of. A
column that the version lacks was empty in it; one that the latest lacks is to be dropped. No column of a dataset
begins with an underscore or is called ``*``. Values are texts as the CSV files show them: applied to the version's
CSV file, read as texts, the file gives the rows of the latest version's, character by character.
``applying_in_sql`` has the lines for DuckDB, ``APPLYING_IN_PANDAS`` those for pandas.

The file holds new values, and keys: nothing that the two versions do not hold. The key of a removed row that the
screen knows as personal, though it was released once, is not repeated; such a row cannot be removed by this file.
Where the key's columns are others than they were, rows cannot be told to be the same: there is no such file.

Size: the line of a new row is its line in the CSV file and a comma, that of a changed one has only the values that
are new, that of a removed one only the key; and each a comma for every column. What changed to empty costs its
column's name. So of 1 % of the rows, whatever happened to them, the file has about 1 % of the bytes at most.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from publish.desired import DesiredDataset, DesiredVersion
from publish.files.render import copy_csv, old_columns, text_sql
from warehouse.database import opened
from warehouse.declarations import DatasetDeclaration, literal, quote
from warehouse.findings import WITHHELD
from warehouse.personal import personal_sql
from warehouse.releases import ReleaseError

WHOLE_ROW = "*"  # what is removed of a row that is no more
_FORMAT = 2  # part of a kept file's name: raise it when the same rows would give other bytes
_LATEST = "latest_rows"
_PLACES = "asked_places"
_LINES = "lines_of_changes"
_WITHHELD_KEYS = "withheld_keys"
_BATCH = (
    5_000_000  # rows of versions that are compared in one statement: one each takes DuckDB three times as long
)

APPLYING_IN_PANDAS = """\
import pandas as pd

then = pd.read_csv({then}, dtype=str, keep_default_na=False).set_index({key})
since = pd.read_csv({since}, dtype=str, keep_default_na=False).set_index({key})
removed = since.pop("_removed")
now = then.drop(since.index[removed == "*"], errors="ignore").reindex(columns=since.columns, fill_value="")
since = since[removed != "*"]
now = now.reindex(now.index.union(since.index), fill_value="")
for name in since.columns:
    new = since.loc[since[name] != "", name]
    now.loc[new.index, name] = new
    now.loc[removed.index[(";" + removed + ";").str.contains(f";{{name}};", regex=False)], name] = ""
now = now.reset_index()
"""


def applying_in_sql(key: Sequence[str], others: Sequence[str], then: str, since: str) -> str:
    """A SELECT for DuckDB that gives the latest version's rows as texts, in no order.

    Args:
        key: the columns of the key.
        others: the latest version's other columns.
        then: where the version's CSV file is, a path or an address.
        since: where the file of changes is.
    """
    texts = "header = true, delim = ',', quote = '\"', escape = '\"', all_varchar = true"
    taken = [
        f"CASE WHEN list_contains(string_split(s._removed, ';'), {literal(name)}) THEN NULL"
        f" ELSE coalesce(s.{quote(name)}, t.{quote(name)}) END AS {quote(name)}"
        for name in others
    ]
    columns = ",\n    ".join([*map(quote, key), *taken])
    empty = ", ".join(f"NULL::VARCHAR AS {quote(name)}" for name in (*key, *others))
    using = ", ".join(map(quote, key))
    return (
        f"SELECT\n    {columns}\n"
        f"FROM (FROM read_csv({literal(then)}, {texts}) UNION ALL BY NAME SELECT {empty} WHERE false) AS t\n"
        f"FULL JOIN read_csv({literal(since)}, {texts}) AS s USING ({using})\n"
        f"WHERE s._removed IS DISTINCT FROM {literal(WHOLE_ROW)}"
    )


@dataclass(frozen=True)
class _Rows:
    """A version's rows: its Parquet file with its sum, the key, and how many they are."""

    parquet: Path
    sha256: str
    key: tuple[str, ...]
    count: int

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """By name, the type of a column before exact decimals became DOUBLEs."""
        exact = old_columns(connection, self.parquet)
        rows = connection.execute(f"DESCRIBE SELECT {', '.join(exact.values())} FROM {self.sql}").fetchall()
        return {name: str(row[1]) for name, row in zip(exact, rows, strict=True)}

    @property
    def sql(self) -> str:
        """What stands behind FROM."""
        return f"read_parquet({literal(str(self.parquet))})"


def since_files(wanted: DesiredDataset, cache: Path) -> dict[str, Path]:
    """What changed since each kept version but the latest: ``since/<version>.csv`` and the file, by version.

    Files are kept below ``cache/<dataset>/`` and named by the sums of both versions: what is known is not made
    again, what nobody needs any more is deleted, and where nothing changed nothing is written.

    Raises:
        ReleaseError: a version's files are missing or cannot be read.
    """
    folder = cache / wanted.name
    versions = [one for one in wanted.versions if one.release.version != wanted.release.version]
    latest = next((one for one in wanted.versions if one.release.version == wanted.release.version), None)
    if latest is None:
        raise ReleaseError(f"{wanted.name} {wanted.release.version}: its files are missing; restore its folder")
    now, screened = rows_of(latest), screened_keys(wanted.declaration)
    places: dict[str, Path] = {}
    lacking: list[tuple[_Rows, Path]] = []
    for version in versions:
        then = rows_of(version)
        if set(then.key) != set(now.key):
            continue
        place = folder / f"{version.release.version}-{_sum_of(then, now, screened)}.csv"
        places[f"since/{version.release.version}.csv"] = place
        if not place.is_file():
            lacking.append((then, place))
    if lacking:
        folder.mkdir(parents=True, exist_ok=True)
        write_since(lacking, now, screened, cache)
    needed = set(places.values())
    for path in folder.glob("*") if folder.is_dir() else ():
        if path not in needed:
            path.unlink(missing_ok=True)
    return places


def _sum_of(then: _Rows, now: _Rows, screened: Collection[str]) -> str:
    parts = (str(_FORMAT), then.sha256, now.sha256, *now.key, *sorted(screened))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def screened_keys(declaration: DatasetDeclaration) -> tuple[str, ...]:
    """The columns of the key whose texts are screened for personal data."""
    table = declaration.table
    keys = {field.name: field for field in table.fields if field.name in table.primary_key}
    return tuple(name for name, field in keys.items() if field.type == "string" and field.screen)


def rows_of(version: DesiredVersion) -> _Rows:
    """A version's rows, and the key that they had.

    Raises:
        ReleaseError: files of it are missing or cannot be read.
    """
    release, folder = version.release, version.folder
    file, path = release.file("parquet"), folder / "datapackage.json"
    if file is None or not (folder / file.name).is_file():
        raise ReleaseError(
            f"{release.dataset} {release.version}: its Parquet file is missing from {folder}, so nobody can say"
            " what changed since; restore the folder from a backup"
        )
    try:
        described: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        key = next(one["schema"]["primaryKey"] for one in described["resources"] if "schema" in one)
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise ReleaseError(f"{path}: the description of the release cannot be read: {error!r}") from error
    return _Rows(folder / file.name, file.sha256, tuple(key), release.rows)


def write_since(
    asked: Iterable[tuple[_Rows, Path]], now: _Rows, screened: Collection[str], temporary: Path
) -> list[str]:
    """Write what changed since versions, each to its file, whole or not at all.

    Args:
        asked: versions' rows, and where their files go.
        now: the latest version's.
        screened: columns of the key whose texts of removed rows are screened.
        temporary: where DuckDB may spill what does not fit into memory.

    Returns:
        The latest version's columns.

    Raises:
        ReleaseError: a Parquet file cannot be read.
    """
    listed = list(asked)
    try:
        with opened(None, temporary=temporary) as connection:
            connection.execute(f"CREATE TEMP TABLE {_LATEST} AS SELECT * FROM {now.sql}")
            columns = now.columns(connection)
            withheld = _withhold(connection, [then for then, _ in listed], now, screened)
            for batch in _batches(connection, listed):
                columns_then = batch[0][0].columns(connection)
                compared = [_Column(name, kind, columns_then.get(name)) for name, kind in columns.items()]
                _compare(connection, [then for then, _ in batch], compared, now.key, withheld)
                for number, (_, place) in enumerate(batch):
                    shown = ", ".join(map(quote, ("_removed", *now.key, *_others(columns, now.key))))
                    order = ", ".join(quote(f"_{name}") for name in now.key)
                    lines = f"SELECT {shown} FROM {_LINES} WHERE _version = {number} ORDER BY {order}"
                    unfinished = place.with_name(f".{place.name}.unfinished")
                    copy_csv(connection, lines, unfinished)
                    unfinished.replace(place)
    except duckdb.Error as error:
        raise ReleaseError(
            f"{now.parquet}: what changed since earlier versions cannot be told: {error}"
        ) from error
    return list(columns)


def _others(columns: Iterable[str], key: Collection[str]) -> list[str]:
    return [name for name in columns if name not in key]


def _batches(
    connection: duckdb.DuckDBPyConnection, listed: Sequence[tuple[_Rows, Path]]
) -> Iterator[list[tuple[_Rows, Path]]]:
    """The versions, those together whose files have the same columns, and no more rows at once than is good."""
    alike: dict[tuple[tuple[str, str], ...], list[tuple[_Rows, Path]]] = {}
    for one in listed:
        alike.setdefault(tuple(one[0].columns(connection).items()), []).append(one)
    for group in alike.values():
        batch: list[tuple[_Rows, Path]] = []
        for one in group:
            if batch and sum(then.count for then, _ in batch) + one[0].count > _BATCH:
                yield batch
                batch = []
            batch.append(one)
        yield batch


def _withhold(
    connection: duckdb.DuckDBPyConnection, versions: Sequence[_Rows], now: _Rows, screened: Collection[str]
) -> list[str]:
    """Make a table of the texts of removed keys that are not repeated; the columns of the key to look them up for.

    Once for all versions: each place of the screen costs DuckDB some 20 ms to compile.
    """
    if not screened:
        return []
    files = ", ".join(literal(str(one.parquet)) for one in versions)
    texts = " UNION ".join(
        f"SELECT CAST({quote(name)} AS VARCHAR) AS text FROM read_parquet([{files}], union_by_name = true)"
        for name in screened
    )
    known = " UNION ".join(f"SELECT CAST({quote(name)} AS VARCHAR) FROM {_LATEST}" for name in screened)
    connection.execute(
        f"CREATE TEMP TABLE {_WITHHELD_KEYS} AS SELECT text FROM (({texts}) EXCEPT ({known}))"
        f" WHERE {personal_sql('text')} IS NOT NULL"
    )
    found = connection.execute(f"SELECT 1 FROM {_WITHHELD_KEYS} LIMIT 1").fetchone()
    return list(screened) if found else []


@dataclass(frozen=True)
class _Column:
    """A column of the latest version, and what type it had in the version before, if it was there."""

    name: str
    kind: str
    kind_then: str | None

    @property
    def old(self) -> str:
        """SQL for what it was, as CSV files show it."""
        return _text(f"o.{quote(self.name)}", self.kind_then or self.kind)

    @property
    def new(self) -> str:
        """SQL for what it is, as CSV files show it."""
        return _text(f"n.{quote(self.name)}", self.kind)

    @property
    def sides(self) -> tuple[str, str]:
        """SQL for both as they are compared: values of one type as they are, others as the texts that are shown.

        Of the same number the text is another one where it is shown with more places.
        """
        if self.kind == self.kind_then:
            return f"o.{quote(self.name)}", f"n.{quote(self.name)}"
        return self.old, self.new

    @property
    def differs(self) -> str:
        """SQL that is true where it is not what it was."""
        if self.kind_then is None:
            return f"n.{quote(self.name)} IS NOT NULL"
        return " IS DISTINCT FROM ".join(self.sides)

    @property
    def emptied(self) -> str:
        """SQL that is true where it was filled and is empty."""
        return (
            "false"
            if self.kind_then is None
            else f"o.{quote(self.name)} IS NOT NULL AND n.{quote(self.name)} IS NULL"
        )

    def old_key(self, withheld: Collection[str]) -> str:
        """SQL for it as a part of a removed row's key."""
        if self.name not in withheld:
            return self.old
        personal = f"CAST(o.{quote(self.name)} AS VARCHAR) IN (SELECT text FROM {_WITHHELD_KEYS})"
        return f"CASE WHEN {personal} THEN {literal(WITHHELD)} ELSE {self.old} END"


def _compare(
    connection: duckdb.DuckDBPyConnection,
    versions: Sequence[_Rows],
    columns: Sequence[_Column],
    key: Sequence[str],
    withheld: Collection[str],
) -> None:
    """Make a table of the lines of several versions' files, with each version's number and the key as it sorts."""
    keys = [next(one for one in columns if one.name == name) for name in key]
    others = [one for one in columns if one.name not in key]
    listed = ", ".join(f"({number}, {literal(str(then.parquet))})" for number, then in enumerate(versions))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_PLACES} AS FROM (VALUES {listed}) AS t(_version, _path)")
    files = ", ".join(literal(str(then.parquet)) for then in versions)
    rows = f"(FROM read_parquet([{files}], filename = '_path') JOIN {_PLACES} USING (_path)) AS o"
    same = " AND ".join(" = ".join(one.sides) for one in keys)
    differs = " OR ".join(f"({one.differs})" for one in others) or "false"

    def line(side: str, removed: str, values: Sequence[str]) -> str:
        shown = [one.old_key(withheld) if side == "o" else one.new for one in keys]
        sorts = [one.sides[0 if side == "o" else 1] for one in keys]
        parts = [
            f"o._version, {removed} AS _removed",
            *(f"{sql} AS {quote(one.name)}" for sql, one in zip(shown, keys, strict=True)),
            *(f"{sql} AS {quote(one.name)}" for sql, one in zip(values, others, strict=True)),
            *(f"{sql} AS {quote(f'_{one.name}')}" for sql, one in zip(sorts, keys, strict=True)),
        ]
        return f"SELECT {', '.join(parts)}"

    emptied = "".join(f", CASE WHEN {one.emptied} THEN {literal(one.name)} END" for one in others)
    changed = line(
        *("n", f"nullif(concat_ws(';', NULL{emptied}), '')"),
        [f"CASE WHEN {one.differs} THEN {one.new} END" for one in others],
    )
    removed = line("o", literal(WHOLE_ROW), ["NULL::VARCHAR"] * len(others))
    added = line("n", "NULL::VARCHAR", [one.new for one in others]).replace("o._version", "p._version", 1)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_LINES} AS"
        f" {changed} FROM {rows} JOIN {_LATEST} AS n ON {same} WHERE {differs}"
        f" UNION ALL {removed} FROM {rows} ANTI JOIN {_LATEST} AS n ON {same}"
        f" UNION ALL {added} FROM {_LATEST} AS n CROSS JOIN {_PLACES} AS p"
        f" ANTI JOIN {rows} ON o._version = p._version AND {same}"
    )


def _text(name: str, kind: str) -> str:
    """SQL for a value as CSV files show it; a decimal is a DOUBLE in the file."""
    return text_sql(f"CAST({name} AS {kind})" if kind.startswith("DECIMAL") else name, kind)
