-- A row a company, alive or gone, by the newest word of the register's two publications: its monthly bulk file,
-- and the answers of its API (records of companies that were asked for; searches for those founded and dissolved).
--
-- What models find here: company_number (unique), company_name, previous_name_1 .. 10 each with its _date (until
-- when; 1 is the latest), company_category and company_status in the file's words, country_of_origin,
-- accounts_category, incorporation_date, post_town, postcode, sic_code_1 .. 4 (five digits, without text), and
--   register_source_code: api where an answer says of these what the file does not, else bulk;
--   as_of_date: of such an answer, the date of the first one that said so; NULL where the file says the same;
--   _told_by: file, record or search: where the values come from;
--   _first_seen_date, _changed_date, _last_seen_date, _held_since_date, _held_columns: as in a source's views;
--   _vanished_date: the date of the first data that say it is gone, and that no later ones contradict.
--
-- The newer word counts, by the date of the data; on one date the API's before the file's, a record's before a
-- search's. The file says that a company is there by listing it, and that it is gone by listing it no more; of one
-- that it never listed it says nothing. A search says less than a record, so its values count only where there is
-- neither a record nor a row of the file; that a company is gone counts whoever says it.
--
-- Where both mean the same, the file's text stands: it has several words for one status (ADMINISTRATION ORDER, In
-- Administration), and no category for the accounts of the smallest.
--
-- Of millions of companies only those that the API said something of (answered) are joined with anything.
WITH record_rows AS (
    SELECT
        h.*,
        CASE
            WHEN h.company_subtype_code = 'community-interest-company' THEN h.company_subtype_code
            ELSE h.company_type_code
        END AS form_code,
        CASE
            WHEN
                h.company_status_code = 'active'
                AND h.company_status_detail_code = 'active-proposal-to-strike-off'
                THEN h.company_status_detail_code
            ELSE h.company_status_code
        END AS standing_code
    FROM companies_house_api.companies_history AS h
    WHERE NOT EXISTS (
        SELECT 1 FROM companies_house_api.companies_history AS later
        WHERE h.company_number = later.company_number AND h._changed_date < later._changed_date
    )
),
search_rows AS (
    SELECT h.* FROM companies_house_api.found_history AS h
    WHERE NOT h.has_ended AND NOT EXISTS (
        SELECT 1 FROM companies_house_api.found_history AS later
        WHERE
            h.company_number = later.company_number
            AND h._changed_date < later._changed_date
            AND NOT later.has_ended
    )
),
api_words AS (
    SELECT
        company_number,
        answered_date AS word_date,
        answer_code = 'ended' AS is_gone,
        2 AS weight
    FROM companies_house_api.answers_history
    WHERE answer_code IN ('known', 'ended')
    UNION ALL
    SELECT
        company_number,
        _changed_date AS word_date,
        has_ended AS is_gone,
        1 AS weight
    FROM companies_house_api.found_history
    UNION ALL
    SELECT
        company_number,
        _last_seen_date AS word_date,
        has_ended AS is_gone,
        1 AS weight
    FROM companies_house_api.found_history
),
answered AS (
    SELECT DISTINCT company_number FROM api_words
),
answered_versions AS (
    SELECT h.*
    FROM companies_house.companies_history AS h
    INNER JOIN answered ON h.company_number = answered.company_number
),
answered_file_rows AS (
    SELECT
        h.*,
        CASE WHEN regexp_matches(h.sic_text_1, '^[0-9]{5} - ') THEN substr(h.sic_text_1, 1, 5) END AS sic_code_1,
        CASE WHEN regexp_matches(h.sic_text_2, '^[0-9]{5} - ') THEN substr(h.sic_text_2, 1, 5) END AS sic_code_2,
        CASE WHEN regexp_matches(h.sic_text_3, '^[0-9]{5} - ') THEN substr(h.sic_text_3, 1, 5) END AS sic_code_3,
        CASE WHEN regexp_matches(h.sic_text_4, '^[0-9]{5} - ') THEN substr(h.sic_text_4, 1, 5) END AS sic_code_4
    FROM answered_versions AS h
    WHERE NOT EXISTS (
        SELECT 1 FROM answered_versions AS later
        WHERE h.company_number = later.company_number AND h._changed_date < later._changed_date
    )
),
-- who says when that a company is there or gone; words come after one another by their place
words AS (
    SELECT
        company_number,
        word_date,
        is_gone,
        3 * date_diff('day', DATE '1800-01-01', word_date) + weight AS place
    FROM (
        SELECT
            company_number,
            word_date,
            is_gone,
            weight
        FROM api_words
        UNION ALL
        SELECT
            company_number,
            _last_seen_date AS word_date,
            false AS is_gone,
            0 AS weight
        FROM answered_file_rows
        UNION ALL
        SELECT
            f.company_number,
            files.snapshot_date AS word_date,
            true AS is_gone,
            0 AS weight
        FROM answered_file_rows AS f
        INNER JOIN companies_house.snapshots AS files ON f._vanished_date <= files.snapshot_date
    ) AS said
),
last_alive AS (
    SELECT
        company_number,
        max(place) FILTER (WHERE NOT is_gone) AS place
    FROM words
    GROUP BY company_number
),
gone AS (
    SELECT
        words.company_number,
        min(words.word_date) AS vanished_date
    FROM words
    INNER JOIN last_alive ON words.company_number = last_alive.company_number
    WHERE words.is_gone AND words.place > coalesce(last_alive.place, -1)
    GROUP BY words.company_number
),
-- whose values count, of the companies that the API said something of
chosen AS (
    SELECT
        told.*,
        gone.vanished_date,
        -- what cannot be used is said of a row only if it is newer than the row
        nullif(
            least(
                CASE WHEN told.file_held > told.told_date THEN told.file_held ELSE DATE '9999-12-31' END,
                CASE WHEN told.record_held > told.told_date THEN told.record_held ELSE DATE '9999-12-31' END
            ),
            DATE '9999-12-31'
        ) AS held_since_date
    FROM (
        SELECT
            answered.company_number,
            f._held_since_date AS file_held,
            r._held_since_date AS record_held,
            CASE
                WHEN r.company_number IS NULL AND f.company_number IS NULL THEN 'search'
                WHEN f.company_number IS NULL OR f._last_seen_date <= r._last_seen_date THEN 'record'
                ELSE 'file'
            END AS told_by,
            CASE
                WHEN r.company_number IS NULL AND f.company_number IS NULL THEN s._last_seen_date
                WHEN f.company_number IS NULL OR f._last_seen_date <= r._last_seen_date THEN r._last_seen_date
                ELSE f._last_seen_date
            END AS told_date,
            least(
                coalesce(f._first_seen_date, DATE '9999-12-31'),
                coalesce(r._first_seen_date, DATE '9999-12-31'),
                coalesce(s._first_seen_date, DATE '9999-12-31')
            ) AS first_seen_date
        FROM answered
        LEFT JOIN answered_file_rows AS f ON answered.company_number = f.company_number
        LEFT JOIN record_rows AS r ON answered.company_number = r.company_number
        LEFT JOIN search_rows AS s ON answered.company_number = s.company_number
    ) AS told
    LEFT JOIN gone ON told.company_number = gone.company_number
),
-- the records in the file's words
records AS (
    SELECT
        r.company_number,
        r.company_name,
        r.previous_name_1,
        r.previous_name_1_date,
        r.previous_name_2,
        r.previous_name_2_date,
        r.previous_name_3,
        r.previous_name_3_date,
        r.previous_name_4,
        r.previous_name_4_date,
        r.previous_name_5,
        r.previous_name_5_date,
        r.previous_name_6,
        r.previous_name_6_date,
        r.previous_name_7,
        r.previous_name_7_date,
        r.previous_name_8,
        r.previous_name_8_date,
        r.previous_name_9,
        r.previous_name_9_date,
        r.previous_name_10,
        r.previous_name_10_date,
        CASE
            WHEN file_forms.code = r.form_code THEN f.company_category
            ELSE coalesce(forms.title, r.form_code)
        END AS company_category,
        CASE
            WHEN file_standings.code = r.standing_code THEN f.company_status
            ELSE coalesce(standings.title, r.standing_code)
        END AS company_status,
        coalesce(
            f.country_of_origin,
            r.country_of_origin,
            CASE
                WHEN r.jurisdiction IN ('england-wales', 'england', 'wales', 'scotland', 'northern-ireland')
                    THEN 'United Kingdom'
            END
        ) AS country_of_origin,
        CASE
            WHEN
                f.company_number IS NOT NULL
                AND (f.accounts_last_made_up_date IS NOT DISTINCT FROM r.accounts_last_made_up_date)
                THEN f.accounts_category
            WHEN r.accounts_category_code <> 'null' THEN coalesce(kinds.title, r.accounts_category_code)
        END AS accounts_category,
        coalesce(r.incorporation_date, f.incorporation_date) AS incorporation_date,
        r.post_town,
        CASE
            WHEN upper(replace(f.postcode, ' ', '')) = upper(replace(r.postcode, ' ', '')) THEN f.postcode
            ELSE r.postcode
        END AS postcode,
        CASE WHEN length(r.sic_code_1) = 5 THEN r.sic_code_1 END AS sic_code_1,
        CASE WHEN length(r.sic_code_2) = 5 THEN r.sic_code_2 END AS sic_code_2,
        CASE WHEN length(r.sic_code_3) = 5 THEN r.sic_code_3 END AS sic_code_3,
        CASE WHEN length(r.sic_code_4) = 5 THEN r.sic_code_4 END AS sic_code_4,
        r._changed_date,
        r._last_seen_date,
        r._held_columns
    FROM record_rows AS r
    LEFT JOIN answered_file_rows AS f ON r.company_number = f.company_number
    LEFT JOIN reference.codes AS forms ON forms.list = 'register_types' AND r.form_code = forms.code
    LEFT JOIN reference.words AS file_forms
        ON file_forms.list = 'register_types' AND f.company_category = file_forms.word
    LEFT JOIN reference.codes AS standings
        ON standings.list = 'register_statuses' AND r.standing_code = standings.code
    LEFT JOIN reference.words AS file_standings
        ON file_standings.list = 'register_statuses' AND f.company_status = file_standings.word
    LEFT JOIN reference.codes AS kinds
        ON kinds.list = 'register_account_types' AND r.accounts_category_code = kinds.code
),
news AS (
    SELECT r.company_number
    FROM records AS r
    LEFT JOIN answered_file_rows AS f ON r.company_number = f.company_number
    WHERE
        f.company_number IS NULL
        OR r.company_name IS DISTINCT FROM f.company_name
        OR r.company_category IS DISTINCT FROM f.company_category
        OR r.company_status IS DISTINCT FROM f.company_status
        OR r.accounts_category IS DISTINCT FROM f.accounts_category
        OR r.incorporation_date IS DISTINCT FROM f.incorporation_date
        OR r.postcode IS DISTINCT FROM f.postcode
        OR r.sic_code_1 IS DISTINCT FROM f.sic_code_1
        OR r.sic_code_2 IS DISTINCT FROM f.sic_code_2
        OR r.sic_code_3 IS DISTINCT FROM f.sic_code_3
        OR r.sic_code_4 IS DISTINCT FROM f.sic_code_4
),
told AS (
    SELECT
        f.company_number,
        f.company_name,
        f.previous_name_1,
        f.previous_name_1_date,
        f.previous_name_2,
        f.previous_name_2_date,
        f.previous_name_3,
        f.previous_name_3_date,
        f.previous_name_4,
        f.previous_name_4_date,
        f.previous_name_5,
        f.previous_name_5_date,
        f.previous_name_6,
        f.previous_name_6_date,
        f.previous_name_7,
        f.previous_name_7_date,
        f.previous_name_8,
        f.previous_name_8_date,
        f.previous_name_9,
        f.previous_name_9_date,
        f.previous_name_10,
        f.previous_name_10_date,
        f.company_category,
        f.company_status,
        f.country_of_origin,
        f.accounts_category,
        f.incorporation_date,
        f.post_town,
        f.postcode,
        CASE WHEN regexp_matches(f.sic_text_1, '^[0-9]{5} - ') THEN substr(f.sic_text_1, 1, 5) END AS sic_code_1,
        CASE WHEN regexp_matches(f.sic_text_2, '^[0-9]{5} - ') THEN substr(f.sic_text_2, 1, 5) END AS sic_code_2,
        CASE WHEN regexp_matches(f.sic_text_3, '^[0-9]{5} - ') THEN substr(f.sic_text_3, 1, 5) END AS sic_code_3,
        CASE WHEN regexp_matches(f.sic_text_4, '^[0-9]{5} - ') THEN substr(f.sic_text_4, 1, 5) END AS sic_code_4,
        'bulk' AS register_source_code,
        CAST(NULL AS DATE) AS as_of_date,
        'file' AS _told_by,
        CASE WHEN chosen.company_number IS NULL THEN f._first_seen_date ELSE chosen.first_seen_date END
            AS _first_seen_date,
        f._changed_date,
        f._last_seen_date,
        CASE WHEN chosen.company_number IS NULL THEN f._vanished_date ELSE chosen.vanished_date END
            AS _vanished_date,
        CASE WHEN chosen.company_number IS NULL THEN f._held_since_date ELSE chosen.held_since_date END
            AS _held_since_date,
        f._held_columns
    FROM companies_house.companies_history AS f
    LEFT JOIN chosen ON f.company_number = chosen.company_number
    WHERE
        coalesce(chosen.told_by, 'file') = 'file'
        AND NOT EXISTS (
            SELECT 1 FROM companies_house.companies_history AS later
            WHERE f.company_number = later.company_number AND f._changed_date < later._changed_date
        )
    UNION ALL
    SELECT
        r.company_number,
        r.company_name,
        r.previous_name_1,
        r.previous_name_1_date,
        r.previous_name_2,
        r.previous_name_2_date,
        r.previous_name_3,
        r.previous_name_3_date,
        r.previous_name_4,
        r.previous_name_4_date,
        r.previous_name_5,
        r.previous_name_5_date,
        r.previous_name_6,
        r.previous_name_6_date,
        r.previous_name_7,
        r.previous_name_7_date,
        r.previous_name_8,
        r.previous_name_8_date,
        r.previous_name_9,
        r.previous_name_9_date,
        r.previous_name_10,
        r.previous_name_10_date,
        r.company_category,
        r.company_status,
        r.country_of_origin,
        r.accounts_category,
        r.incorporation_date,
        r.post_town,
        r.postcode,
        r.sic_code_1,
        r.sic_code_2,
        r.sic_code_3,
        r.sic_code_4,
        CASE WHEN news.company_number IS NULL THEN 'bulk' ELSE 'api' END AS register_source_code,
        CASE WHEN news.company_number IS NOT NULL THEN r._changed_date END AS as_of_date,
        'record' AS _told_by,
        chosen.first_seen_date AS _first_seen_date,
        r._changed_date,
        r._last_seen_date,
        chosen.vanished_date AS _vanished_date,
        chosen.held_since_date AS _held_since_date,
        r._held_columns
    FROM records AS r
    INNER JOIN chosen ON r.company_number = chosen.company_number AND chosen.told_by = 'record'
    LEFT JOIN news ON r.company_number = news.company_number
    UNION ALL
    SELECT
        s.company_number,
        s.company_name,
        CAST(NULL AS VARCHAR) AS previous_name_1,
        CAST(NULL AS DATE) AS previous_name_1_date,
        CAST(NULL AS VARCHAR) AS previous_name_2,
        CAST(NULL AS DATE) AS previous_name_2_date,
        CAST(NULL AS VARCHAR) AS previous_name_3,
        CAST(NULL AS DATE) AS previous_name_3_date,
        CAST(NULL AS VARCHAR) AS previous_name_4,
        CAST(NULL AS DATE) AS previous_name_4_date,
        CAST(NULL AS VARCHAR) AS previous_name_5,
        CAST(NULL AS DATE) AS previous_name_5_date,
        CAST(NULL AS VARCHAR) AS previous_name_6,
        CAST(NULL AS DATE) AS previous_name_6_date,
        CAST(NULL AS VARCHAR) AS previous_name_7,
        CAST(NULL AS DATE) AS previous_name_7_date,
        CAST(NULL AS VARCHAR) AS previous_name_8,
        CAST(NULL AS DATE) AS previous_name_8_date,
        CAST(NULL AS VARCHAR) AS previous_name_9,
        CAST(NULL AS DATE) AS previous_name_9_date,
        CAST(NULL AS VARCHAR) AS previous_name_10,
        CAST(NULL AS DATE) AS previous_name_10_date,
        coalesce(forms.title, s.company_type_code) AS company_category,
        coalesce(standings.title, s.company_status_code) AS company_status,
        CAST(NULL AS VARCHAR) AS country_of_origin,
        CAST(NULL AS VARCHAR) AS accounts_category,
        s.incorporation_date,
        s.post_town,
        s.postcode,
        CASE WHEN length(s.sic_code_1) = 5 THEN s.sic_code_1 END AS sic_code_1,
        CASE WHEN length(s.sic_code_2) = 5 THEN s.sic_code_2 END AS sic_code_2,
        CASE WHEN length(s.sic_code_3) = 5 THEN s.sic_code_3 END AS sic_code_3,
        CASE WHEN length(s.sic_code_4) = 5 THEN s.sic_code_4 END AS sic_code_4,
        'api' AS register_source_code,
        s._changed_date AS as_of_date,
        'search' AS _told_by,
        chosen.first_seen_date AS _first_seen_date,
        s._changed_date,
        s._last_seen_date,
        chosen.vanished_date AS _vanished_date,
        chosen.held_since_date AS _held_since_date,
        s._held_columns
    FROM search_rows AS s
    INNER JOIN chosen ON s.company_number = chosen.company_number AND chosen.told_by = 'search'
    LEFT JOIN reference.codes AS forms ON forms.list = 'register_types' AND s.company_type_code = forms.code
    LEFT JOIN reference.codes AS standings
        ON standings.list = 'register_statuses' AND s.company_status_code = standings.code
)
SELECT
    told.company_number,
    told.company_name,
    told.previous_name_1,
    told.previous_name_1_date,
    told.previous_name_2,
    told.previous_name_2_date,
    told.previous_name_3,
    told.previous_name_3_date,
    told.previous_name_4,
    told.previous_name_4_date,
    told.previous_name_5,
    told.previous_name_5_date,
    told.previous_name_6,
    told.previous_name_6_date,
    told.previous_name_7,
    told.previous_name_7_date,
    told.previous_name_8,
    told.previous_name_8_date,
    told.previous_name_9,
    told.previous_name_9_date,
    told.previous_name_10,
    told.previous_name_10_date,
    told.company_category,
    told.company_status,
    told.country_of_origin,
    told.accounts_category,
    told.incorporation_date,
    told.post_town,
    told.postcode,
    told.sic_code_1,
    told.sic_code_2,
    told.sic_code_3,
    told.sic_code_4,
    told.register_source_code,
    told.as_of_date,
    told._told_by,
    told._first_seen_date,
    told._changed_date,
    told._last_seen_date,
    told._vanished_date,
    told._held_since_date,
    told._held_columns
FROM told
