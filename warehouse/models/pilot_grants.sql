-- A row a grant: those that pilots got, as their coordinators tell of them, and those that funders publish. A
-- pilot's grant that its funder publishes too is one row. What is contained in another row, or may be, has
-- is_counted false.
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
-- A grant that any package, earlier or later, says went to a person is none of ours.
funders_grants AS (
    SELECT given.*
    FROM threesixty_giving.grants AS given
    ANTI JOIN threesixty_giving.individual_grant_ids AS individual ON given.grant_id = individual.grant_id
),
-- The same recipient in the same register, in euros, awarded between a year before the pilot and its end.
near AS (
    SELECT
        pilots.pilot_id,
        given.grant_id,
        given.amount_awarded = pilots.grant_eur AS is_equal
    FROM pilots
    INNER JOIN funders_grants AS given
        ON
            pilots.recipient_org_id = given.recipient_org_id
            AND given.currency_code = 'EUR'
            AND given.award_date BETWEEN pilots.start_date - INTERVAL 1 YEAR
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
    SELECT DISTINCT given.grant_id
    FROM funders_grants AS given
    INNER JOIN funders_grants AS whole
        ON
            list_contains(string_split(given.related_activity, '; '), whole.grant_id)
            AND whole.regrant_type IS NOT NULL
            AND given.grant_id <> whole.grant_id
),
told AS (
    SELECT
        pilots.pilot_id AS grant_id,
        same.grant_id AS funder_grant_id,
        CASE WHEN same.grant_id IS NULL THEN 'coordinator' ELSE 'both' END AS told_by_code,
        pilots.pilot_id,
        coalesce(given.grant_title, pilots.pilot_name) AS grant_title,
        coalesce(pilots.description, given.description) AS description,
        coalesce(pilots.programme, given.programme_title) AS programme,
        pilots.theme_code,
        coalesce(given.funder_name, pilots.funder_name) AS funder_name,
        given.funder_org_id,
        coalesce(given.recipient_name, pilots.organisation) AS recipient_name,
        pilots.recipient_org_id,
        'organisation' AS recipient_kind_code,
        'EUR' AS currency_code,
        pilots.grant_eur AS amount_awarded,
        coalesce(given.award_date, pilots.start_date) AS award_date,
        CASE
            WHEN given.award_date IS NOT NULL THEN given.award_precision_code
            WHEN pilots.start_date IS NOT NULL THEN coalesce(pilots.date_precision_code, 'day')
        END AS award_precision_code,
        CASE
            WHEN given.award_date IS NOT NULL THEN 'stated'
            WHEN pilots.start_date IS NOT NULL THEN 'pilot_start'
        END AS award_basis_code,
        pilots.start_date,
        pilots.end_date,
        pilots.funding_project_code,
        CASE WHEN contained.grant_id IS NOT NULL THEN 'in_other_grant' END AS not_counted_reason_code,
        true AS is_public_money,
        pilots.source_url,
        least(pilots.held_since_date, given._held_since_date) AS held_since_date,
        nullif(concat_ws(';', pilots.held_columns, given._held_columns), '') AS held_columns
    FROM pilots
    LEFT JOIN same ON pilots.pilot_id = same.pilot_id
    LEFT JOIN funders_grants AS given ON same.grant_id = given.grant_id
    LEFT JOIN contained ON same.grant_id = contained.grant_id
    UNION ALL BY NAME
    SELECT
        given.grant_id,
        given.grant_id AS funder_grant_id,
        'funder' AS told_by_code,
        given.grant_title,
        given.description,
        given.programme_title AS programme,
        given.funder_name,
        given.funder_org_id,
        given.recipient_name,
        given.recipient_org_id,
        given.recipient_kind_code,
        given.currency_code,
        given.amount_awarded,
        given.award_date,
        given.award_precision_code,
        'stated' AS award_basis_code,
        given.planned_start_date AS start_date,
        given.planned_end_date AS end_date,
        CASE
            WHEN contained.grant_id IS NOT NULL THEN 'in_other_grant'
            WHEN given.grant_id IN (SELECT near.grant_id FROM near) THEN 'may_be_pilots'
        END AS not_counted_reason_code,
        -- registers of public bodies: ministries, councils, the health service
        CASE
            WHEN regexp_matches(given.funder_org_id, '^GB-(GOR|LAE|LAS|NHS)-') THEN true
        END AS is_public_money,
        given.grant_url AS source_url,
        given._held_since_date AS held_since_date,
        given._held_columns AS held_columns
    FROM funders_grants AS given
    LEFT JOIN contained ON given.grant_id = contained.grant_id
    WHERE given.grant_id NOT IN (SELECT same.grant_id FROM same)
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
