"""What the rules of a source compare its tables with: how they last were, and tables of other sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from checks.rules import WrittenRule
from flows.declarations import Declarations
from warehouse.declarations import DatasetDeclaration, SourceDeclaration, TableDeclaration, literal, quote
from warehouse.history.tables import history_table, show_history, standing
from warehouse.home import Home
from warehouse.pruned import kept
from warehouse.releases import Release
from warehouse.store import STANDING, beside


@dataclass(frozen=True)
class Compared:
    """Parquet files: of tables as they last were, by table; of other sources' tables, by ``source.table``."""

    earlier: Mapping[str, Path] = field(default_factory=dict)
    elsewhere: Mapping[str, Path] = field(default_factory=dict)


def compared(
    home: Home | None, declared: Declarations, source: str, day: date, folder: Path, memory: str
) -> Compared:
    """Write what the rules of a source ask for, as the warehouse knows it, and nothing that none asks for.

    Args:
        home: whose warehouse is asked; without one nothing is known.
        declared: what is declared.
        source: the source whose snapshot is checked.
        day: the day of its data: earlier is before it, others are as on that day.
        folder: where the files go.
        memory: DuckDB's memory limit.

    Returns:
        the files; none for a table of which the warehouse has nothing.

    Raises:
        WarehouseError: the warehouse cannot be read.
    """
    rules = declared.source_rules[source].tables
    earlier = {name for name, on_it in rules.items() if any(rule.changed_pct or rule.drift_pct for rule in on_it)}
    others = {
        (rule.refers_to.source, rule.refers_to.table): rule.refers_to.columns
        for on_it in rules.values()
        for rule in on_it
        if rule.refers_to is not None and rule.refers_to.source is not None
    }
    if home is None or not home.warehouse.exists() or not (earlier or others):
        return Compared()
    with beside(home, memory) as connection:
        for name in {source, *(other for other, _ in others)}:
            show_history(connection, declared.sources[name], STANDING)
        own = declared.sources[source]
        made = _Export(connection, folder)
        before = {name: made.write(own, own.table(name), day - timedelta(days=1)) for name in sorted(earlier)}
        there = {
            f"{other}.{table}": made.write(declared.sources[other], declared.sources[other].table(table), day)
            for other, table in sorted(others)
        }
    return Compared(
        {name: path for name, path in before.items() if path},
        {name: path for name, path in there.items() if path},
    )


def compared_release(
    home: Home, dataset: DatasetDeclaration, rules: Sequence[WrittenRule], releases: Sequence[Release], day: date
) -> Mapping[str, Path]:
    """The Parquet file of a dataset's last release by a day, by its stem, where rules compare with it and it fits
    them. One that is no longer kept is left out.

    Raises:
        ReleaseError: the file is missing.
    """
    from publish.release.files import previous_parquet

    wanted = {name for rule in rules if rule.changed_pct or rule.drift_pct for name in rule.columns}
    if not wanted:
        return {}
    previous = next((one for one in reversed(kept(home, releases)) if one.data_date <= day), None)
    if previous is None:
        return {}
    path = previous_parquet(previous, home)
    with duckdb.connect() as connection:
        rows = connection.execute(f"DESCRIBE FROM read_parquet({literal(str(path))})").fetchall()
    return {dataset.stem: path} if wanted.union(dataset.table.primary_key) <= {row[0] for row in rows} else {}


@dataclass(frozen=True)
class _Export:
    """Writes tables of the warehouse as they stood."""

    connection: duckdb.DuckDBPyConnection
    folder: Path

    def write(self, source: SourceDeclaration, table: TableDeclaration, day: date) -> Path | None:
        """Write a table as it stood at a date; None where nothing of it did."""
        path = self.folder / f"{source.name}.{table.name}.{day}.parquet"
        columns = ", ".join(quote(one.name) for one in table.kept_fields)
        rows = f"SELECT {columns} FROM {history_table(source.name, table.name)} AS a WHERE {standing(day)}"
        self.connection.execute(f"COPY ({rows}) TO {literal(str(path))} (FORMAT parquet)")
        found = self.connection.execute(f"SELECT 1 FROM read_parquet({literal(str(path))}) LIMIT 1").fetchone()
        return path if found else None
