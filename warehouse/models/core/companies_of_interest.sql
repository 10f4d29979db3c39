-- The companies that the register's API is asked for one by one, between two monthly files: a row a company and
-- reason, with its priority (1 before 2 before 3). Within a priority, who was asked longest ago comes first.
--
-- 2: tech companies of a district that are known only from a search, so that little is known of them.
-- 3: all other tech companies of a district, as long as they are not gone.
SELECT
    company_number,
    CASE WHEN _told_by = 'search' THEN 2 ELSE 3 END AS priority
FROM core.district_companies
WHERE is_tech AND _vanished_date IS NULL
