-- A row a mention of an organisation: each name in a record of a source that is no register. Where a record names
-- several, mention_number tells them apart. An identifier that the record states is the first organisation's.
-- mention_date is the last day that the record may speak of; an organisation founded later is not meant.
WITH places AS (
    SELECT listed.place FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) AS listed (place)
),
mentions AS (
    SELECT
        'agile_pilots' AS source_code,
        'pilots' AS table_code,
        pilots.pilot_id AS record_key,
        places.place AS mention_number,
        trim(split_part(pilots.organisation, ';', places.place)) AS mentioned_name,
        CASE WHEN places.place = 1 AND pilots.business_id IS NOT NULL THEN 'FI-PRO' END AS scheme_code,
        CASE WHEN places.place = 1 THEN pilots.business_id END AS local_id,
        NULL AS postcode,
        pilots.city,
        NULL AS country_code,
        coalesce(pilots.end_date, pilots.start_date, make_date(rounds.round_year, 12, 31)) AS mention_date
    FROM agile_pilots.pilots AS pilots
    LEFT JOIN agile_pilots.rounds AS rounds ON pilots.round_id = rounds.round_id
    CROSS JOIN places
    UNION ALL
    SELECT
        'future_fifty' AS source_code,
        'memberships' AS table_code,
        concat_ws(' / ', members.programme, members.cohort_label, members.company_name) AS record_key,
        1 AS mention_number,
        members.company_name AS mentioned_name,
        CASE WHEN members.company_number IS NOT NULL THEN 'GB-COH' END AS scheme_code,
        members.company_number AS local_id,
        NULL AS postcode,
        NULL AS city,
        NULL AS country_code,
        coalesce(
            make_date(cohorts.cohort_year, 12, 31), members.entry_date, make_date(members.status_year, 12, 31)
        ) AS mention_date
    FROM future_fifty.memberships AS members
    LEFT JOIN future_fifty.cohorts AS cohorts
        ON members.programme = cohorts.programme AND members.cohort_label = cohorts.cohort_label
    UNION ALL
    SELECT
        'here_east' AS source_code,
        'tenants' AS table_code,
        tenants.organisation AS record_key,
        1 AS mention_number,
        tenants.organisation AS mentioned_name,
        CASE WHEN tenants.company_number IS NOT NULL THEN 'GB-COH' END AS scheme_code,
        tenants.company_number AS local_id,
        'E20 3BS' AS postcode,  -- the campus
        'London' AS city,
        'GB' AS country_code,
        make_date(coalesce(tenants.status_year, tenants.opened_year), 12, 31) AS mention_date
    FROM here_east.tenants AS tenants
    UNION ALL
    SELECT
        'plexal' AS source_code,
        'members' AS table_code,
        concat_ws(' / ', members.programme, members.cohort_label, members.company_name) AS record_key,
        1 AS mention_number,
        members.company_name AS mentioned_name,
        CASE WHEN members.company_number IS NOT NULL THEN 'GB-COH' END AS scheme_code,
        members.company_number AS local_id,
        NULL AS postcode,
        NULL AS city,
        NULL AS country_code,
        members.entry_date AS mention_date
    FROM plexal.members AS members
    UNION ALL
    SELECT
        'threesixty_giving' AS source_code,
        'grants' AS table_code,
        given.grant_id AS record_key,
        1 AS mention_number,
        given.recipient_name AS mentioned_name,
        CASE
            -- an id that a funder gave itself is of no register, so the name has to tell
            WHEN NOT starts_with(given.recipient_org_id, '360G-')
                THEN regexp_extract(given.recipient_org_id, '^([A-Z]{2}-[A-Z0-9]+)-(.+)$', 1)
        END AS scheme_code,
        CASE
            WHEN NOT starts_with(given.recipient_org_id, '360G-')
                THEN regexp_extract(given.recipient_org_id, '^([A-Z]{2}-[A-Z0-9]+)-(.+)$', 2)
        END AS local_id,
        given.recipient_postcode AS postcode,
        NULL AS city,
        NULL AS country_code,
        given.award_date AS mention_date
    FROM threesixty_giving.grants AS given
    ANTI JOIN threesixty_giving.individual_grant_ids AS individual ON given.grant_id = individual.grant_id
    WHERE given.recipient_kind_code = 'organisation'
    UNION ALL
    SELECT
        'structural_funds' AS source_code,
        'finnish_projects' AS table_code,
        projects.project_code AS record_key,
        1 AS mention_number,
        projects.lead_organisation AS mentioned_name,
        NULL AS scheme_code,
        NULL AS local_id,
        NULL AS postcode,
        NULL AS city,
        'FI' AS country_code,
        coalesce(projects.end_date, projects.start_date) AS mention_date
    FROM structural_funds.finnish_projects AS projects
    WHERE projects.lead_kind_code = 'organisation'
    UNION ALL
    SELECT
        'structural_funds' AS source_code,
        'english_projects' AS table_code,
        projects.project_ref AS record_key,
        1 AS mention_number,
        projects.recipient_organisation AS mentioned_name,
        NULL AS scheme_code,
        NULL AS local_id,
        projects.postcode,
        NULL AS city,
        'GB' AS country_code,
        coalesce(projects.end_date, projects.start_date) AS mention_date
    FROM structural_funds.english_projects AS projects
    WHERE projects.recipient_kind_code = 'organisation'
)
SELECT
    mentions.source_code,
    mentions.table_code,
    mentions.record_key,
    mentions.mention_number,
    mentions.mentioned_name,
    nullif(mentions.scheme_code, '') AS scheme_code,
    nullif(mentions.local_id, '') AS local_id,
    CAST(mentions.postcode AS VARCHAR) AS postcode,
    mentions.city,
    CAST(mentions.country_code AS VARCHAR) AS country_code,
    mentions.mention_date
FROM mentions
WHERE mentions.mentioned_name <> ''
