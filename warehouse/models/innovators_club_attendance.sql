-- A row a meeting and group of those who came: how many. From what disclosure control leaves of the coordinator's
-- counts alone (core/club_attendance.sql).
SELECT
    came.meeting_id,
    meetings.meeting_name,
    meetings.meeting_date,
    meetings.date_precision_code,
    came.stakeholder_kind_code,
    came.first_time_code,
    came.people_count AS attendance_count,
    came.status_code
FROM protected.club_attendance AS came
LEFT JOIN innovators_club.meetings AS meetings ON came.meeting_id = meetings.meeting_id
