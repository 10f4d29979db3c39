-- A row a year and sector, 2008 to the year of the data: founded, dissolved, active at the year's end (in the last
-- year: on the day of the data), and the share in AI.
--
-- The register's file lists live companies only. For years before the first file that we hold, those who have left
-- since are unknown: the counts are of survivors (basis_code = 'survivors') and dissolved_count is empty.
WITH span AS (
    SELECT
        as_of_date,
        extract(YEAR FROM as_of_date) AS last_year,
        (SELECT extract(YEAR FROM min(snapshots.snapshot_date)) FROM companies_house.snapshots AS snapshots)
            AS first_observed_year
    FROM reference.run
),
years AS (
    SELECT
        listed.year_number AS year,
        least(make_date(CAST(listed.year_number AS INTEGER), 12, 31), span.as_of_date) AS year_end,
        span.first_observed_year
    FROM span, unnest(generate_series(2008, CAST(span.last_year AS BIGINT))) AS listed (year_number)
),
companies AS (
    SELECT * FROM core.district_companies WHERE district = 'tech-city' AND incorporation_date IS NOT NULL
),
counted AS (
    SELECT
        years.year,
        companies.sector_code,
        count(*) FILTER (WHERE extract(YEAR FROM companies.incorporation_date) = years.year) AS founded_count,
        count(*) FILTER (
            WHERE companies._vanished_date IS NULL OR companies._vanished_date > years.year_end
        ) AS active_count,
        count(*) FILTER (WHERE extract(YEAR FROM companies._vanished_date) = years.year) AS dissolved_count,
        count(*) FILTER (
            WHERE companies.is_ai
            AND (companies._vanished_date IS NULL OR companies._vanished_date > years.year_end)
        ) AS ai_active_count
    FROM years
    INNER JOIN companies ON years.year_end >= companies.incorporation_date
    GROUP BY years.year, companies.sector_code
)
SELECT
    years.year,
    sectors.sector_code,
    sectors.sector_title,
    sectors.is_tech,
    coalesce(counted.founded_count, 0) AS founded_count,
    coalesce(counted.active_count, 0) AS active_count,
    CASE WHEN years.year >= years.first_observed_year THEN coalesce(counted.dissolved_count, 0) END
        AS dissolved_count,
    coalesce(counted.ai_active_count, 0) AS ai_active_count,
    CASE WHEN counted.active_count > 0 THEN round(100.0 * counted.ai_active_count / counted.active_count, 2) END
        AS ai_share_pct,
    CASE WHEN years.year >= years.first_observed_year THEN 'observed' ELSE 'survivors' END AS basis_code
FROM years
CROSS JOIN reference.sectors AS sectors
LEFT JOIN counted ON years.year = counted.year AND sectors.sector_code = counted.sector_code
