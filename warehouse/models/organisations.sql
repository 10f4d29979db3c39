-- A row a record that names an organisation, in a list or in a register: which organisation it is. Of registers
-- only the organisations that some list names. A mention whose organisation is doubtful or unknown has no org_id.
-- A decision of a coordinator that speaks of nothing any more is a row too: the rules hold the dataset then.
WITH facts AS (
    SELECT scheme_code || '-' || local_id AS org_id, founded_date, ended_date
    FROM core.register_names
    WHERE is_current AND is_main
    QUALIFY row_number() OVER (PARTITION BY scheme_code, local_id ORDER BY register_name) = 1
),
likeliest AS (
    SELECT * FROM identities.matches WHERE candidate_number = 1
),
mentioned AS (
    SELECT
        mentions.source_code,
        mentions.table_code,
        mentions.record_key,
        mentions.mention_number,
        links.org_id,
        mentions.mentioned_name,
        links.register_name,
        links.evidence_codes,
        links.score,
        coalesce(likeliest.state_code, 'none') AS state_code
    FROM core.organisation_mentions AS mentions
    LEFT JOIN likeliest
        ON
            mentions.source_code = likeliest.source_code
            AND mentions.table_code = likeliest.table_code
            AND mentions.record_key = likeliest.record_key
            AND mentions.mention_number = likeliest.mention_number
    LEFT JOIN core.organisation_links AS links
        ON
            mentions.source_code = links.source_code
            AND mentions.table_code = links.table_code
            AND mentions.record_key = links.record_key
            AND mentions.mention_number = links.mention_number
),
registered AS (
    SELECT DISTINCT
        register_names.source_code,
        register_names.table_code,
        register_names.local_id AS record_key,
        0 AS mention_number,
        register_names.scheme_code || '-' || register_names.local_id AS org_id,
        register_names.register_name AS mentioned_name,
        register_names.register_name,
        'identifier' AS evidence_codes,
        1.0 AS score,
        'register' AS state_code
    FROM core.register_names AS register_names
    INNER JOIN core.organisation_links AS links
        ON register_names.scheme_code = links.scheme_code AND register_names.local_id = links.local_id
    WHERE register_names.is_current AND register_names.is_main
),
void_decisions AS (
    SELECT
        faults.source_code,
        'decisions' AS table_code,
        faults.mentioned_name || ' = ' || faults.org_id AS record_key,
        0 AS mention_number,
        faults.org_id,
        faults.mentioned_name,
        NULL AS register_name,
        faults.reason_code AS evidence_codes,
        NULL AS score,
        'void' AS state_code
    FROM identities.decision_faults AS faults
),
records AS (
    SELECT * FROM mentioned
    UNION ALL
    SELECT * FROM registered
    UNION ALL
    SELECT * FROM void_decisions
)
SELECT
    records.source_code,
    records.table_code,
    records.record_key,
    records.mention_number,
    records.mentioned_name,
    records.org_id,
    records.register_name,
    facts.founded_date,
    facts.ended_date,
    records.evidence_codes,
    records.score,
    records.state_code
FROM records
LEFT JOIN facts ON records.org_id = facts.org_id
