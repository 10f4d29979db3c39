-- A row a pilot and measure: how many answered, and the mean. Only responses that were submitted count.
SELECT
    surveys.pilot_id,
    pilots.pilot_name,
    pilots.programme,
    pilots.theme_code,
    responses.measure_code,
    count(responses.value) AS answers_count,
    round(avg(responses.value), 2) AS mean_value
FROM surveys.responses AS responses
INNER JOIN surveys.surveys AS surveys ON responses.survey_id = surveys.survey_id
LEFT JOIN agile_pilots.pilots AS pilots ON surveys.pilot_id = pilots.pilot_id
WHERE responses.is_complete AND responses.value IS NOT NULL
GROUP BY ALL
