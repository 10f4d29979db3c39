-- A row a meeting: what the coordinator's workbook and Linked Events say of it, together where they mean the same.
--
-- They do where the workbook names the event. Where it names none, a meeting whose day is known is the event of
-- that day; of several on one day the first is the first, the second the second, official meetings before
-- workshops and events that take place before those that do not. A series or festival is no meeting, its events
-- are.
--
-- A position that is not in Finland is none: longitude and latitude changed places, or the unit is another.
--
-- Of the two the workbook is the record of what took place: its date counts where it is exact to the day.
WITH announced AS (
    SELECT
        e.event_id,
        coalesce(e.event_name_en, e.event_name_fi, e.event_name_sv) AS event_name,
        coalesce(e.short_description_en, e.short_description_fi, e.short_description_sv) AS short_description,
        coalesce(e.place_name_en, e.place_name_fi, e.place_name_sv) AS place_name,
        e.start_date,
        e.event_status_code,
        CASE WHEN e.longitude BETWEEN 19 AND 32 AND e.latitude BETWEEN 59 AND 71 THEN e.longitude END AS longitude,
        CASE WHEN e.longitude BETWEEN 19 AND 32 AND e.latitude BETWEEN 59 AND 71 THEN e.latitude END AS latitude,
        e.district_code,
        e.info_url,
        e.source_url,
        e.start_time,
        e._held_since_date,
        e._held_columns
    FROM linked_events.events AS e
    WHERE e.super_event_type_code IS NULL
),
free_meetings AS (
    SELECT
        m.meeting_id,
        m.meeting_date,
        row_number() OVER (
            PARTITION BY m.meeting_date
            ORDER BY m.meeting_kind_code, m.meeting_id
        ) AS place_in_day
    FROM innovators_club.meetings AS m
    WHERE m.event_id IS NULL AND m.meeting_date IS NOT NULL AND m.date_precision_code = 'day'
),
free_events AS (
    SELECT
        a.event_id,
        a.start_date,
        row_number() OVER (
            PARTITION BY a.start_date
            ORDER BY coalesce(a.event_status_code IN ('cancelled', 'postponed'), false), a.start_time, a.event_id
        ) AS place_in_day
    FROM announced AS a
    WHERE a.start_date IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM innovators_club.meetings AS m WHERE m.event_id = a.event_id
    )
),
pairs AS (
    SELECT m.meeting_id, m.event_id
    FROM innovators_club.meetings AS m
    WHERE m.event_id IS NOT NULL
    UNION ALL
    SELECT m.meeting_id, e.event_id
    FROM free_meetings AS m
    INNER JOIN free_events AS e ON m.meeting_date = e.start_date AND m.place_in_day = e.place_in_day
),
kept AS (
    SELECT m.*, p.event_id AS paired_event_id
    FROM innovators_club.meetings AS m
    LEFT JOIN pairs AS p ON m.meeting_id = p.meeting_id
),
joined AS (
    SELECT
        coalesce(k.meeting_id, a.event_id) AS meeting_id,
        coalesce(k.meeting_name, a.event_name) AS meeting_name,
        coalesce(k.meeting_kind_code, 'meeting') AS meeting_kind_code,
        coalesce(CASE WHEN k.date_precision_code = 'day' THEN k.meeting_date END, a.start_date, k.meeting_date)
            AS meeting_date,
        CASE
            WHEN k.date_precision_code = 'day' AND k.meeting_date IS NOT NULL THEN 'day'
            WHEN a.start_date IS NOT NULL THEN 'day'
            ELSE k.date_precision_code
        END AS date_precision_code,
        coalesce(k.topic, a.short_description) AS topic,
        coalesce(k.place_name, a.place_name) AS place_name,
        a.district_code,
        a.longitude,
        a.latitude,
        coalesce(a.event_id, k.event_id) AS event_id,
        a.event_status_code,
        a.info_url,
        k.confidence_code,
        coalesce(k.source_url, a.source_url) AS source_url,
        k.source_note,
        least(k._held_since_date, a._held_since_date) AS held_since_date,
        nullif(concat_ws(';', k._held_columns, a._held_columns), '') AS held_columns
    FROM kept AS k
    FULL JOIN announced AS a ON k.paired_event_id = a.event_id
)
SELECT
    joined.meeting_id,
    joined.meeting_name,
    joined.meeting_kind_code,
    kinds.title AS meeting_kind_title,
    joined.meeting_date,
    joined.date_precision_code,
    joined.topic,
    joined.place_name,
    joined.district_code,
    joined.longitude,
    joined.latitude,
    joined.event_id,
    joined.event_status_code,
    joined.info_url,
    joined.confidence_code,
    joined.source_url,
    joined.source_note,
    joined.held_since_date,
    joined.held_columns
FROM joined
LEFT JOIN reference.codes AS kinds ON kinds.list = 'meeting_kinds' AND joined.meeting_kind_code = kinds.code
