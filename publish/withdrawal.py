"""Taking a value or a row out of releases that stand: all files are made anew, a tombstone stays.

A rewritten release keeps its version and its place. Its folder is built beside the standing one and exchanged with
it in one step, so it is always either the old release or the new one, and the old bytes are removed. Since hashes
differ from before, portals follow by their ordinary comparison.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from publish.files import render, workbook
from publish.files.dictionary import columns_of
from publish.files.formats import WRITERS, file_name
from publish.folders import swap, sync
from publish.metadata.coverage import period_of
from publish.metadata.datapackage import declaration_digest
from publish.metadata.held import held_rows
from publish.metadata.protection import with_protection
from publish.metadata.schema import table_schema
from publish.release.changes import Changes, write_changes
from publish.release.files import release_file
from publish.release.log import entry_of, feed_of, log_again
from publish.release.making import fingerprint_of
from publish.release.manifest import MANIFEST, TOMBSTONE, load_release, manifest
from publish.release.telling import TOLD, Telling, sums_of, tell
from publish.release.versions import release_folder
from warehouse.archive import sha256_of
from warehouse.database import opened
from warehouse.declarations import (
    DatasetDeclaration,
    FieldDeclaration,
    SourceDeclaration,
    TableDeclaration,
    literal,
    parse,
    quote,
)
from warehouse.home import Home, to_json
from warehouse.pruned import pruned
from warehouse.releases import Release, ReleaseError, ReleaseFile
from warehouse.withdrawals import Withdrawal, held_in, without

_FILES = {"csv", "parquet", "xlsx", "changes", *TOLD, *WRITERS}


def texts_in_release(home: Home, release: Release, declaration: DatasetDeclaration, one: Withdrawal) -> list[str]:
    """The values that a release holds of what is withdrawn, as text; empty if it does not hold the key."""
    folder = release_folder(home, release)
    with opened(None, temporary=home.temporary) as connection:
        return _Old(connection, folder, declaration).texts(one)


def held_by_others(
    home: Home,
    release: Release,
    declaration: DatasetDeclaration,
    listed: Sequence[Withdrawal],
    texts: Iterable[str],
) -> set[str]:
    """Those of the texts that a release holds beside what is withdrawn, in any column, whole or as a part.

    The answer is the same before and after ``rewrite``.
    """
    folder = release_folder(home, release)
    with opened(None, temporary=home.temporary) as connection:
        old = _Old(connection, folder, declaration)
        return held_in(connection, old.without(listed), old.columns, texts)


def holds(home: Home, release: Release, declaration: DatasetDeclaration, listed: Sequence[Withdrawal]) -> bool:
    """True if something withdrawn stands in the release's rows or in its list of changes."""
    folder = release_folder(home, release)
    with opened(None, temporary=home.temporary) as connection:
        old = _Old(connection, folder, declaration)
        return any(old.has_row(one) or old.has_change(one) for one in listed)


class _Old:
    """A release's files as they stand."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, declaration: DatasetDeclaration
    ) -> None:
        release = load_release(folder)
        parquet, changes = release.file("parquet"), release.file("changes")
        if parquet is None or changes is None or not (folder / parquet.name).is_file():
            raise ReleaseError(f"{folder}: the release lacks files, so nothing can be taken out; restore it first")
        self._connection = connection
        self.rows = f"read_parquet({literal(str(folder / parquet.name))})"
        self._changes = f"read_csv({literal(str(folder / changes.name))}, all_varchar = true, header = true)"
        self.columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {self.rows}").fetchall()]
        self._keys = declaration.table.primary_key
        if lacking := set(self._keys) - set(self.columns):
            raise ReleaseError(
                f"{folder}: the release has no column {', '.join(sorted(lacking))}, so its rows have other keys;"
                " nothing in it can be found by this key. Look through it by hand."
            )
        self.keys = {name: quote(name) for name in self._keys}

    def _count(self, sql: str) -> int:
        (count,) = self._connection.execute(sql).fetchone() or (0,)
        return int(count)

    def has_row(self, one: Withdrawal) -> bool:
        if one.column is not None and one.column not in self.columns:
            return False
        filled = f" AND {quote(one.column)} IS NOT NULL" if one.column else ""
        return self._count(f"SELECT count(*) FROM {self.rows} WHERE {one.matches(self.keys)}{filled}") > 0

    def has_change(self, one: Withdrawal) -> bool:
        return self._count(f"SELECT count(*) FROM {self._changes} WHERE {self._line_of(one)}") > 0

    def write_changes_without(self, listed: Sequence[Withdrawal], path: Path) -> Changes:
        """Write the list of changes without what is withdrawn; how many rows are left in it."""
        hit = " OR ".join(f"coalesce({self._line_of(one)}, false)" for one in listed) or "false"
        left = f"SELECT * FROM {self._changes} WHERE NOT ({hit})"
        render.copy_csv(self._connection, left, path)
        # a row counts once, as what is worst of its lines, see publish.release.changes
        worst = ", ".join(map(literal, Changes._fields))
        first = f"min(list_position([{worst}], change))"
        keys = ", ".join(self.keys.values())
        rows = f"SELECT {first} AS place FROM ({left}) GROUP BY {keys}"
        counted = self._connection.execute(f"SELECT [{worst}][place], count(*) FROM ({rows}) GROUP BY ALL")
        return Changes(**dict(counted.fetchall()))

    def _line_of(self, one: Withdrawal) -> str:
        """SQL that is true for a line of the list of changes that is about what is withdrawn."""
        # in a CSV file a key that looks like a formula has an apostrophe in front, see publish.files.render
        keys = {name: f"regexp_replace({quote(name)}, '^''(''*[=+\\-@\\t\\r])', '\\1')" for name in self._keys}
        return one.matches(keys) + (f" AND field = {literal(one.column)}" if one.column else "")

    def texts(self, one: Withdrawal) -> list[str]:
        names = [one.column] if one.column else [name for name in self.columns if name not in self._keys]
        listed = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in names if name in self.columns)
        if not listed:
            return []
        rows = self._connection.execute(
            f"SELECT DISTINCT unnest([{listed}]) AS text FROM {self.rows} WHERE {one.matches(self.keys)}"
        ).fetchall()
        return [row[0] for row in rows if row[0]]

    def without(self, listed: Sequence[Withdrawal]) -> str:
        """SQL: the rows without what is withdrawn."""
        return without(self.rows, {name: quote(name) for name in self.columns}, self.keys, listed)


def rewrite(
    home: Home,
    release: Release,
    declaration: DatasetDeclaration,
    sources: Mapping[str, SourceDeclaration],
    listed: Sequence[Withdrawal],
    now: Mapping[str, Release] | None = None,
) -> Release:
    """Make a release's files anew without what is withdrawn, and exchange the folders.

    To be called oldest release first: changes are those between rewritten versions.

    Args:
        home: where releases are kept.
        release: as its folder has it.
        declaration: the dataset as it is declared now; columns that were others then are described as they were.
        sources: the sources' declarations.
        listed: all withdrawals of the dataset.
        now: the dataset's releases by version, as their folders have them.

    Raises:
        ReleaseError: the release is damaged, or it has files that nobody knows how to make.
    """
    folder, name = release_folder(home, release), release.dataset
    if unknown := {file.key for file in release.files} - _FILES:
        raise ReleaseError(f"{folder}: nobody knows how to make {', '.join(sorted(unknown))} anew")
    described: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    then = replace(declaration, table=_table_then(declaration, described))
    with home.workspace(f"withdraw-{name}") as workspace, opened(None, temporary=workspace) as connection:
        built = workspace / "files"
        built.mkdir()
        old = _Old(connection, folder, declaration)
        with render.published(connection, f"({old.without(listed)})", then.table) as view:
            (rows,) = connection.execute(f"SELECT count(*) FROM {view}").fetchone() or (0,)
            left = _write_rows(connection, view, then, (release, built, described))
            counts = _write_changes(connection, view, then.table, (home, release, built), (old, listed))
            held = held_rows(connection, view, then.table)
            period = period_of(connection, view, then.table, declaration.entry.period, release.data_date)
            columns = columns_of(connection, view, then.table)
        content = sha256_of(built / f"{name}.csv")
        rewritten = replace(
            release,
            rows=int(rows),
            content_sha256=content,
            fingerprint=_fingerprint_now(release, declaration, sources, content),
            added=counts.added,
            changed=counts.changed,
            removed=counts.removed,
            held=held.rows,
            newly_held=counts.held,
            released=counts.released,
            files=tuple(release_file(built, key, name) for key in left),
        )
        if described.pop("temporal", None) and period:  # it may be its first or last day that is taken out
            described["temporal"] = period
        described |= {"rows": rows, "heldRows": held.rows, "heldNotes": list(held.notes)}
        tombstones = _tombstones(folder, [one for one in listed if old.has_row(one) or old.has_change(one)])
        described["withdrawn"] = tombstones
        (built / TOMBSTONE).write_text(
            to_json({"version": release.version, "withdrawn": tombstones}), encoding="utf-8"
        )
        told = Telling(
            then,
            _about_then(described),
            columns,
            _schema_then(described),
            _log(home, rewritten, now or {}),
            partial(_described_with, described),
        )
        rewritten = tell(built, rewritten, told, [file.key for file in release.files])
        swap(built, folder)
    return rewritten


def _write_rows(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    then: DatasetDeclaration,
    what: tuple[Release, Path, Mapping[str, Any]],
) -> list[str]:
    """Write the rows in the formats that the release has. Returns the keys of those that there are now."""
    (release, built, described), name = what, then.name
    render.write_csv(connection, view, then.table, built / f"{name}.csv")
    render.write_parquet(connection, view, then.table, built / f"{name}.parquet")
    if release.file("xlsx"):
        workbook.write_xlsx(connection, view, then.table, _about_then(described), built / f"{name}.xlsx")
    empty = {
        key
        for key, write in WRITERS.items()
        if release.file(key) and not write(connection, view, then, built / file_name(key, name))
    }
    return [file.key for file in release.files if file.key not in (*TOLD, *empty)]


def _write_changes(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: TableDeclaration,
    place: tuple[Home, Release, Path],
    what: tuple[_Old, Sequence[Withdrawal]],
) -> Changes:
    """Write the changes since the version before as it stands now; where it is no longer kept, those that stood,
    without what is withdrawn.

    Raises:
        ReleaseError: the rows of the version before are missing, and nobody deleted them by rule.
    """
    home, release, built = place
    before, path = release.previous_version, None
    if before is not None:
        path = home.releases / release.dataset / before / f"{release.dataset}.parquet"
        if not path.is_file():
            if before in {one.version for one in pruned(home, release.dataset)}:
                old, listed = what
                return old.write_changes_without(listed, built / "changes.csv")
            raise ReleaseError(f"{path} is missing, so the changes since then cannot be listed; restore it")
    return write_changes(connection, path, view, table, built / "changes.csv")


def _described_with(described: Mapping[str, Any], release: Release) -> dict[str, Any]:
    """A release's description as it was, with the files that it has now."""
    sums, resources = {file.name: file for file in release.files}, []
    for resource in described["resources"]:
        if made := sums.get(resource["path"]):
            known = {"bytes": made.size, "hash": f"sha256:{made.sha256}"}
            resources.append({**resource, **{key: value for key, value in known.items() if key in resource}})
    return {**described, "resources": resources}


def _schema_then(described: Mapping[str, Any]) -> dict[str, Any]:
    """The Table Schema of the CSV file of the rows, which is the first file, as the release describes it."""
    schema: dict[str, Any] = next(
        resource["schema"] for resource in described["resources"] if resource["path"].endswith(".csv")
    )
    return schema


# --- the change log, where numbers of an earlier version are others now ---------------------------------------


_COUNTS = ("rows", "added", "changed", "removed", "heldRows", "newlyHeld", "noLongerHeld")
_RETOLD = ("changelog", "feed", "croissant", "sums")  # what holds the log, or the sums of what does


def retell(home: Home, release: Release, now: Mapping[str, Release]) -> Release | None:
    """Have a release that holds nothing of what is withdrawn tell of earlier versions what they are now.

    Its change log counts rows of each version, also of those that a withdrawal made anew: they are others now. Its
    rows stay as they are, and so does every file that does not hold the log or its sum.

    Args:
        home: where releases are kept.
        release: as its folder has it.
        now: the dataset's releases by version, as their folders have them.

    Returns:
        The release as it is now, or None where it tells nothing else, and was left alone.
    """
    folder, name = release_folder(home, release), release.dataset
    own = _logged(home, name, release.version)
    if own is None or (log := _as_they_are(own, now)) == own:
        return None
    described: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    about = _about_then(described)
    with home.workspace(f"retell-{name}") as workspace:
        built = workspace / "files"
        shutil.copytree(folder, built)
        made = {file.key: file for file in release.files}
        contents: Mapping[str, Callable[[], str]] = {
            "changelog": lambda: to_json(log),
            "feed": lambda: feed_of(log, about.title, about.publisher),
            "croissant": lambda: _with_sums(built / made["croissant"].name, made.values()),
            "sums": lambda: sums_of(made.values()),
        }
        for key in _RETOLD:
            if key in made:
                (built / made[key].name).write_text(contents[key](), encoding="utf-8")
                made[key] = release_file(built, key, name)
        retold = replace(release, files=tuple(made.values()))
        (built / MANIFEST).write_text(manifest(retold), encoding="utf-8")
        sync(built)
        swap(built, folder)
    return retold


def _with_sums(croissant: Path, files: Iterable[ReleaseFile]) -> str:
    """A release's Croissant file with the sums and sizes that files have now."""
    content, made = json.loads(croissant.read_text(encoding="utf-8")), {file.name: file for file in files}
    for one in content.get("distribution", ()):
        if "sha256" in one and (file := made.get(one.get("contentUrl"))):
            one |= {"contentSize": f"{file.size} B", "sha256": file.sha256}
    return to_json(content)


def _as_they_are(log: Mapping[str, Any], now: Mapping[str, Release]) -> dict[str, Any]:
    """A change log in which versions have the rows that they have now. What counts the same stays as it is."""
    entries = []
    for one in log["versions"]:
        release = now.get(one["version"])
        entry = entry_of(release) if release else one
        entries.append(one if all(one.get(count) == entry.get(count) for count in _COUNTS) else entry)
    return {**log, "versions": entries}


def _log(home: Home, release: Release, now: Mapping[str, Release]) -> dict[str, Any]:
    """The change log of a release: that of the version before as it stands, or else what its own has of it."""
    own = _logged(home, release.dataset, release.version)
    older = _logged(home, release.dataset, release.previous_version) or (
        {**own, "versions": own["versions"][1:]} if own else None
    )
    return log_again(release, _as_they_are(older, now) if older else None)


def _logged(home: Home, dataset: str, version: str | None) -> dict[str, Any] | None:
    path = home.releases / dataset / str(version) / file_name("changelog", dataset)
    if version is None or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _tombstones(folder: Path, taken_out: Sequence[Withdrawal]) -> list[dict[str, str | None]]:
    """What was taken out of the release before, and now: which value, when and why, never the value."""
    path = folder / TOMBSTONE
    before = json.loads(path.read_text(encoding="utf-8"))["withdrawn"] if path.exists() else []
    return [*before, *({"column": w.column, "key": w.key, "at": w.at, "why": w.why} for w in taken_out)]


def _fingerprint_now(
    release: Release, declaration: DatasetDeclaration, sources: Mapping[str, SourceDeclaration], content: str
) -> str:
    """The fingerprint that a build would give these rows, where the dataset is declared as it was then."""
    used = {use.source: sources[use.source] for use in release.snapshots if use.source in sources}
    digest = declaration_digest(declaration, used)
    if release.fingerprint == fingerprint_of(release.content_sha256, digest):
        return fingerprint_of(content, digest)
    return hashlib.sha256(f"{release.fingerprint} {content}".encode()).hexdigest()


def _table_then(declaration: DatasetDeclaration, described: Mapping[str, Any]) -> TableDeclaration:
    """The table as the release describes it; a column that is declared the same today is taken from there."""
    schema = _schema_then(described)
    today = {field["name"]: field for field in table_schema(declaration)["fields"]}
    fields = []
    for then in schema["fields"]:
        if then == today.get(then["name"]):
            fields.append(declaration.table.field(then["name"]))
            continue
        known = {key: then[key] for key in ("name", "type", "title", "description", "unit") if key in then}
        constraints = {key: value for key, value in then.get("constraints", {}).items() if key == "enum"}
        decimals = next((f.decimals for f in declaration.table.fields if f.name == then["name"]), None)
        content = {**known, "constraints": constraints, "privacy": "public"}
        if then["type"] == "number":
            content["decimals"] = decimals
        made = parse(FieldDeclaration, content, "datapackage.json")
        fields.append(with_protection(made, described.get("disclosure", {})))
    return declaration.table.model_copy(update={"fields": tuple(fields)})


def _about_then(described: Mapping[str, Any]) -> workbook.About:
    """The workbook's sheet about the dataset, as the release describes it."""
    people = {role: person for person in described["contributors"] for role in person["roles"]}
    licence, contact = described["licenses"][0], people["contact"]
    return workbook.About(
        title=described["title"],
        description=described["description"],
        each_row_is_a=described["eachRowIsA"],
        licence=licence["name"],
        licence_url=licence["path"],
        attribution=described["attribution"],
        publisher=people["publisher"]["title"],
        contact=f"{contact['title']} <{contact['email']}>",
        usage_warnings=tuple(described["usageWarnings"]),
        protection=tuple(described.get("disclosure", {}).get("text", ())),
    )
