-- The companies that the register's API is asked for one by one, between two monthly files: a row a company and
-- reason, with its priority (1 before 2 before 3). Within a priority, who was asked longest ago comes first.
--
-- 1: companies that some list names (a cohort, tenants, recipients of grants, pilots), by number or by name.
-- 2: tech companies of a district that are known only from a search, so that little is known of them.
-- 3: all other tech companies of a district, as long as they are not gone.
WITH listed AS (
    SELECT local_id AS company_number
    FROM identities.matches
    WHERE scheme_code = 'GB-COH' AND candidate_number = 1 AND state_code IN ('automatic', 'confirmed')
),
reasons AS (
    SELECT
        company_number,
        1 AS priority
    FROM listed
    UNION ALL
    SELECT
        company_number,
        CASE WHEN _told_by = 'search' THEN 2 ELSE 3 END AS priority
    FROM core.district_companies
    WHERE is_tech AND _vanished_date IS NULL
)
SELECT
    reasons.company_number,
    reasons.priority
FROM reasons
-- a list of people's may hold anything as a number
WHERE regexp_matches(reasons.company_number, '^([0-9]{8}|R[0-9]{7}|[A-Z]{2}[0-9]{4}[0-9A-Z]{2})$')
