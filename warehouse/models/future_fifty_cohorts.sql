-- A row a company in a cohort, with the cohort's size as published and how much of it is listed here, and with
-- what the register says of the company today, where it is sure which one it is.
SELECT
    memberships.programme,
    memberships.cohort_label,
    cohorts.cohort_year,
    memberships.company_name,
    coalesce(
        memberships.company_number, CASE WHEN links.scheme_code = 'GB-COH' THEN links.local_id END
    ) AS company_number,
    links.org_id,
    links.evidence_codes,
    companies.company_name AS register_name,
    companies.company_status AS register_status,
    companies._vanished_date AS register_left_date,
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
LEFT JOIN core.organisation_links AS links
    ON
        links.source_code = 'future_fifty'
        AND links.table_code = 'memberships'
        AND concat_ws(' / ', memberships.programme, memberships.cohort_label, memberships.company_name)
        = links.record_key
LEFT JOIN core.companies AS companies
    ON links.scheme_code = 'GB-COH' AND links.local_id = companies.company_number
