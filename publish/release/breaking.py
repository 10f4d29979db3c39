"""What a release changes of the columns, and whether its entry says that programs may break over it."""

from __future__ import annotations

import json

import duckdb

from publish.files import render
from publish.metadata.schema_changes import SchemaChanges, compare_schemas
from publish.release.draft import Draft
from publish.release.files import previous_parquet
from publish.release.versions import release_folder
from warehouse.declarations import TableDeclaration, literal, quote
from warehouse.home import Home
from warehouse.releases import BreakingChangeError, Release, ReleaseError

IF_MEANT = ". If this is meant"  # begins what to do about it
_SAME = 0.9  # of the rows: the part that has to agree before another name is told as the same column


def columns_changed(connection: duckdb.DuckDBPyConnection, view: str, draft: Draft, home: Home) -> SchemaChanges:
    """What the draft changes of the columns since the release that it is compared with.

    Args:
        connection: sees the view.
        view: the rows as published, see ``render.published``.
        draft: what is to be released.
        home: where releases are kept.

    Raises:
        BreakingChangeError: programs would break, and the entry's major version is that of the release before.
        ReleaseError: the entry's major version is lower than one that was released.
    """
    declaration, previous = draft.declaration, draft.previous
    entry, path = declaration.entry, f"publish/catalogue/{declaration.stem}.yaml"
    highest = max(draft.existing, key=lambda one: (one.major, one.order), default=None)
    if highest and entry.major_version < highest.major:
        raise ReleaseError(
            f"{entry.name}: {path} says major_version {entry.major_version}, and version {highest.version} was"
            f" released as {highest.major}. It is only ever raised: write `major_version: {highest.major}`"
        )
    if previous is None or (before := _schema_of(previous, home)) is None:
        return SchemaChanges()

    def same_values(old: str, new: str) -> bool:
        parquet = previous_parquet(previous, home)
        return _same_values(connection, (f"read_parquet({literal(str(parquet))})", old), (view, new), table)

    table = declaration.table
    found = compare_schemas(before, declaration, same_values)
    if found.breaking and entry.major_version <= previous.major:
        raise BreakingChangeError(
            f"{entry.name}: programs that read version {previous.version} would break, so that version stands."
            f" {'; '.join(found.breaking)}{IF_MEANT}, write `major_version: {previous.major + 1}` in"
            f" {path}: the next night releases it, and keeps the last version of major {previous.major} available"
            f" for {max(entry.keep.major_days, 90)} days. If it is not, put the columns there back as they were"
        )
    return found


def _schema_of(previous: Release, home: Home) -> dict[str, object] | None:
    """The Table Schema of a release's CSV file, as its description has it; None if it says none."""
    path = release_folder(home, previous) / "datapackage.json"
    if not path.is_file():
        return None
    described = json.loads(path.read_text(encoding="utf-8"))
    return next((resource["schema"] for resource in described["resources"] if "schema" in resource), None)


def _same_values(
    connection: duckdb.DuckDBPyConnection,
    before: tuple[str, str],
    now: tuple[str, str],
    table: TableDeclaration,
) -> bool:
    """Whether two columns hold the same, in rows of the same key; one that is in the key, whether its values are.

    A column with one value only is like too many others.

    Args:
        connection: sees both.
        before: the relation of the version before, and the column.
        now: the relation of the rows as they are, and the column.
        table: their declaration.
    """
    (old_rows, old), (new_rows, new) = before, now
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {old_rows}").fetchall()}
    keys = [quote(name) for name in table.primary_key]
    o, n = f"CAST({quote(old)} AS VARCHAR)", render.as_text(table.field(new))
    if new in table.primary_key or not there.issuperset(table.primary_key):
        query = (
            "SELECT count(*) FILTER (WHERE o.v = n.v), count(*), count(*) FROM"
            f" (SELECT DISTINCT {o} AS v FROM {old_rows}) AS o FULL JOIN"
            f" (SELECT DISTINCT {n} AS v FROM {new_rows}) AS n ON o.v = n.v"
        )
    else:
        listed = ", ".join(keys)
        query = (
            "SELECT count(*) FILTER (WHERE o.v = n.v), count(*), count(DISTINCT o.v) FROM"
            f" (SELECT {listed}, {o} AS v FROM {old_rows}) AS o JOIN"
            f" (SELECT {listed}, {n} AS v FROM {new_rows}) AS n USING ({listed})"
            " WHERE o.v IS NOT NULL OR n.v IS NOT NULL"
        )
    same, rows, distinct = connection.execute(query).fetchone() or (0, 0, 0)
    return bool(distinct > 1 and same >= _SAME * rows)
