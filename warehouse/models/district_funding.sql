-- A row a project and organisation: in Finland the projects and leads that are listed (code lists
-- district_projects and district_organisations), in England the projects whose recipient's postcode lies in a
-- district, and those of London. What is planned and what was realised, euros and pounds stand in columns of their
-- own.
WITH finnish AS (
    SELECT
        projects.*,
        listed.code IS NOT NULL AS is_listed_project,
        (
            SELECT count(*) FROM reference.codes AS organisations
            WHERE
                organisations.list = 'district_organisations'
                AND starts_with(lower(projects.lead_organisation), lower(organisations.title))
        ) > 0 AS is_listed_organisation
    FROM structural_funds.finnish_projects AS projects
    LEFT JOIN reference.codes AS listed
        ON listed.list = 'district_projects' AND projects.project_code = listed.code
),
english AS (
    SELECT
        projects.*,
        (
            SELECT min(areas.district) FROM reference.district_postcode_areas AS areas
            WHERE areas.postcode_area = split_part(projects.postcode, ' ', 1)
        ) AS district_id
    FROM structural_funds.english_projects AS projects
),
projects AS (
    SELECT
        'FI-' || finnish.project_code AS project_id,
        'FI' AS country_code,
        finnish.project_code AS funding_project_code,
        finnish.project_name,
        finnish.fund_code,
        finnish.lead_organisation AS organisation,
        finnish.lead_kind_code AS recipient_kind_code,
        finnish.authority,
        CAST(NULL AS VARCHAR) AS lep_area,
        CAST(NULL AS VARCHAR) AS postcode,
        CAST(NULL AS VARCHAR) AS district_id,
        CASE WHEN finnish.is_listed_project THEN 'listed_project' ELSE 'listed_organisation' END AS basis_code,
        finnish.status_code,
        finnish.start_date,
        CASE WHEN finnish.start_date IS NOT NULL THEN 'day' END AS start_precision_code,
        finnish.end_date,
        CASE WHEN finnish.end_date IS NOT NULL THEN 'day' END AS end_precision_code,
        finnish.granted_eu_state_eur,
        finnish.planned_public_eur - finnish.granted_eu_state_eur AS planned_other_public_eur,
        finnish.planned_public_eur,
        finnish.paid_eu_state_eur,
        finnish.realised_public_eur - finnish.paid_eu_state_eur AS realised_other_public_eur,
        finnish.realised_public_eur,
        CAST(NULL AS DECIMAL(18, 2)) AS eu_gbp,
        CAST(NULL AS DECIMAL(18, 2)) AS other_gbp,
        CAST(NULL AS DECIMAL(18, 2)) AS total_cost_gbp,
        CAST(NULL AS DECIMAL(18, 4)) AS eu_share_pct,
        finnish._held_since_date,
        finnish._held_columns
    FROM finnish
    WHERE finnish.is_listed_project OR finnish.is_listed_organisation
    UNION ALL BY NAME
    SELECT
        'GB-' || english.project_ref AS project_id,
        'GB' AS country_code,
        english.project_name,
        english.fund_code,
        english.recipient_organisation AS organisation,
        english.recipient_kind_code,
        english.lep_area,
        english.postcode,
        english.district_id,
        CASE WHEN english.district_id IS NOT NULL THEN 'district_postcode' ELSE 'region' END AS basis_code,
        english.start_date,
        english.start_precision_code,
        english.end_date,
        english.end_precision_code,
        english.eu_gbp,
        english.total_cost_gbp - english.eu_gbp AS other_gbp,
        english.total_cost_gbp,
        english.eu_share_pct,
        english._held_since_date,
        english._held_columns
    FROM english
    WHERE english.district_id IS NOT NULL OR english.lep_area = 'London'
)
SELECT
    projects.project_id,
    projects.country_code,
    projects.funding_project_code,
    projects.project_name,
    projects.fund_code,
    funds.title AS fund_title,
    projects.organisation,
    projects.recipient_kind_code,
    projects.authority,
    projects.lep_area,
    projects.postcode,
    projects.district_id,
    projects.basis_code,
    projects.status_code,
    projects.start_date,
    projects.start_precision_code,
    projects.end_date,
    projects.end_precision_code,
    projects.granted_eu_state_eur,
    projects.planned_other_public_eur,
    projects.planned_public_eur,
    projects.paid_eu_state_eur,
    projects.realised_other_public_eur,
    projects.realised_public_eur,
    projects.eu_gbp,
    projects.other_gbp,
    projects.total_cost_gbp,
    projects.eu_share_pct,
    projects._held_since_date AS held_since_date,
    projects._held_columns AS held_columns
FROM projects
LEFT JOIN reference.codes AS funds ON funds.list = 'structural_funds' AND projects.fund_code = funds.code
