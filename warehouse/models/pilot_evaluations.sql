-- A row a pilot, survey, question and group of those who answered: how many, and the mean or the share. From what
-- disclosure control leaves of the answers alone (core/survey_answers.sql).
SELECT
    answers.pilot_id,
    answers.survey_id,
    pilots.pilot_name,
    pilots.programme,
    pilots.theme_code,
    answers.measure_code,
    answers.age_group_code,
    answers.answer_code,
    answers.people_count AS answers_count,
    round(answers.satisfaction_sum / nullif(answers.people_count, 0), 2) AS mean_satisfaction,
    round(answers.minutes_saved_a_day_sum / nullif(answers.people_count, 0), 2) AS mean_saved_minutes,
    CASE
        WHEN answers.answer_code <> 'total' AND everybody.people_count > 0
            THEN round(100.0 * answers.people_count / everybody.people_count, 1)
    END AS share_pct,
    answers.status_code
FROM protected.survey_answers AS answers
LEFT JOIN protected.survey_answers AS everybody
    ON
        answers.pilot_id = everybody.pilot_id
        AND answers.survey_id = everybody.survey_id
        AND answers.measure_code = everybody.measure_code
        AND answers.age_group_code = everybody.age_group_code
        AND everybody.answer_code = 'total'
LEFT JOIN agile_pilots.pilots AS pilots ON answers.pilot_id = pilots.pilot_id
