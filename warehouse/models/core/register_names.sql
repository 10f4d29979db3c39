-- A row a name that an organisation of a register has or had, with what else the register says of it, as last
-- known: an organisation that left its register is still the one that a list of its time means. A name was the
-- organisation's from from_date (empty: since it was founded, or nobody knows) until until_date; is_main: it is
-- not one for a part of its business or in another language.
WITH places AS (
    SELECT listed.place FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS listed (place)
),
renamed AS (
    SELECT * FROM core.companies WHERE previous_name_1 IS NOT NULL
),
uk_former_names AS (
    SELECT
        renamed.company_number,
        renamed.incorporation_date,
        renamed._vanished_date AS left_date,
        renamed.postcode,
        renamed.post_town,
        CASE places.place
            WHEN 1 THEN renamed.previous_name_1
            WHEN 2 THEN renamed.previous_name_2
            WHEN 3 THEN renamed.previous_name_3
            WHEN 4 THEN renamed.previous_name_4
            WHEN 5 THEN renamed.previous_name_5
            WHEN 6 THEN renamed.previous_name_6
            WHEN 7 THEN renamed.previous_name_7
            WHEN 8 THEN renamed.previous_name_8
            WHEN 9 THEN renamed.previous_name_9
            WHEN 10 THEN renamed.previous_name_10
        END AS register_name,
        CASE places.place
            WHEN 1 THEN renamed.previous_name_2_date
            WHEN 2 THEN renamed.previous_name_3_date
            WHEN 3 THEN renamed.previous_name_4_date
            WHEN 4 THEN renamed.previous_name_5_date
            WHEN 5 THEN renamed.previous_name_6_date
            WHEN 6 THEN renamed.previous_name_7_date
            WHEN 7 THEN renamed.previous_name_8_date
            WHEN 8 THEN renamed.previous_name_9_date
            WHEN 9 THEN renamed.previous_name_10_date
        END AS from_date,
        CASE places.place
            WHEN 1 THEN renamed.previous_name_1_date
            WHEN 2 THEN renamed.previous_name_2_date
            WHEN 3 THEN renamed.previous_name_3_date
            WHEN 4 THEN renamed.previous_name_4_date
            WHEN 5 THEN renamed.previous_name_5_date
            WHEN 6 THEN renamed.previous_name_6_date
            WHEN 7 THEN renamed.previous_name_7_date
            WHEN 8 THEN renamed.previous_name_8_date
            WHEN 9 THEN renamed.previous_name_9_date
            WHEN 10 THEN renamed.previous_name_10_date
        END AS until_date
    FROM renamed
    CROSS JOIN places
),
-- of the Finnish register, which may be searched and not read as a whole, what left the search is still known
fi_companies AS (
    SELECT found.* FROM prh_ytj.companies_history AS found
    WHERE
        found._vanished_date IS NULL OR NOT EXISTS (
            SELECT 1 FROM prh_ytj.companies_history AS later
            WHERE found.business_id = later.business_id AND found._changed_date < later._changed_date
        )
),
fi_names AS (
    SELECT found.* FROM prh_ytj.names_history AS found
    WHERE
        found._vanished_date IS NULL OR NOT EXISTS (
            SELECT 1 FROM prh_ytj.names_history AS later
            WHERE
                found.business_id = later.business_id
                AND found.name_number = later.name_number
                AND found._changed_date < later._changed_date
        )
),
names AS (
    SELECT
        'companies_house' AS source_code,
        'companies' AS table_code,
        'GB-COH' AS scheme_code,
        company_number AS local_id,
        company_name AS register_name,
        true AS is_main,
        true AS is_current,
        previous_name_1_date AS from_date,
        CAST(NULL AS DATE) AS until_date,
        incorporation_date AS founded_date,
        _vanished_date AS ended_date,
        postcode,
        post_town AS city,
        'GB' AS country_code
    FROM core.companies
    UNION ALL
    SELECT
        'companies_house' AS source_code,
        'companies' AS table_code,
        'GB-COH' AS scheme_code,
        company_number AS local_id,
        register_name,
        false AS is_main,
        false AS is_current,
        from_date,
        until_date,
        incorporation_date AS founded_date,
        left_date AS ended_date,
        postcode,
        post_town AS city,
        'GB' AS country_code
    FROM uk_former_names
    UNION ALL
    SELECT
        'prh_ytj' AS source_code,
        'companies' AS table_code,
        'FI-PRO' AS scheme_code,
        fi_names.business_id AS local_id,
        fi_names.registered_name AS register_name,
        fi_names.name_type_code = '1' AS is_main,
        fi_names.is_current,
        fi_names.name_start_date AS from_date,
        fi_names.name_end_date AS until_date,
        least(companies.registration_date, companies.business_id_date) AS founded_date,
        companies.ceased_date AS ended_date,
        companies.postcode,
        companies.post_town AS city,
        'FI' AS country_code
    FROM fi_names
    INNER JOIN fi_companies AS companies ON fi_names.business_id = companies.business_id
)
SELECT
    names.source_code,
    names.table_code,
    names.scheme_code,
    names.local_id,
    names.register_name,
    names.is_main,
    names.is_current,
    names.from_date,
    names.until_date,
    names.founded_date,
    names.ended_date,
    names.postcode,
    names.city,
    names.country_code
FROM names
WHERE names.register_name IS NOT NULL
