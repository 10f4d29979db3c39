"""The arithmetic of shares, scores and gains, as SQL over the ledger: one SELECT, so that a reader can ask too.

* A **unit** is what is counted in one piece: a column (completeness, validity, accuracy), a table (uniqueness), or
  a rule on a column (consistency, timeliness; that newer data were due is one more of these). It has so many cells
  or rows that are judged, and some that fail.
* The **share** of a dimension is what does not fail of all that is judged; of consistency the mean over the rules,
  so that a broken sum weighs as much as a rule on a million rows.
* The **score** is 100 times the weighted mean of the shares that are known; of data that are held, half of it
  counts. It is 0 where they are held and nothing could be measured, and unknown where nothing could be otherwise.
* A **cause** is a rule on a column that is broken, or that holds the data. Its **gain** is the score with all its
  cells and rows mended, less the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from warehouse.declarations import Severity
from warehouse.measures import Dimension
from warehouse.quality.dimensions import HELD_FACTOR, WEIGHTS
from warehouse.sql import day_literal, literal

NONE = "none"  # in the place of a table, rule or column where there is none: a key has no gaps

# The word on a source's data of a date is that on the snapshot judged last: a file that was mended the same day.
STANDING = """
standing AS (
    SELECT s.source, s.data_date, s.snapshot_id, s.verdict, s.tables
    FROM ledger.snapshots AS s LEFT JOIN ledger.runs AS r ON s.run_id = r.run_id
    WHERE s.data_date <= {as_of}
    QUALIFY row_number() OVER (
        PARTITION BY s.source, s.data_date ORDER BY coalesce(r.sequence, 0) DESC, s.rowid DESC
    ) = 1
)
"""
JUDGED = """
judged AS (
    SELECT
        'source' AS kind_code, source AS name, data_date, snapshot_id AS found_as, verdict = 'held' AS is_held
    FROM standing
    UNION ALL
    SELECT 'dataset', dataset, data_date, CAST(data_date AS VARCHAR), verdict = 'held' FROM ledger.curations
    WHERE data_date <= {as_of}
)
"""
Timely = tuple[str, str, date, float | None]  # kind, name, date of the data, share

_WEIGHTS = ", ".join(f"({literal(one.value)}, {weight})" for one, weight in WEIGHTS.items())
_ARITHMETIC = f"""
weights (dimension, weight) AS (VALUES {_WEIGHTS}),
measured AS (
    SELECT
        j.kind_code, j.name, j.data_date, m.dimension, m.table_name, m.rule, m.column_name, m.judged, m.failed,
        CASE m.dimension
            WHEN '{Dimension.UNIQUENESS.value}' THEN ''
            WHEN '{Dimension.CONSISTENCY.value}' THEN m.rule || chr(31) || m.column_name
            WHEN '{Dimension.TIMELINESS.value}' THEN m.rule || chr(31) || m.column_name
            ELSE m.column_name
        END AS unit
    FROM ledger.measures AS m
    INNER JOIN judged AS j ON m.subject = j.name AND m.snapshot_id = j.found_as
    SEMI JOIN told AS t ON m.subject = t.name AND m.table_name = t.table_name
),
units AS (
    SELECT
        kind_code, name, data_date, dimension, table_name, unit,
        max(judged) AS judged, least(sum(failed), max(judged)) AS failed
    FROM measured GROUP BY ALL HAVING max(judged) > 0
    UNION ALL
    SELECT kind_code, name, data_date, '{Dimension.TIMELINESS.value}', '{NONE}', '', 1, 1 - share
    FROM timely WHERE share IS NOT NULL
),
counted AS (
    SELECT
        kind_code, name, data_date, dimension, count(*) AS units_count, sum(judged) AS judged_count,
        CASE dimension
            WHEN '{Dimension.CONSISTENCY.value}' THEN 1 - avg(failed / judged)
            ELSE 1 - sum(failed) / sum(judged)
        END AS share
    FROM units GROUP BY kind_code, name, data_date, dimension
),
shares AS (SELECT kind_code, name, data_date, dimension, share FROM counted),
weighed AS (
    SELECT
        j.kind_code, j.name, j.data_date, j.is_held,
        sum(w.weight) AS known,
        coalesce(bool_or(s.dimension <> '{Dimension.TIMELINESS.value}'), false) AS is_measured,
        bool_or(t.name IS NOT NULL) AS is_told,
        sum(w.weight * s.share) / sum(w.weight) AS mean
    FROM judged AS j
    LEFT JOIN shares AS s ON j.kind_code = s.kind_code AND j.name = s.name AND j.data_date = s.data_date
    LEFT JOIN weights AS w ON s.dimension = w.dimension
    LEFT JOIN (SELECT DISTINCT name FROM told) AS t ON j.name = t.name
    GROUP BY ALL
),
scored AS (
    SELECT
        *,
        CASE
            WHEN is_measured THEN 100 * mean * CASE WHEN is_held THEN {HELD_FACTOR} ELSE 1 END
            WHEN is_held AND is_told THEN 0
        END AS score
    FROM weighed
),
-- what holds the data: in a table that is not told of no rule is named, and no column that is not declared
holding AS (
    SELECT
        j.kind_code, j.name, j.data_date, coalesce(t.table_name, '{NONE}') AS table_name,
        CASE WHEN f.table_name IS NOT NULL AND t.table_name IS NULL THEN '{NONE}' ELSE f.rule END AS rule,
        coalesce(c.column_name, '') AS column_name, count(*) AS holds
    FROM judged AS j
    INNER JOIN ledger.findings AS f ON j.name = f.subject AND j.found_as = f.snapshot_id
    LEFT JOIN told AS t ON f.subject = t.name AND f.table_name = t.table_name
    LEFT JOIN columns AS c
        ON f.subject = c.name AND f.table_name = c.table_name AND f.column_name = c.column_name
    WHERE
        j.is_held AND (
            f.severity = '{Severity.CRITICAL.value}'
            OR j.kind_code = 'dataset' AND f.severity = '{Severity.ERROR.value}'
        )
    GROUP BY ALL
),
broken AS (
    SELECT
        m.kind_code, m.name, m.data_date, m.table_name, m.rule, m.column_name, m.dimension, m.failed, m.judged,
        CASE m.dimension
            WHEN '{Dimension.CONSISTENCY.value}' THEN m.failed / m.judged / c.units_count
            ELSE m.failed / c.judged_count
        END AS lost
    FROM measured AS m
    INNER JOIN counted AS c
        ON
            m.kind_code = c.kind_code AND m.name = c.name AND m.data_date = c.data_date
            AND m.dimension = c.dimension
    WHERE m.failed > 0 AND m.judged > 0
    UNION ALL
    SELECT
        t.kind_code, t.name, t.data_date, '{NONE}', '{Dimension.TIMELINESS.value}', '',
        '{Dimension.TIMELINESS.value}', 1, 1, (1 - t.share) / c.judged_count
    FROM timely AS t
    INNER JOIN counted AS c
        ON
            t.kind_code = c.kind_code AND t.name = c.name AND t.data_date = c.data_date
            AND c.dimension = '{Dimension.TIMELINESS.value}'
    WHERE t.share < 1
),
caused AS (
    SELECT
        kind_code, name, data_date, table_name, rule, column_name, b.dimension, coalesce(b.failed, 0) AS failed,
        coalesce(b.judged, 0) AS judged,
        coalesce(b.lost * w.weight, 0) AS lost, h.holds IS NOT NULL AS is_holding,
        count(h.holds) OVER (PARTITION BY kind_code, name, data_date) AS holding_count
    FROM broken AS b
    FULL JOIN holding AS h USING (kind_code, name, data_date, table_name, rule, column_name)
    LEFT JOIN weights AS w ON b.dimension = w.dimension
),
gains AS (
    SELECT
        c.*,
        CASE
            WHEN s.is_held AND NOT (c.is_holding AND c.holding_count = 1)
                THEN 100 * {HELD_FACTOR} * c.lost / s.known
            ELSE 100 * (s.mean + c.lost / s.known) - s.score
        END AS gain
    FROM caused AS c INNER JOIN scored AS s
        ON c.kind_code = s.kind_code AND c.name = s.name AND c.data_date = s.data_date
    WHERE s.is_measured
)
"""


def arithmetic(columns: Iterable[tuple[str, str, str]], timely: Sequence[Timely], as_of: date) -> str:
    """The CTEs ``judged``, ``shares``, ``scored`` and ``gains`` of data until a date, after the word WITH.

    Args:
        columns: source or dataset, table and column of all that may be told of.
        timely: the shares of timeliness, which the declarations decide.
        as_of: data of later dates are not known.
    """
    names = ", ".join(f"({', '.join(map(literal, one))})" for one in columns) or "(NULL, NULL, NULL)"
    shares = ", ".join(map(_timely, timely)) or "(NULL, NULL, NULL, NULL)"
    standing, judged = (part.format(as_of=day_literal(as_of)) for part in (STANDING, JUDGED))
    return (
        f"{standing}, {judged},"
        f" columns (name, table_name, column_name) AS (VALUES {names}),"
        " told AS (SELECT DISTINCT name, table_name FROM columns WHERE name IS NOT NULL),"
        f" timely (kind_code, name, data_date, share) AS (VALUES {shares}), {_ARITHMETIC}"
    )


def _timely(one: Timely) -> str:
    kind, name, day, share = one
    value = f"CAST({'NULL' if share is None else repr(share)} AS DOUBLE)"
    return f"({literal(kind)}, {literal(name)}, {day_literal(day)}, {value})"
