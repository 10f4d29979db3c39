-- A row a statement on the campus, none left out and none merged.
SELECT
    indicators.statement_id,
    indicators.metric_code,
    metrics.title AS metric_title,
    indicators.kind_code,
    indicators.value,
    indicators.qualifier_code,
    indicators.unit_code,
    round(indicators.value * units.m2_each, 2) AS value_m2,
    indicators.statement_year,
    indicators.target_year,
    indicators.confidence_code,
    indicators.source_url,
    indicators.source_note,
    indicators._held_since_date AS held_since_date,
    indicators._held_columns AS held_columns
FROM here_east.indicators AS indicators
LEFT JOIN core.area_units AS units ON indicators.unit_code = units.unit_code
LEFT JOIN reference.codes AS metrics
    ON metrics.list = 'district_metrics' AND indicators.metric_code = metrics.code
