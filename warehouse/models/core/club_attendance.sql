-- People of whom innovators-club-attendance publishes what disclosure control leaves: a row a meeting, kind of
-- people and whether they came for the first time, with how many they were.
--
-- Where nobody asked who came for the first time, that is said, not guessed.
WITH counted AS (
    SELECT meeting_id, stakeholder_kind_code, attendance_count, first_timers_count
    FROM innovators_club.attendance
    WHERE attendance_count IS NOT NULL
),
parts AS (
    SELECT meeting_id, stakeholder_kind_code, 'not_asked' AS first_time_code, attendance_count
    FROM counted
    WHERE first_timers_count IS NULL
    UNION ALL
    SELECT
        meeting_id,
        stakeholder_kind_code,
        'first_time' AS first_time_code,
        first_timers_count AS attendance_count
    FROM counted
    WHERE first_timers_count IS NOT NULL
    UNION ALL
    SELECT
        meeting_id,
        stakeholder_kind_code,
        'returning' AS first_time_code,
        attendance_count - first_timers_count AS attendance_count
    FROM counted
    WHERE first_timers_count IS NOT NULL
)
SELECT meeting_id, stakeholder_kind_code, first_time_code, attendance_count
FROM parts
