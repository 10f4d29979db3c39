-- A row a statement, none left out and none merged. What others say of the same metric and kind stands beside it
-- as counts, so that a reader sees where statements contradict one another.
SELECT
    statements.statement_id,
    statements.district,
    statements.metric_code,
    metrics.title AS metric_title,
    statements.kind_code,
    statements.value,
    statements.qualifier_code,
    statements.unit_code,
    round(statements.value * units.m2_each, 2) AS value_m2,
    statements.statement_year,
    statements.target_year,
    statements.target_text,
    count(*) OVER same_figure AS statements_count,
    count(*) OVER same_value AS agreeing_count,
    statements.confidence_code,
    statements.source_url,
    statements.source_note,
    statements._held_since_date AS held_since_date,
    statements._held_columns AS held_columns
FROM kalasatama.statements AS statements
LEFT JOIN core.area_units AS units ON statements.unit_code = units.unit_code
LEFT JOIN reference.codes AS metrics
    ON metrics.list = 'district_metrics' AND statements.metric_code = metrics.code
WINDOW
    same_figure AS (
        PARTITION BY statements.district, statements.metric_code, statements.kind_code
    ),
    same_value AS (
        PARTITION BY
            statements.district,
            statements.metric_code,
            statements.kind_code,
            statements.value,
            statements.unit_code
    )
