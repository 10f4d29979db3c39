-- A row a statement on an area or a programme, none left out, none merged, no currency converted.
SELECT
    indicators.statement_id,
    indicators.hub,
    indicators.programme,
    indicators.metric_code,
    metrics.title AS metric_title,
    indicators.kind_code,
    indicators.value,
    indicators.qualifier_code,
    indicators.unit_code,
    indicators.definition,
    indicators.statement_year,
    indicators.target_year,
    indicators.period_text,
    indicators.confidence_code,
    indicators.source_url,
    indicators.source_note,
    indicators._held_since_date AS held_since_date,
    indicators._held_columns AS held_columns
FROM tech_nation.indicators AS indicators
LEFT JOIN reference.codes AS metrics
    ON metrics.list = 'programme_metrics' AND indicators.metric_code = metrics.code
