-- A row a mention whose organisation is sure: found by the registers alone (automatic), or said by a person
-- (confirmed). Other models join it by source_code, table_code and record_key, and by mention_number where a
-- record may name several.
SELECT
    matches.source_code,
    matches.table_code,
    matches.record_key,
    matches.mention_number,
    matches.mentioned_name,
    matches.org_id,
    matches.scheme_code,
    matches.local_id,
    matches.register_name,
    matches.evidence_codes,
    matches.score,
    matches.state_code
FROM identities.matches AS matches
WHERE matches.candidate_number = 1 AND matches.state_code IN ('automatic', 'confirmed')
