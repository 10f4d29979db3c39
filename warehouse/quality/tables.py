"""What models may read of the ledger: what was found on each source and dataset, by the dates of the data.

A model never sees the ledger itself, whose findings repeat values of rows, but tables in schema ``quality``, made
for the date that it speaks of. Nothing in them depends on when a run ran:

* ``quality.subjects``: the sources and datasets that are spoken of, with their titles.
* ``quality.judged``: a row a source or dataset and date of its data: the verdict that stands, and what is to be
  done.
* ``quality.loads``: a row a table of those, with the rows that came and that went on.
* ``quality.findings``: how many findings a rule made on a table and column, by severity, which dimension it is
  about, how much it judged, and what the score would gain if all of it were mended. A column is named only where
  it is declared: what a file calls a column may be anything.
* ``quality.scores``: a row of those, with the shares of the six dimensions, the score, and of the newest date the
  step that would raise it most.

A table about people is in none of the last three, and the next step of its source says no number: counts of few
people are people. What reads ``quality`` is itself not told of: it would tell of its own telling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from warehouse.database import insert_rows
from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration, TableDeclaration
from warehouse.measures import Dimension
from warehouse.quality.arithmetic import JUDGED, NONE, STANDING, arithmetic
from warehouse.quality.scores import CAUSE_COLUMNS, WORST_FIRST, Cause, causes, step_of, timely_of
from warehouse.sql import day_literal, literal
from warehouse.turns import Found, steps_of

SCHEMA = "quality"

_TABLES = """
CREATE SCHEMA IF NOT EXISTS quality;
CREATE OR REPLACE TABLE quality.subjects (kind_code VARCHAR, name VARCHAR, title VARCHAR);
CREATE OR REPLACE TABLE quality.declared_columns (
    name VARCHAR, table_name VARCHAR, column_name VARCHAR, table_title VARCHAR, column_title VARCHAR
);
CREATE OR REPLACE TABLE quality.judged (
    kind_code VARCHAR, name VARCHAR, data_date DATE, found_as VARCHAR, is_held BOOLEAN,
    turn_code VARCHAR, next_step VARCHAR
);
CREATE OR REPLACE TABLE quality.steps (
    kind_code VARCHAR, name VARCHAR, data_date DATE, score_step VARCHAR, step_gain DOUBLE
);
"""


@dataclass(frozen=True)
class Subjects:
    """The sources and datasets that are spoken of, by name."""

    sources: Mapping[str, SourceDeclaration]
    datasets: Mapping[str, DatasetDeclaration]

    def tables(self) -> list[tuple[str, TableDeclaration]]:
        """Every table with the name of its source or dataset, but those about people."""
        of_sources = [(one.name, table) for one in self.sources.values() for table in one.tables]
        of_datasets = [(one.name, one.table) for one in self.datasets.values()]
        return [(name, table) for name, table in of_sources + of_datasets if not table.about_people]

    def is_counted(self, name: str) -> bool:
        """Whether none of a source's tables is about people."""
        source = self.sources.get(name)
        return source is None or not any(table.about_people for table in source.tables)

    def declared(self) -> dict[tuple[str, str], SourceDeclaration | DatasetDeclaration]:
        """The declarations by kind and name."""
        of_sources = {("source", name): one for name, one in self.sources.items()}
        return {**of_sources, **{("dataset", name): one for name, one in self.datasets.items()}}

    def titles(self) -> list[tuple[str, str, str]]:
        """Kind, name and title of each."""
        of_sources = [("source", name, one.title) for name, one in self.sources.items()]
        return of_sources + [("dataset", name, one.entry.title) for name, one in self.datasets.items()]


def create_quality_tables(connection: duckdb.DuckDBPyConnection, subjects: Subjects, as_of: date) -> None:
    """Make the tables, of data until ``as_of``."""
    connection.execute(_TABLES)
    insert_rows(connection, "quality.subjects", subjects.titles())
    titled = [
        (name, table.name, field.name, table.title, field.title)
        for name, table in subjects.tables()
        for field in table.fields
    ]
    insert_rows(connection, "quality.declared_columns", titled)
    columns = [(name, table, field) for name, table, field, *_ in titled]
    standing = f"WITH {STANDING.format(as_of=day_literal(as_of))}"
    insert_rows(connection, "quality.judged", _judged(connection, subjects, standing, as_of))
    connection.execute(f"CREATE OR REPLACE TABLE quality.loads AS {standing} {_LOADS}")
    asked = f"WITH {arithmetic(columns, timely_of(connection, subjects.declared(), as_of), as_of)}"
    connection.execute(f"CREATE OR REPLACE TABLE quality.gains AS {asked} FROM gains")
    connection.execute(_FINDINGS)
    insert_rows(connection, "quality.steps", _steps(connection, subjects))
    connection.execute(f"CREATE OR REPLACE TABLE quality.scores AS {asked} {_SCORES}")


def _judged(
    connection: duckdb.DuckDBPyConnection, subjects: Subjects, standing: str, as_of: date
) -> list[tuple[str, str, date, str, bool, str | None, str | None]]:
    """What stands on every date, with what is to be done about it: few rows, a date each."""
    counts = ", ".join(
        f"(SELECT count(*) FROM ledger.findings AS f WHERE f.subject = j.name AND f.snapshot_id = j.found_as"
        f" AND f.severity IN ({', '.join(literal(one) for one in severities)}))"
        for severities in ((Severity.CRITICAL, Severity.ERROR), (Severity.WARNING,))
    )
    rows = connection.execute(f"""
        {standing}, {JUDGED.format(as_of=day_literal(as_of))}
        SELECT kind_code, name, data_date, found_as, is_held, {counts} FROM judged AS j ORDER BY ALL""").fetchall()
    found, known = [], subjects.declared()
    for kind, name, day, found_as, is_held, mend, look in rows:
        declared = known.get((kind, name))
        if declared is None:
            continue
        steps = steps_of(declared, Found(is_held, int(mend), int(look), subjects.is_counted(name)))
        turn, words = (steps[0].turn.value, _sentence(steps[0].words)) if steps else (None, None)
        found.append((str(kind), str(name), day, str(found_as), bool(is_held), turn, words))
    return found


def _steps(connection: duckdb.DuckDBPyConnection, subjects: Subjects) -> list[tuple[str, str, date, str, float]]:
    """Of the newest date of each, what would raise the score most, in English."""
    worst: dict[tuple[str, str], tuple[date, list[Cause]]] = {}
    for kind, name, day, *row in connection.execute(f"""
        SELECT kind_code, name, data_date, {CAUSE_COLUMNS} FROM quality.gains
        INNER JOIN (
            SELECT kind_code, name, max(data_date) AS data_date FROM quality.judged GROUP BY ALL
        ) USING (kind_code, name, data_date)
        {WORST_FIRST}""").fetchall():
        worst.setdefault((kind, name), (day, []))[1].extend(causes([row]))
    found = []
    for (kind, name), (day, listed) in sorted(worst.items()):
        declared = subjects.declared().get((kind, name))
        step = step_of(listed, declared) if declared else None
        if step is not None:
            found.append((kind, name, day, str(step), listed[0].gain))
    return found


_SHARES = ", ".join(
    f"max(h.share) FILTER (h.dimension = {literal(one.value)}) AS {one.value}_share" for one in Dimension
)
_SCORES = f"""
SELECT
    s.kind_code, s.name, s.data_date, {_SHARES}, floor(round(s.score, 6) * 10) / 10 AS quality_score,
    t.score_step, t.step_gain AS score_step_gain
FROM scored AS s
LEFT JOIN shares AS h ON s.kind_code = h.kind_code AND s.name = h.name AND s.data_date = h.data_date
LEFT JOIN quality.steps AS t ON s.kind_code = t.kind_code AND s.name = t.name AND s.data_date = t.data_date
GROUP BY ALL
"""

_LOADS = """
, listed AS (
    SELECT source, data_date, verdict, tables, unnest(json_keys(tables)) AS table_name FROM standing
),
counted AS (
    SELECT
        'source' AS kind_code, source AS name, data_date, table_name, verdict,
        CAST(json_extract(tables, '$."' || table_name || '".staged') AS BIGINT) AS rows_count,
        CAST(json_extract(tables, '$."' || table_name || '".quarantined') AS BIGINT) AS quarantined_count
    FROM listed
    UNION ALL
    SELECT 'dataset', dataset, data_date, replace(dataset, '-', '_'), verdict, rows, 0 FROM ledger.curations
)
SELECT
    c.* EXCLUDE (verdict),
    CASE WHEN verdict = 'held' THEN 0 ELSE rows_count - quarantined_count END AS accepted_count
FROM counted AS c
INNER JOIN quality.judged AS j ON c.kind_code = j.kind_code AND c.name = j.name AND c.data_date = j.data_date
INNER JOIN (SELECT DISTINCT name, table_name FROM quality.declared_columns) AS t
    ON c.name = t.name AND c.table_name = t.table_name
"""

_BY_SEVERITY = ", ".join(
    f"count(*) FILTER (f.severity = {literal(severity.value)}) AS {severity.value}_count" for severity in Severity
)
_FINDINGS = f"""
CREATE OR REPLACE TABLE quality.findings AS
WITH found AS (
SELECT
    j.kind_code, j.name, j.data_date, coalesce(t.table_name, '{NONE}') AS table_name, f.rule AS rule_id,
    coalesce(c.column_name, '{NONE}') AS column_name, {_BY_SEVERITY}
FROM ledger.findings AS f
INNER JOIN quality.judged AS j ON f.subject = j.name AND f.snapshot_id = j.found_as
LEFT JOIN (SELECT DISTINCT name, table_name FROM quality.declared_columns) AS t
    ON f.subject = t.name AND f.table_name = t.table_name
LEFT JOIN quality.declared_columns AS c
    ON f.subject = c.name AND f.table_name = c.table_name AND f.column_name = c.column_name
WHERE f.table_name IS NULL OR t.table_name IS NOT NULL
GROUP BY ALL
)
SELECT f.*, g.dimension AS dimension_code, g.judged AS judged_count, g.failed AS failed_count, g.gain
FROM found AS f LEFT JOIN quality.gains AS g
    ON f.kind_code = g.kind_code AND f.name = g.name AND f.data_date = g.data_date
    AND f.table_name = g.table_name AND f.rule_id = g.rule
    AND f.column_name = CASE g.column_name WHEN '' THEN '{NONE}' ELSE g.column_name END
"""


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
