-- A row a grant: those that pilots got, as their coordinators tell of them, and those that funders publish. A pilot's
-- grant that its funder publishes too is one row. What is contained in another row, or may be, has is_counted false.
WITH pilots AS (
    SELECT
        pilots.*,
        'FI-PRO-' || pilots.business_id AS recipient_org_id,
        rounds.funding_project_code,
        projects.lead_organisation AS funder_name,
        least(pilots._held_since_date, rounds._held_since_date) AS held_since_date,
        nullif(concat_ws(';', pilots._held_columns, rounds._held_columns), '') AS held_columns
    FROM agile_pilots.pilots AS pilots
    LEFT JOIN agile_pilots.rounds AS rounds ON pilots.round_id = rounds.round_id
    LEFT JOIN structural_funds.finnish_projects AS projects ON rounds.funding_project_code = projects.project_code
    WHERE pilots.grant_eur IS NOT NULL
),
-- The same recipient in the same register, in euros, awarded between a year before the pilot and its end.
near AS (
    SELECT
        pilots.pilot_id,
        grants.grant_id,
        grants.amount_awarded = pilots.grant_eur AS is_equal
    FROM pilots
    INNER JOIN threesixty_giving.grants AS grants
        ON
            pilots.recipient_org_id = grants.recipient_org_id
            AND grants.currency_code = 'EUR'
            AND grants.award_date BETWEEN pilots.start_date - INTERVAL 1 YEAR
            AND coalesce(pilots.end_date, pilots.start_date + INTERVAL 6 MONTH)
),
-- One grant is one pilot's: only where both have no other of the same amount.
same AS (
    SELECT
        near.pilot_id,
        near.grant_id
    FROM near
    WHERE near.is_equal
    QUALIFY
        count(*) OVER (PARTITION BY near.pilot_id) = 1
        AND count(*) OVER (PARTITION BY near.grant_id) = 1
),
-- Money that its recipient gives on: the grants out of it name it.
contained AS (
    SELECT DISTINCT grants.grant_id
    FROM threesixty_giving.grants AS grants
    INNER JOIN threesixty_giving.grants AS whole
        ON
            list_contains(string_split(grants.related_activity, '; '), whole.grant_id)
            AND whole.regrant_type IS NOT NULL
            AND whole.grant_id <> grants.grant_id
),
told AS (
    SELECT
        pilots.pilot_id AS grant_id,
        same.grant_id AS funder_grant_id,
        CASE WHEN same.grant_id IS NULL THEN 'coordinator' ELSE 'both' END AS told_by_code,
        pilots.pilot_id,
        coalesce(grants.grant_title, pilots.pilot_name) AS grant_title,
        coalesce(pilots.description, grants.description) AS description,
        coalesce(pilots.programme, grants.programme_title) AS programme,
        pilots.theme_code,
        coalesce(grants.funder_name, pilots.funder_name) AS funder_name,
        grants.funder_org_id,
        coalesce(grants.recipient_name, pilots.organisation) AS recipient_name,
        pilots.recipient_org_id,
        'organisation' AS recipient_kind_code,
        'EUR' AS currency_code,
        pilots.grant_eur AS amount_awarded,
        coalesce(grants.award_date, pilots.start_date) AS award_date,
        CASE
            WHEN grants.award_date IS NOT NULL THEN grants.award_precision_code
            WHEN pilots.start_date IS NOT NULL THEN coalesce(pilots.date_precision_code, 'day')
        END AS award_precision_code,
        CASE
            WHEN grants.award_date IS NOT NULL THEN 'stated'
            WHEN pilots.start_date IS NOT NULL THEN 'pilot_start'
        END AS award_basis_code,
        pilots.start_date,
        pilots.end_date,
        pilots.funding_project_code,
        CAST(NULL AS VARCHAR) AS not_counted_reason_code,
        true AS is_public_money,
        pilots.source_url,
        least(pilots.held_since_date, grants._held_since_date) AS held_since_date,
        nullif(concat_ws(';', pilots.held_columns, grants._held_columns), '') AS held_columns
    FROM pilots
    LEFT JOIN same ON pilots.pilot_id = same.pilot_id
    LEFT JOIN threesixty_giving.grants AS grants ON same.grant_id = grants.grant_id
    UNION ALL BY NAME
    SELECT
        grants.grant_id,
        grants.grant_id AS funder_grant_id,
        'funder' AS told_by_code,
        grants.grant_title,
        grants.description,
        grants.programme_title AS programme,
        grants.funder_name,
        grants.funder_org_id,
        grants.recipient_name,
        grants.recipient_org_id,
        grants.recipient_kind_code,
        grants.currency_code,
        grants.amount_awarded,
        grants.award_date,
        grants.award_precision_code,
        'stated' AS award_basis_code,
        grants.planned_start_date AS start_date,
        grants.planned_end_date AS end_date,
        CASE
            WHEN contained.grant_id IS NOT NULL THEN 'in_other_grant'
            WHEN grants.grant_id IN (SELECT near.grant_id FROM near) THEN 'may_be_pilots'
        END AS not_counted_reason_code,
        -- registers of public bodies: ministries, councils, the health service
        CASE
            WHEN regexp_matches(grants.funder_org_id, '^GB-(GOR|LAE|LAS|NHS)-') THEN true
        END AS is_public_money,
        grants.grant_url AS source_url,
        grants._held_since_date AS held_since_date,
        grants._held_columns AS held_columns
    FROM threesixty_giving.grants AS grants
    LEFT JOIN contained ON grants.grant_id = contained.grant_id
    WHERE grants.grant_id NOT IN (SELECT same.grant_id FROM same)
)
SELECT
    told.grant_id,
    told.funder_grant_id,
    told.told_by_code,
    told.pilot_id,
    told.grant_title,
    told.description,
    told.programme,
    told.theme_code,
    themes.title AS theme_title,
    told.funder_name,
    told.funder_org_id,
    told.recipient_name,
    told.recipient_org_id,
    told.recipient_kind_code,
    told.currency_code,
    told.amount_awarded,
    CASE WHEN told.currency_code = 'EUR' THEN told.amount_awarded END AS grant_eur,
    CASE WHEN told.currency_code = 'GBP' THEN told.amount_awarded END AS grant_gbp,
    told.award_date,
    told.award_precision_code,
    told.award_basis_code,
    told.start_date,
    told.end_date,
    told.funding_project_code,
    told.not_counted_reason_code IS NULL AS is_counted,
    told.not_counted_reason_code,
    told.is_public_money,
    told.source_url,
    told.held_since_date,
    told.held_columns
FROM told
LEFT JOIN reference.codes AS themes ON themes.list = 'themes' AND told.theme_code = themes.code
