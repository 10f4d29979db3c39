-- A row a company and district: the last known state (core.companies) of every company whose registered office, in
-- that state, lies in one of the district's postcode areas. Companies that left the register have _vanished_date.
--
-- Postcodes are free text ("E1   6PW", "CRO 1JB"): spaces are taken out, and the outward code is what stands
-- before the last three characters of a well-formed one. E1 is not E10, nor E1W.
--
-- AI: SIC 2007 has no code for it. A company counts if its name says so in whole words (AI, A.I., artificial
-- intelligence, machine learning, deep learning, neural networks) and one of its codes is in the ICT sectors or in
-- research (72). Fintech: one code in the ICT sectors and one in finance (64 to 66), or "fintech" in the name.
WITH located AS (
    SELECT
        c.*,
        regexp_extract(upper(replace(c.postcode, ' ', '')), '^([A-Z]{1,2}[0-9][A-Z0-9]?)[0-9][A-Z]{2}$', 1)
            AS postcode_area
    FROM core.companies AS c
),
standing AS (
    SELECT located.*, areas.district
    FROM located
    INNER JOIN reference.district_postcode_areas AS areas ON located.postcode_area = areas.postcode_area
),
codes AS (
    SELECT company_number, district, 1 AS place, sic_code_1 AS sic_code FROM standing WHERE sic_code_1 IS NOT NULL
    UNION ALL
    SELECT company_number, district, 2 AS place, sic_code_2 FROM standing WHERE sic_code_2 IS NOT NULL
    UNION ALL
    SELECT company_number, district, 3 AS place, sic_code_3 FROM standing WHERE sic_code_3 IS NOT NULL
    UNION ALL
    SELECT company_number, district, 4 AS place, sic_code_4 FROM standing WHERE sic_code_4 IS NOT NULL
),
classified_codes AS (
    SELECT distinct_codes.sic_code, sectors.sector_code, sectors.is_tech
    FROM (SELECT DISTINCT sic_code FROM codes) AS distinct_codes
    INNER JOIN reference.sector_prefixes AS prefixes
        ON substr(distinct_codes.sic_code, 1, length(prefixes.sic_prefix)) = prefixes.sic_prefix
    INNER JOIN reference.sectors AS sectors ON prefixes.sector_code = sectors.sector_code
    QUALIFY row_number() OVER (PARTITION BY distinct_codes.sic_code ORDER BY sectors.position) = 1
),
classified AS (
    SELECT
        codes.company_number,
        codes.district,
        -- the first ICT code a company names, or else its first code
        arg_min(classified_codes.sector_code, codes.place + CASE WHEN is_tech THEN 0 ELSE 10 END) AS sector_code,
        bool_or(classified_codes.is_tech) AS is_tech,
        bool_or(classified_codes.sector_code = 'research') AS is_research,
        bool_or(classified_codes.sector_code = 'finance') AS is_finance
    FROM codes
    INNER JOIN classified_codes ON codes.sic_code = classified_codes.sic_code
    GROUP BY codes.company_number, codes.district
)
SELECT
    standing.district,
    standing.company_number,
    standing.company_name,
    standing.company_category,
    standing.company_status,
    standing.country_of_origin,
    standing.accounts_category,
    standing.incorporation_date,
    standing.postcode,
    standing.postcode_area,
    standing.sic_code_1,
    standing.sic_code_2,
    standing.sic_code_3,
    standing.sic_code_4,
    coalesce(classified.sector_code, 'not_stated') AS sector_code,
    coalesce(classified.is_tech, false) AS is_tech,
    coalesce(classified.is_tech OR classified.is_research, false)
    AND coalesce(
        regexp_matches(
            upper(standing.company_name),
            '(^|[^A-Z0-9])(AI|A[.]I[.]?|ARTIFICIAL INTELLIGENCE|MACHINE LEARNING|DEEP LEARNING|NEURAL NETWORKS?)'
            || '($|[^A-Z0-9])'
        ),
        false
    ) AS is_ai,
    coalesce(classified.is_tech AND classified.is_finance, false)
    OR coalesce(upper(standing.company_name) LIKE '%FINTECH%', false) AS is_fintech,
    standing.register_source_code,
    standing.as_of_date,
    standing._told_by,
    standing._first_seen_date,
    standing._vanished_date,
    standing._held_since_date,
    standing._held_columns
FROM standing
LEFT JOIN classified
    ON standing.company_number = classified.company_number AND standing.district = classified.district
