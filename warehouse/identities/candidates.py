"""Which organisations of the registers a name may mean: found by keys in SQL, so that few pairs are ever compared.

A pair is a candidate if both names are the same but for the way of writing; if they are so once a word that no
register knows is taken for one that differs by a letter; or if they share a rare word or two rare neighbours. All
is done on temporary tables of the connection: ``identity_mentions``, ``identity_register``, ``identity_pairs``.
"""

from __future__ import annotations

import duckdb

from warehouse.identifiers import org_id_holds
from warehouse.identities.names import base_sql, kind_sql, normal_sql, squashed_sql

RARE = 100  # names of the registers with a word: more than that share it by chance
CANDIDATES = 40  # compared with a mention: the likeliest by their rarest common key
_MISSPELT = 5  # letters a word must have to be taken for another


def take_in(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables of mentions and of the registers' names, in the form in which they are compared.

    Reads ``core.organisation_mentions`` and ``core.register_names``. An identifier that cannot be one (of no
    register that is known, of another form, with a wrong check digit) is none: then the name has to tell.
    """
    is_right = org_id_holds("(scheme_code || '-' || local_id)")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_mentions AS
        WITH plain AS MATERIALIZED (
            SELECT *, {normal_sql("mentioned_name")} AS normal FROM core.organisation_mentions
        ),
        cut AS MATERIALIZED (
            SELECT *, {base_sql("normal")} AS base, {kind_sql("normal")} AS kind FROM plain
        )
        SELECT row_number() OVER (ORDER BY source_code, table_code, record_key, mention_number) AS mention_id,
               * EXCLUDE (postcode, city, mention_number, scheme_code, local_id),
               CASE WHEN {is_right} THEN scheme_code END AS scheme_code,
               CASE WHEN {is_right} THEN local_id END AS local_id,
               CAST(mention_number AS INTEGER) AS mention_number,
               {squashed_sql("base")} AS squashed,
               upper(replace(postcode, ' ', '')) AS postcode, lower(strip_accents(trim(city))) AS city
        FROM cut WHERE base <> ''""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_register AS
        WITH plain AS MATERIALIZED (
            SELECT scheme_code, local_id, register_name, {normal_sql("register_name")} AS normal
            FROM core.register_names
        )
        SELECT scheme_code, local_id, register_name, {base_sql("normal")} AS base FROM plain WHERE normal <> ''""")


def find_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``identity_pairs``: mention_id, scheme_code, local_id, register_name, base, and how it was found.

    A mention with an identifier has none: what it says of itself counts.
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE identity_words AS
        SELECT word, count(*) AS names_count
        FROM (SELECT unnest(string_split(base, ' ')) AS word FROM identity_register) GROUP BY ALL""")
    _find_corrected(connection)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_pairs AS
        WITH keyed AS (
            SELECT mention_id, squashed, false AS is_corrected FROM identity_mentions WHERE local_id IS NULL
            UNION
            SELECT mention_id, squashed, true FROM identity_corrected
        ),
        equal AS (
            SELECT k.mention_id, r.rowid AS name_id, NOT k.is_corrected AS is_same, k.is_corrected,
                   0 AS names_count
            FROM identity_register AS r JOIN keyed AS k ON k.squashed = {squashed_sql("r.base")}
        ),
        ranked AS (
            SELECT mention_id, name_id, bool_or(is_same) AS is_same, bool_or(is_corrected) AS is_corrected,
                   min(names_count) AS names_count
            FROM (SELECT * FROM equal UNION ALL ({_sharing_words()})) GROUP BY mention_id, name_id
        )
        SELECT k.mention_id, k.is_same, k.is_corrected AND NOT k.is_same AS is_corrected, r.*
        FROM (
            SELECT ranked.*, row_number() OVER (
                PARTITION BY mention_id ORDER BY names_count, register_name, scheme_code, ranked_register.local_id
            ) AS place
            FROM ranked JOIN identity_register AS ranked_register ON ranked_register.rowid = ranked.name_id
        ) AS k JOIN identity_register AS r ON r.rowid = k.name_id
        WHERE place <= {CANDIDATES}
        ORDER BY k.mention_id, r.scheme_code, r.local_id, r.register_name""")


def _find_corrected(connection: duckdb.DuckDBPyConnection) -> None:
    """The names of mentions with one word, which no register knows, as one that a register knows.

    Of two words that differ by one letter either the first half is the same or the rest is: so halves are joined.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_corrected AS
        WITH words AS (
            SELECT mention_id, base, unnest(string_split(base, ' ')) AS word
            FROM identity_mentions WHERE local_id IS NULL
        ),
        unknown AS (
            SELECT DISTINCT word, length(word) // 2 AS half FROM words
            WHERE length(word) >= {_MISSPELT} AND NOT regexp_matches(word, '[0-9]')
              AND NOT EXISTS (SELECT 1 FROM identity_words AS w WHERE w.word = words.word)
        ),
        halves AS (SELECT DISTINCT half FROM unknown),
        near AS (
            SELECT u.word, w.word AS known
            FROM (SELECT half, word, left(word, half) AS part FROM identity_words, halves) AS w
            JOIN unknown AS u ON u.half = w.half AND left(u.word, u.half) = w.part
            WHERE abs(length(w.word) - length(u.word)) <= 1 AND damerau_levenshtein(w.word, u.word) = 1
            UNION
            SELECT u.word, w.word
            FROM (SELECT half, word, right(word, half) AS part FROM identity_words, halves) AS w
            JOIN unknown AS u ON u.half = w.half AND right(u.word, u.half) = w.part
            WHERE abs(length(w.word) - length(u.word)) <= 1 AND damerau_levenshtein(w.word, u.word) = 1
        ),
        corrected AS (
            SELECT DISTINCT mention_id,
                   trim(replace(' ' || base || ' ', ' ' || word || ' ', ' ' || known || ' ')) AS base
            FROM words JOIN near USING (word)
        )
        SELECT DISTINCT mention_id, {squashed_sql("base")} AS squashed FROM corrected""")


def _sharing_words() -> str:
    """SQL of pairs that share a rare word, or two neighbours that are rare together."""
    return f"""
        WITH wanted AS (
            SELECT DISTINCT m.mention_id, m.word, w.names_count
            FROM (
                SELECT mention_id, unnest(string_split(base, ' ')) AS word
                FROM identity_mentions WHERE local_id IS NULL
            ) AS m JOIN identity_words AS w USING (word)
            WHERE w.names_count <= {RARE} AND length(word) > 2
        ),
        -- the words of a register's name that somebody asks for
        asked AS (
            SELECT r.name_id, r.word FROM (
                SELECT rowid AS name_id, unnest(string_split(base, ' ')) AS word FROM identity_register
            ) AS r WHERE r.word IN (SELECT word FROM wanted)
        ),
        neighbours AS (
            SELECT mention_id, list_aggregate([words[i], words[i + 1]], 'string_agg', ' ') AS two
            FROM (
                SELECT mention_id, words, unnest(range(1, len(words))) AS i
                FROM (
                    SELECT mention_id, string_split(base, ' ') AS words
                    FROM identity_mentions WHERE local_id IS NULL
                )
            )
        ),
        pairs AS (
            SELECT rowid AS name_id, split_part(base, ' ', 1) || ' ' || split_part(base, ' ', 2) AS two
            FROM identity_register
            UNION ALL
            SELECT rowid, split_part(base, ' ', 2) || ' ' || split_part(base, ' ', 3) FROM identity_register
        ),
        together AS (
            SELECT name_id, two, count(*) OVER (PARTITION BY two) AS names_count
            FROM pairs WHERE two IN (SELECT two FROM neighbours)
        )
        SELECT wanted.mention_id, asked.name_id, false AS is_same, false AS is_corrected, wanted.names_count
        FROM wanted JOIN asked USING (word)
        UNION ALL
        SELECT DISTINCT neighbours.mention_id, together.name_id, false, false, together.names_count
        FROM neighbours JOIN together USING (two)
        WHERE together.names_count <= {RARE}"""
