-- The companies of the Finnish register in and around Kalasatama, by the postcode of their visiting address, or of
-- their postal one where they give no other. Housing companies (2) and mutual real estate companies (10) are left
-- out: they own the houses in which people live.
WITH areas AS (
    SELECT postcode_area, true AS is_in_district
    FROM reference.district_postcode_areas
    WHERE district = 'kalasatama'
    UNION ALL
    SELECT postcode_area, false AS is_in_district
    FROM reference.nearby_postcode_areas
    WHERE district = 'kalasatama'
)
SELECT
    companies.business_id,
    'FI-PRO-' || companies.business_id AS org_id,
    companies.company_name,
    companies.company_form_code,
    forms.title AS company_form_title,
    companies.registration_date,
    companies.is_active,
    companies.trade_register_code,
    companies.situation_code,
    companies.situation_date,
    companies.ceased_date,
    companies.is_employer,
    companies.postcode,
    companies.municipality_code,
    companies.post_town,
    companies.is_postal_address,
    areas.is_in_district,
    companies.tol_2008_code,
    companies.tol_2008_title,
    companies.tol_2025_code,
    companies.tol_2025_title,
    companies.sector_code,
    sectors.sector_title,
    companies.sector_share_pct,
    sectors.is_tech,
    companies.website_url,
    companies._first_seen_date AS first_seen_date,
    companies._held_since_date AS held_since_date,
    companies._held_columns AS held_columns,
    'https://tietopalvelu.ytj.fi/yritys/' || companies.business_id AS url
FROM core.finnish_companies AS companies
INNER JOIN areas ON companies.postcode = areas.postcode_area
LEFT JOIN reference.codes AS forms
    ON forms.list = 'company_forms_fi' AND companies.company_form_code = forms.code
LEFT JOIN reference.sectors AS sectors ON companies.sector_code = sectors.sector_code
WHERE coalesce(companies.company_form_code, '') NOT IN ('2', '10')
