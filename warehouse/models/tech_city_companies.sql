-- The companies on the register whose registered office lies in Tech City, with the point of its postcode.
SELECT
    companies.company_number,
    companies.company_name,
    companies.company_category,
    companies.company_status,
    companies.incorporation_date,
    companies.country_of_origin,
    companies.accounts_category,
    companies.postcode,
    companies.postcode_area,
    places.longitude,
    places.latitude,
    companies.sic_code_1,
    companies.sic_code_2,
    companies.sic_code_3,
    companies.sic_code_4,
    companies.sector_code,
    companies.is_tech,
    companies.is_ai,
    companies.is_fintech,
    companies.register_source_code,
    companies.as_of_date,
    companies._first_seen_date AS first_seen_date,
    least(companies._held_since_date, places._held_since_date) AS held_since_date,
    nullif(concat_ws(';', companies._held_columns, places._held_columns), '') AS held_columns,
    -- the register's own URIs name a retired domain
    'https://find-and-update.company-information.service.gov.uk/company/' || companies.company_number AS url
FROM core.district_companies AS companies
-- free text there ("E1   6PW"), one space before the last three characters here
LEFT JOIN code_point_open.postcodes AS places
    ON regexp_replace(upper(replace(companies.postcode, ' ', '')), '(...)$', ' \1') = places.postcode
WHERE companies.district = 'tech-city' AND companies._vanished_date IS NULL
