-- The companies on the register whose registered office lies in Tech City.
SELECT
    company_number,
    company_name,
    company_category,
    company_status,
    incorporation_date,
    country_of_origin,
    accounts_category,
    postcode,
    postcode_area,
    sic_code_1,
    sic_code_2,
    sic_code_3,
    sic_code_4,
    sector_code,
    is_tech,
    is_ai,
    is_fintech,
    register_source_code,
    as_of_date,
    _first_seen_date AS first_seen_date,
    _held_since_date AS held_since_date,
    _held_columns AS held_columns,
    -- the register's own URIs name a retired domain
    'https://find-and-update.company-information.service.gov.uk/company/' || company_number AS url
FROM core.district_companies
WHERE district = 'tech-city' AND _vanished_date IS NULL
