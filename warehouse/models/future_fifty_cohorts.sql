-- A row a company in a cohort, with the cohort's size as published and how much of it is listed here.
SELECT
    memberships.programme,
    memberships.cohort_label,
    cohorts.cohort_year,
    memberships.company_name,
    memberships.company_number,
    memberships.status_code,
    memberships.status_year,
    memberships.activity_code,
    memberships.entry_date,
    memberships.graduation_date,
    memberships.date_precision_code,
    cohorts.new_count,
    cohorts.existing_count,
    count(*) OVER (PARTITION BY memberships.programme, memberships.cohort_label) AS listed_count,
    memberships.confidence_code,
    memberships.source_url,
    memberships.source_note,
    least(memberships._held_since_date, cohorts._held_since_date) AS held_since_date,
    nullif(concat_ws(';', memberships._held_columns, cohorts._held_columns), '') AS held_columns
FROM future_fifty.memberships AS memberships
LEFT JOIN future_fifty.cohorts AS cohorts
    ON memberships.programme = cohorts.programme AND memberships.cohort_label = cohorts.cohort_label
