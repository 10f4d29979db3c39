-- People of whom pilot-evaluations publishes what disclosure control leaves: a row a resident's answer to one
-- question of one survey, of responses that were submitted. Nobody is in a survey and question twice.
--
-- A question that is answered with yes or no is counted by answer; of the others the answers are added up.
-- Who was not asked for an age has none; who was asked and did not say it, is a group too.
SELECT
    surveys.pilot_id,
    surveys.survey_id,
    responses.measure_code,
    CASE
        WHEN bool_or(responses.age_group_code IS NOT NULL) OVER (PARTITION BY responses.survey_id)
            THEN coalesce(responses.age_group_code, 'not_stated')
    END AS age_group_code,
    CASE
        WHEN responses.measure_code = 'would_use_again' AND responses.value = 1 THEN 'yes'
        WHEN responses.measure_code = 'would_use_again' THEN 'no'
    END AS answer_code,
    CASE WHEN responses.measure_code = 'satisfaction' THEN responses.value END AS satisfaction,
    CASE WHEN responses.measure_code = 'minutes_saved_a_day' THEN responses.value END AS minutes_saved_a_day
FROM surveys.responses AS responses
INNER JOIN surveys.surveys AS surveys ON responses.survey_id = surveys.survey_id
WHERE responses.is_complete AND responses.value IS NOT NULL
