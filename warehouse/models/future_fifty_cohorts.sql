-- A row a company in a cohort, with the cohort's size as published and how much of it is listed here, and with
-- what the register says of the company today, where it is sure which one it is.
-- A company's look-alikes are those of Tech City with its sector and year of foundation: who is outside has none.
WITH moved AS (
    SELECT DISTINCT earlier.company_number
    FROM companies_house.companies_history AS earlier
    INNER JOIN core.organisation_links AS links
        ON
            links.source_code = 'future_fifty'
            AND links.scheme_code = 'GB-COH'
            AND earlier.company_number = links.local_id
    INNER JOIN core.companies AS companies ON earlier.company_number = companies.company_number
    WHERE replace(upper(earlier.postcode), ' ', '') <> replace(upper(companies.postcode), ' ', '')
),
local_companies AS (
    SELECT
        company_number,
        sector_code,
        extract(YEAR FROM incorporation_date) AS founded_year,
        _vanished_date
    FROM core.district_companies
    WHERE district = 'tech-city' AND sector_code <> 'not_stated' AND incorporation_date IS NOT NULL
),
lookalikes AS (
    SELECT
        one.company_number,
        count(DISTINCT other.company_number) AS lookalikes_count,
        count(DISTINCT CASE WHEN other._vanished_date IS NOT NULL THEN other.company_number END)
            AS lookalikes_left_count
    FROM local_companies AS one
    INNER JOIN core.organisation_links AS links
        ON
            links.source_code = 'future_fifty'
            AND links.scheme_code = 'GB-COH'
            AND one.company_number = links.local_id
    INNER JOIN local_companies AS other
        ON
            one.sector_code = other.sector_code
            AND one.founded_year = other.founded_year
            AND one.company_number <> other.company_number
    GROUP BY one.company_number
)
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
    companies.incorporation_date AS register_founded_date,
    companies._vanished_date AS register_left_date,
    CASE WHEN companies.company_number IS NOT NULL THEN moved.company_number IS NOT NULL END AS has_moved,
    lookalikes.lookalikes_count,
    lookalikes.lookalikes_left_count,
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
LEFT JOIN moved ON companies.company_number = moved.company_number
LEFT JOIN lookalikes ON companies.company_number = lookalikes.company_number
