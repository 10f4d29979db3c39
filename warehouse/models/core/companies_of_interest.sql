-- The companies that the register's API is asked for one by one, between two monthly files: a row a company and
-- reason, with its priority (1 before 2 before 3). Within a priority, who was asked longest ago comes first.
--
-- 1: companies of a cohort or programme, tenants, and recipients of grants, by the numbers that their lists give.
-- 2: tech companies of a district that are known only from a search, so that little is known of them.
-- 3: all other tech companies of a district, as long as they are not gone.
WITH listed AS (
    SELECT company_number FROM future_fifty.memberships
    UNION ALL
    SELECT company_number FROM plexal.members
    UNION ALL
    SELECT company_number FROM here_east.tenants
    UNION ALL
    SELECT substr(recipient_org_id, 8) AS company_number
    FROM threesixty_giving.grants
    WHERE recipient_org_id LIKE 'GB-COH-%'
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
