-- A row a pilot, with what is known of the round it was chosen in.
SELECT
    pilots.pilot_id,
    pilots.pilot_name,
    pilots.programme,
    pilots.round_id,
    rounds.round_label,
    rounds.round_year,
    rounds.offers_count,
    rounds.selected_count,
    pilots.district,
    pilots.city,
    pilots.theme_code,
    themes.title AS theme_title,
    pilots.secondary_theme_code,
    pilots.organisation,
    pilots.business_id,
    pilots.description,
    pilots.result,
    pilots.period_text,
    pilots.start_date,
    pilots.end_date,
    pilots.date_precision_code,
    date_diff('day', pilots.start_date, pilots.end_date) + 1 AS duration_days,
    pilots.grant_eur,
    pilots.participants_count,
    pilots.confidence_code,
    pilots.source_url,
    least(pilots._held_since_date, rounds._held_since_date) AS held_since_date,
    nullif(concat_ws(';', pilots._held_columns, rounds._held_columns), '') AS held_columns
FROM agile_pilots.pilots AS pilots
LEFT JOIN agile_pilots.rounds AS rounds ON pilots.round_id = rounds.round_id
LEFT JOIN reference.codes AS themes ON themes.list = 'themes' AND pilots.theme_code = themes.code
