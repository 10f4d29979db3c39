"""What follows from the scores: what counts, what a person is asked, and what a person said already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from warehouse.database import insert_rows
from warehouse.identities.evidence import AUTOMATIC, MARGIN, REVIEW
from warehouse.identities.names import normal_sql

ASKED = 3  # organisations that a person is shown for a name

MATCH_COLUMNS = """
    source_code VARCHAR, table_code VARCHAR, record_key VARCHAR, mention_number INTEGER, mentioned_name VARCHAR,
    candidate_number INTEGER,      -- 1: the likeliest
    org_id VARCHAR, scheme_code VARCHAR, local_id VARCHAR,
    register_name VARCHAR,         -- the organisation's name in the register that is most like the mentioned one
    evidence_codes VARCHAR, score DOUBLE,
    state_code VARCHAR             -- automatic, confirmed: it is that organisation; review: a person has to say
"""
FAULT_COLUMNS = "source_code VARCHAR, mentioned_name VARCHAR, org_id VARCHAR, reason_code VARCHAR"


def decide(connection: duckdb.DuckDBPyConnection, decided: Sequence[Mapping[str, str | bool]]) -> None:
    """Make ``identity_matches`` and ``identity_faults`` of ``identity_scored`` and what people decided.

    Two organisations that are as good are never told apart by a guess. A name for which nothing is likely enough
    has no row.
    """
    _take_decisions(connection, decided)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_matches AS
        WITH refused AS (SELECT mention_id, scheme_code, local_id FROM identity_decided WHERE NOT is_same),
        confirmed AS (
            SELECT DISTINCT d.mention_id, d.scheme_code, d.local_id, s.register_name,
                   concat_ws(';', 'confirmed', s.evidence_codes) AS evidence_codes, 1.0 AS score
            FROM identity_decided AS d LEFT JOIN identity_scored AS s USING (mention_id, scheme_code, local_id)
            WHERE d.is_same
        ),
        open AS (
            SELECT s.*, max(score) OVER (
                PARTITION BY mention_id ORDER BY score DESC, scheme_code, local_id
                ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING
            ) AS next_score
            FROM identity_scored AS s
            ANTI JOIN refused USING (mention_id, scheme_code, local_id)
            WHERE mention_id NOT IN (SELECT mention_id FROM confirmed)
        ),
        ranked AS (
            SELECT *, row_number() OVER whole AS place,
                   first_value(score) OVER whole AS best, first_value(next_score) OVER whole AS second
            FROM open
            WINDOW whole AS (PARTITION BY mention_id ORDER BY score DESC, scheme_code, local_id)
        ),
        judged AS (
            SELECT *, best >= {AUTOMATIC} AND (second IS NULL OR round(best - second, 4) >= {MARGIN}) AS is_sure,
                   round(best - second, 4) < {MARGIN} AS has_rival
            FROM ranked WHERE score >= {REVIEW}
        ),
        found AS (
            SELECT mention_id, scheme_code, local_id, register_name, place,
                   concat_ws(';', evidence_codes, CASE WHEN has_rival THEN 'another_as_good' END)
                       AS evidence_codes,
                   least(score, 1.0) AS score, CASE WHEN is_sure THEN 'automatic' ELSE 'review' END AS state_code
            FROM judged WHERE place = 1 OR (NOT is_sure AND place <= {ASKED})
            UNION ALL
            SELECT mention_id, scheme_code, local_id, register_name, 1, evidence_codes, score, 'confirmed'
            FROM confirmed
        )
        SELECT m.source_code, m.table_code, m.record_key, m.mention_number, m.mentioned_name,
               CAST(f.place AS INTEGER) AS candidate_number, f.scheme_code || '-' || f.local_id AS org_id,
               f.scheme_code, f.local_id, f.register_name, f.evidence_codes,
               CAST(round(f.score, 2) AS DOUBLE) AS score, f.state_code
        FROM found AS f JOIN identity_mentions AS m USING (mention_id)
        ORDER BY ALL""")


def _take_decisions(connection: duckdb.DuckDBPyConnection, decided: Sequence[Mapping[str, str | bool]]) -> None:
    """Make ``identity_decided`` (the mentions that a decision is about) and ``identity_faults``."""
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE identity_said (
            source_code VARCHAR, name VARCHAR, scheme_code VARCHAR, local_id VARCHAR, org_id VARCHAR,
            is_same BOOLEAN
        )""")
    columns = ("source_code", "name", "scheme_code", "local_id", "org_id", "is_same")
    insert_rows(connection, "identity_said", [[row[name] for name in columns] for row in decided])
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_decided AS
        SELECT m.mention_id, d.*, m.local_id AS stated_id, m.scheme_code AS stated_scheme
        FROM identity_said AS d
        LEFT JOIN identity_mentions AS m
            ON m.source_code = d.source_code AND m.normal = {normal_sql("d.name")};

        CREATE OR REPLACE TEMP TABLE identity_faults AS
        SELECT DISTINCT source_code, name AS mentioned_name, org_id,
            CASE
                WHEN mention_id IS NULL THEN 'decision_without_mention'
                WHEN EXISTS (SELECT 1 FROM core.register_names AS r WHERE r.scheme_code = d.scheme_code)
                    AND NOT EXISTS (
                        SELECT 1 FROM core.register_names AS r
                        WHERE r.scheme_code = d.scheme_code AND r.local_id = d.local_id
                    ) THEN 'decision_without_organisation'
                WHEN NOT is_same AND NOT EXISTS (
                    SELECT 1 FROM identity_scored AS s JOIN identity_decided AS e USING (mention_id)
                    WHERE e.source_code = d.source_code AND e.name = d.name
                      AND s.scheme_code = d.scheme_code AND s.local_id = d.local_id AND s.score >= 0.6
                ) THEN 'decision_without_candidate'
                WHEN is_same AND stated_id IS NOT NULL
                    AND (stated_scheme, stated_id) <> (d.scheme_code, d.local_id)
                    THEN 'decision_against_identifier'
                -- names that differ in the file may be the same to the comparison: Müller, Muller
                WHEN EXISTS (
                    SELECT 1 FROM identity_decided AS o
                    WHERE o.mention_id = d.mention_id AND (
                        (o.org_id = d.org_id AND o.is_same <> d.is_same)
                        OR (o.org_id <> d.org_id AND o.is_same AND d.is_same)
                    )
                ) THEN 'decision_against_decision'
            END AS reason_code
        FROM identity_decided AS d;

        DELETE FROM identity_faults WHERE reason_code IS NULL;
        DELETE FROM identity_decided WHERE mention_id IS NULL OR (source_code, name, org_id) IN (
            SELECT (source_code, mentioned_name, org_id) FROM identity_faults
        )""")
