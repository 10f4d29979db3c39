-- A row a follow-up, with the pilot it is of. A pilot that no workbook of pilots has leaves its columns empty.
SELECT
    followups.followup_id,
    followups.pilot_id,
    pilots.pilot_name,
    pilots.programme,
    pilots.theme_code,
    pilots.organisation,
    pilots.end_date,
    followups.followup_date,
    followups.date_precision_code,
    date_diff('month', pilots.end_date, followups.followup_date) AS months_since_end_count,
    followups.outcome_code,
    outcomes.title AS outcome_title,
    followups.reason_code,
    followups.reason_text,
    followups.places_text,
    followups.places_count,
    followups.contract_value_eur,
    followups.confidence_code,
    followups.source_url,
    followups.source_note,
    least(followups._held_since_date, pilots._held_since_date) AS held_since_date,
    followups._held_columns AS held_columns
FROM pilot_followups.followups AS followups
LEFT JOIN agile_pilots.pilots AS pilots ON followups.pilot_id = pilots.pilot_id
LEFT JOIN reference.codes AS outcomes
    ON outcomes.list = 'followup_outcomes' AND followups.outcome_code = outcomes.code
