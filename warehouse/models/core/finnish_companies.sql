-- A row a company on the Finnish register as it stands, with what it stated in the classification of 2008 and in
-- that of 2025, and its sector.
--
-- The register went over to TOL 2025 in January 2026, and a record has one code only: what it stated before is in
-- the history. Whoever states a code of 2025 has the sector of that code. Whoever never did (those who ceased
-- before, all before the reform) has the sector that most of its class went to, and sector_share_pct says how
-- large a part: 100 where the whole class went there. How many went where is counted in the history, where ten
-- companies of a class or more stated both; else each part of a split weighs the same. 00000 is "unknown".
WITH stated AS (
    SELECT
        business_id,
        arg_max(industry_code, _changed_date) FILTER (WHERE industry_scheme_code = 'TOIMI3') AS tol_2008_code,
        arg_max(industry_title, _changed_date) FILTER (WHERE industry_scheme_code = 'TOIMI3') AS tol_2008_title,
        arg_max(industry_code, _changed_date) FILTER (WHERE industry_scheme_code = 'TOIMI4') AS tol_2025_code,
        arg_max(industry_title, _changed_date) FILTER (WHERE industry_scheme_code = 'TOIMI4') AS tol_2025_title
    FROM prh_ytj.companies_history
    WHERE industry_code <> '00000'
    GROUP BY business_id
),
observed AS (
    SELECT
        substr(tol_2008_code, 1, 4) AS class_code,
        substr(tol_2025_code, 1, 4) AS became_code,
        count(*) AS companies_count
    FROM stated
    WHERE tol_2008_code IS NOT NULL AND tol_2025_code IS NOT NULL
    GROUP BY substr(tol_2008_code, 1, 4), substr(tol_2025_code, 1, 4)
),
counted AS (
    SELECT class_code, sum(companies_count) AS companies_count
    FROM observed
    GROUP BY class_code
    HAVING sum(companies_count) >= 10
),
changes AS (
    SELECT observed.class_code, observed.became_code, observed.companies_count / counted.companies_count AS weight
    FROM observed
    INNER JOIN counted ON observed.class_code = counted.class_code
    UNION ALL
    SELECT listed.class_code, listed.became_code, listed.weight
    FROM reference.industry_changes AS listed
    WHERE NOT EXISTS (SELECT 1 FROM counted WHERE counted.class_code = listed.class_code)
),
codes_2025 AS (
    SELECT tol_2025_code AS code FROM stated WHERE tol_2025_code IS NOT NULL
    UNION
    SELECT became_code FROM changes
),
sectors_2025 AS (
    SELECT codes_2025.code, sectors.sector_code, sectors.position
    FROM codes_2025
    INNER JOIN reference.sector_tol_2025_prefixes AS prefixes
        ON substr(codes_2025.code, 1, length(prefixes.tol_2025_prefix)) = prefixes.tol_2025_prefix
    INNER JOIN reference.sectors AS sectors ON prefixes.sector_code = sectors.sector_code
    QUALIFY row_number() OVER (PARTITION BY codes_2025.code ORDER BY sectors.position) = 1
),
codes_2008 AS (SELECT DISTINCT tol_2008_code AS code FROM stated WHERE tol_2008_code IS NOT NULL),
unchanged_2008 AS (
    SELECT codes_2008.code, sectors.sector_code
    FROM codes_2008
    INNER JOIN reference.sector_prefixes AS prefixes
        ON substr(codes_2008.code, 1, length(prefixes.sic_prefix)) = prefixes.sic_prefix
    INNER JOIN reference.sectors AS sectors ON prefixes.sector_code = sectors.sector_code
    QUALIFY row_number() OVER (PARTITION BY codes_2008.code ORDER BY sectors.position) = 1
),
changed_2008 AS (
    SELECT changes.class_code, sectors_2025.sector_code, sum(changes.weight) AS weight
    FROM changes
    INNER JOIN sectors_2025 ON changes.became_code = sectors_2025.code
    GROUP BY changes.class_code, sectors_2025.sector_code
    QUALIFY row_number() OVER (
        PARTITION BY changes.class_code ORDER BY sum(changes.weight) DESC, min(sectors_2025.position)
    ) = 1
)
SELECT
    companies.business_id,
    companies.company_name,
    companies.company_form_code,
    companies.registration_date,
    companies.trade_register_code,
    companies.situation_code,
    companies.situation_date,
    companies.ceased_date,
    companies.is_active,
    companies.is_employer,
    companies.postcode,
    companies.municipality_code,
    companies.post_town,
    companies.is_postal_address,
    companies.website_url,
    stated.tol_2008_code,
    coalesce(stated.tol_2008_title, titles_2008.title) AS tol_2008_title,
    stated.tol_2025_code,
    coalesce(stated.tol_2025_title, titles_2025.title) AS tol_2025_title,
    CASE
        WHEN stated.tol_2025_code IS NOT NULL THEN sectors_2025.sector_code
        ELSE coalesce(changed_2008.sector_code, unchanged_2008.sector_code, 'not_stated')
    END AS sector_code,
    CASE
        WHEN stated.tol_2025_code IS NOT NULL THEN 100.0
        WHEN stated.tol_2008_code IS NOT NULL THEN round(100 * coalesce(changed_2008.weight, 1), 1)
    END AS sector_share_pct,
    companies._first_seen_date,
    companies._held_since_date,
    companies._held_columns
FROM prh_ytj.companies AS companies
LEFT JOIN stated ON companies.business_id = stated.business_id
LEFT JOIN sectors_2025 ON stated.tol_2025_code = sectors_2025.code
LEFT JOIN changed_2008 ON substr(stated.tol_2008_code, 1, 4) = changed_2008.class_code
LEFT JOIN unchanged_2008 ON stated.tol_2008_code = unchanged_2008.code
LEFT JOIN reference.industry_classes AS titles_2008
    ON titles_2008.scheme_code = 'TOIMI3' AND substr(stated.tol_2008_code, 1, 4) = titles_2008.class_code
LEFT JOIN reference.industry_classes AS titles_2025
    ON titles_2025.scheme_code = 'TOIMI4' AND substr(stated.tol_2025_code, 1, 4) = titles_2025.class_code
