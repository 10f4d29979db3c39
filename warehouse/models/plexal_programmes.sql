-- A row each thing that is stated of a programme: that it exists, that a company is in a cohort of it, or a
-- figure. Which of the three, record_kind_code says; the columns of the other two are empty.
WITH records AS (
    SELECT
        'programme' AS record_kind_code,
        programmes.programme AS record_id,
        programmes.programme,
        programmes.description,
        programmes.partners,
        programmes.launch_date AS start_date,
        programmes.date_precision_code,
        programmes.confidence_code,
        programmes.source_url,
        programmes.source_note,
        programmes._held_since_date AS held_since_date,
        programmes._held_columns AS held_columns
    FROM plexal.programmes AS programmes
    UNION ALL BY NAME
    SELECT
        'company' AS record_kind_code,
        concat_ws(' / ', members.programme, members.cohort_label, members.company_name) AS record_id,
        members.programme,
        members.cohort_label,
        members.company_name,
        members.company_number,
        members.status_code,
        members.entry_date AS start_date,
        members.date_precision_code,
        members.confidence_code,
        members.source_url,
        members.source_note,
        members._held_since_date AS held_since_date,
        members._held_columns AS held_columns
    FROM plexal.members AS members
    UNION ALL BY NAME
    SELECT
        'figure' AS record_kind_code,
        indicators.statement_id AS record_id,
        indicators.programme,
        indicators.cohort_label,
        indicators.metric_code,
        indicators.kind_code,
        indicators.value,
        indicators.qualifier_code,
        indicators.unit_code,
        indicators.statement_year,
        indicators.target_year,
        indicators.confidence_code,
        indicators.source_url,
        indicators.source_note,
        indicators._held_since_date AS held_since_date,
        indicators._held_columns AS held_columns
    FROM plexal.indicators AS indicators
)
SELECT
    records.record_id,
    records.record_kind_code,
    records.programme,
    records.cohort_label,
    records.company_name,
    records.company_number,
    records.status_code,
    records.description,
    records.partners,
    records.start_date,
    records.date_precision_code,
    records.metric_code,
    metrics.title AS metric_title,
    records.kind_code,
    records.value,
    records.qualifier_code,
    records.unit_code,
    round(records.value * units.m2_each, 2) AS value_m2,
    records.statement_year,
    records.target_year,
    records.confidence_code,
    records.source_url,
    records.source_note,
    records.held_since_date,
    records.held_columns
FROM records
LEFT JOIN core.area_units AS units ON records.unit_code = units.unit_code
LEFT JOIN reference.codes AS metrics
    ON metrics.list = 'programme_metrics' AND records.metric_code = metrics.code
