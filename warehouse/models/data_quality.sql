-- A row a source or dataset, date of its data, table, and rule that found something on a column; one row, with the
-- rule "none", where nothing was found. State and next step are of the date, and the same in all of its rows.
WITH dated AS (
    SELECT
        *,
        data_date = max(data_date) OVER (PARTITION BY kind_code, name) AS is_newest,
        max(CASE WHEN NOT is_held THEN data_date END)
            OVER (PARTITION BY kind_code, name ORDER BY data_date ROWS UNBOUNDED PRECEDING) AS good_date,
        max(CASE WHEN NOT is_held THEN data_date END) OVER (PARTITION BY kind_code, name) AS last_good_date
    FROM quality.judged
),
table_titles AS (SELECT DISTINCT name, table_name, table_title FROM quality.declared_columns),
places AS (
    SELECT kind_code, name, data_date, table_name FROM quality.loads
    UNION
    SELECT kind_code, name, data_date, table_name FROM quality.findings
    UNION
    -- of a file that could not be read at all
    SELECT judged.kind_code, judged.name, judged.data_date, 'none' AS table_name
    FROM quality.judged AS judged
    ANTI JOIN quality.loads AS loads
        ON judged.kind_code = loads.kind_code AND judged.name = loads.name AND judged.data_date = loads.data_date
)
SELECT
    dated.kind_code,
    dated.name AS subject_name,
    subjects.title AS subject_title,
    dated.data_date,
    dated.is_newest,
    CASE
        WHEN dated.is_held THEN 'held'
        WHEN dated.data_date = dated.last_good_date AND NOT dated.is_newest THEN 'stale'
        WHEN dated.next_step IS NOT NULL THEN 'accepted_with_findings'
        ELSE 'accepted'
    END AS state_code,
    dated.good_date AS standing_date,
    places.table_name,
    table_titles.table_title,
    coalesce(findings.rule_id, 'none') AS rule_id,
    upper(left(findings.rule_id, 1)) || lower(replace(replace(substr(findings.rule_id, 2), '-', ' '), '_', ' '))
        AS rule_title,
    coalesce(findings.column_name, 'none') AS column_name,
    declared.column_title,
    coalesce(findings.critical_count, 0) AS critical_count,
    coalesce(findings.error_count, 0) AS error_count,
    coalesce(findings.warning_count, 0) AS warning_count,
    coalesce(findings.info_count, 0) AS info_count,
    loads.rows_count,
    loads.accepted_count,
    loads.quarantined_count,
    findings.dimension_code,
    findings.judged_count,
    findings.failed_count,
    round(findings.gain, 2) AS gain_points,
    -- rounded down: 100 only where nothing is wrong
    floor(round(scores.completeness_share, 8) * 10000) / 100 AS completeness_pct,
    floor(round(scores.uniqueness_share, 8) * 10000) / 100 AS uniqueness_pct,
    floor(round(scores.consistency_share, 8) * 10000) / 100 AS consistency_pct,
    floor(round(scores.timeliness_share, 8) * 10000) / 100 AS timeliness_pct,
    floor(round(scores.validity_share, 8) * 10000) / 100 AS validity_pct,
    floor(round(scores.accuracy_share, 8) * 10000) / 100 AS accuracy_pct,
    scores.quality_score,
    CASE WHEN dated.is_newest THEN dated.turn_code END AS turn_code,
    CASE WHEN dated.is_newest THEN dated.next_step END AS next_step,
    scores.score_step,
    round(scores.score_step_gain, 2) AS score_step_points
FROM dated
INNER JOIN quality.subjects AS subjects ON dated.kind_code = subjects.kind_code AND dated.name = subjects.name
INNER JOIN places
    ON dated.kind_code = places.kind_code AND dated.name = places.name AND dated.data_date = places.data_date
LEFT JOIN quality.loads AS loads
    ON
        dated.kind_code = loads.kind_code
        AND dated.name = loads.name
        AND dated.data_date = loads.data_date
        AND places.table_name = loads.table_name
LEFT JOIN quality.findings AS findings
    ON
        dated.kind_code = findings.kind_code
        AND dated.name = findings.name
        AND dated.data_date = findings.data_date
        AND places.table_name = findings.table_name
LEFT JOIN quality.scores AS scores
    ON
        dated.kind_code = scores.kind_code
        AND dated.name = scores.name
        AND dated.data_date = scores.data_date
LEFT JOIN table_titles ON dated.name = table_titles.name AND places.table_name = table_titles.table_name
LEFT JOIN quality.declared_columns AS declared
    ON
        dated.name = declared.name
        AND places.table_name = declared.table_name
        AND findings.column_name = declared.column_name
