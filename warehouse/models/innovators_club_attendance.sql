-- A row a meeting and kind of people: how many came, and how many of them for the first time.
SELECT
    a.meeting_id,
    m.meeting_name,
    m.meeting_date,
    m.date_precision_code,
    a.stakeholder_kind_code,
    kinds.title AS stakeholder_kind_title,
    a.attendance_count,
    a.first_timers_count,
    least(a._held_since_date, m._held_since_date) AS held_since_date,
    nullif(concat_ws(';', a._held_columns, m._held_columns), '') AS held_columns
FROM innovators_club.attendance AS a
LEFT JOIN innovators_club.meetings AS m ON a.meeting_id = m.meeting_id
LEFT JOIN reference.codes AS kinds ON kinds.list = 'stakeholder_kinds' AND a.stakeholder_kind_code = kinds.code
