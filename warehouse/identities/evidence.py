"""What speaks for a name meaning an organisation and what against it, and the score that comes of it.

A pair begins with what kind of likeness its names have, and every further piece of evidence adds or takes away.
The weights are written by hand, so that a person can read why; a labelled set measures them (``make bench``).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.identities.names import base_sql, kind_sql, normal_sql
from warehouse.sql import literal

AUTOMATIC = 0.90  # a match from here on counts, if no other organisation comes near
MARGIN = 0.05  # another organisation that is nearer than this is as good
REVIEW = 0.60  # a person is asked from here on
_ALIKE = 80.0  # of 100: below, two names that share a rare word are not alike
_NO_LIKENESS = 50.0  # a stated identifier whose organisation was never called anything like the name
_COMMON = 20  # names of the registers with a word: above, the word alone names nobody


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence: its code, what it weighs, and when it is there, as SQL on a compared pair."""

    code: str
    weight: float
    condition: str


# The kind of likeness: the first that is there counts. `names_ratio` is rapidfuzz's, 0 to 100.
LIKENESS = (
    Evidence("identifier", 1.00, "is_stated"),
    Evidence("name_equal", 0.96, "base = mention_base"),
    Evidence("name_written_otherwise", 0.94, "is_same"),
    Evidence("name_misspelt", 0.91, "is_corrected AND length(mention_base) >= 10"),
    Evidence("name_words_reordered", 0.85, "names_ratio = 100"),
    Evidence("name_alike", 0.50, f"names_ratio >= {_ALIKE}"),
    Evidence("name_part", 0.65, "starts_with(base, mention_base || ' ') AND length(mention_base) >= 4"),
)
FURTHER = (
    # a likeness of 80 is worth nothing more, one of 100 thirty points
    Evidence("name_differs", -0.15, f"is_stated AND register_name IS NOT NULL AND names_ratio < {_NO_LIKENESS}"),
    Evidence("not_in_register", -0.05, "is_stated AND register_name IS NULL"),
    Evidence("kind_differs", -0.12, "kind <> mention_kind"),
    Evidence("former_name", -0.02, "NOT is_current"),
    # A list may keep a name that was given up; whoever took it since is on the register with it, and comes first.
    Evidence("name_given_up_before", -0.03, "NOT is_stated AND until_date + INTERVAL 366 DAY < mention_date"),
    Evidence(
        "name_taken_later",
        -0.10,
        "NOT is_stated AND mention_date < from_date AND mention_date >= coalesce(founded_date, mention_date)",
    ),
    Evidence("founded_later", -0.30, "NOT is_stated AND mention_date < founded_date"),
    Evidence("ended_before", -0.10, "NOT is_stated AND ended_date + INTERVAL 366 DAY < mention_date"),
    Evidence("other_country", -0.30, "NOT is_stated AND register_country <> country_code"),
    Evidence("postcode_equal", 0.06, "register_postcode = postcode"),
    Evidence(
        "postcode_area_equal",
        0.03,
        "register_postcode <> postcode AND length(postcode) > 4"
        " AND left(register_postcode, -3) = left(postcode, -3)",
    ),
    Evidence("city_equal", 0.02, "register_city = city"),
    Evidence(
        "name_of_one_common_word",
        -0.10,
        f"NOT is_stated AND mention_kind IS NULL AND words_count > {_COMMON}",
    ),
    Evidence(
        "name_short",
        -0.10,
        "NOT is_stated AND mention_kind IS NULL AND length(replace(mention_base, ' ', '')) <= 3",
    ),
)


def compare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``identity_scored`` of ``identity_pairs``: a row a mention and organisation.

    Columns: mention_id, scheme_code, local_id, register_name, evidence_codes (joined by ``;``), score (0 to 1,
    more where all speaks for it). Of an organisation's names the one with the highest score counts.
    """
    _with_details(connection)
    _measure(connection)
    likeness = "CASE " + " ".join(f"WHEN {one.condition} THEN {literal(one.code)}" for one in LIKENESS) + " END"
    begun = "CASE likeness " + " ".join(f"WHEN {literal(one.code)} THEN {one.weight}" for one in LIKENESS) + " END"
    alike = f"CASE WHEN likeness = 'name_alike' THEN (names_ratio - {_ALIKE}) * 0.015 ELSE 0 END"
    weighed = " ".join(f"+ CASE WHEN {one.condition} THEN {one.weight} ELSE 0 END" for one in FURTHER)
    codes = ", ".join(f"CASE WHEN {one.condition} THEN {literal(one.code)} END" for one in FURTHER)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_scored AS
        WITH judged AS (
            SELECT *, {likeness} AS likeness FROM identity_compared JOIN identity_ratios USING (pair_id)
        ),
        scored AS (
            SELECT mention_id, scheme_code, local_id, register_name, pair_id, names_ratio,
                   CASE WHEN is_stated THEN names_ratio ELSE 0 END AS stated_ratio,
                   concat_ws(';', likeness, {codes}) AS evidence_codes,
                   round({begun} + {alike} {weighed}, 4) AS score
            FROM judged WHERE likeness IS NOT NULL
        )
        SELECT * EXCLUDE (pair_id, names_ratio, stated_ratio) FROM scored
        QUALIFY row_number() OVER (
            PARTITION BY mention_id, scheme_code, local_id
            ORDER BY stated_ratio DESC, score DESC, names_ratio DESC, register_name, pair_id
        ) = 1
        ORDER BY mention_id, score DESC, scheme_code, local_id""")


def _with_details(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``identity_compared``: the pairs, and what is stated by identifier, with all that is known of them.

    The register is read once more, for the few organisations that matter.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE identity_wanted AS
        SELECT scheme_code, local_id FROM identity_pairs
        UNION
        SELECT scheme_code, local_id FROM identity_mentions WHERE local_id IS NOT NULL;

        CREATE OR REPLACE TEMP TABLE identity_known AS
        SELECT n.* FROM core.register_names AS n SEMI JOIN identity_wanted AS w
            ON n.scheme_code = w.scheme_code AND n.local_id = w.local_id;

        CREATE OR REPLACE TEMP TABLE identity_compared AS
        WITH stated AS (
            SELECT m.mention_id, false AS is_corrected, false AS is_same, m.scheme_code, m.local_id,
                   k.register_name, true AS is_stated
            FROM identity_mentions AS m
            LEFT JOIN identity_known AS k ON k.scheme_code = m.scheme_code AND k.local_id = m.local_id
            WHERE m.local_id IS NOT NULL
        ),
        pairs AS (
            SELECT mention_id, is_corrected, is_same, scheme_code, local_id, register_name, false AS is_stated
            FROM identity_pairs
            UNION ALL
            FROM stated
        ),
        named AS (
            SELECT DISTINCT p.*, k.* EXCLUDE (scheme_code, local_id, register_name, postcode, city, country_code),
                   upper(replace(k.postcode, ' ', '')) AS register_postcode,
                   lower(strip_accents(trim(k.city))) AS register_city, k.country_code AS register_country,
                   {normal_sql("p.register_name")} AS normal
            FROM pairs AS p LEFT JOIN identity_known AS k
                ON k.scheme_code = p.scheme_code AND k.local_id = p.local_id AND k.register_name = p.register_name
        )
        SELECT row_number() OVER (
                   ORDER BY mention_id, n.scheme_code, n.local_id, n.register_name, n.is_current, n.from_date,
                            n.until_date, n.is_corrected, n.is_same
               ) AS pair_id, n.* EXCLUDE (normal), {kind_sql("n.normal")} AS kind,
               {base_sql("n.normal")} AS base, m.base AS mention_base, m.kind AS mention_kind,
               m.mention_date, m.postcode, m.city, m.country_code, w.names_count AS words_count
        FROM named AS n
        JOIN identity_mentions AS m USING (mention_id)
        LEFT JOIN identity_words AS w ON w.word = m.base""")


def _measure(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``identity_ratios``: pair_id, names_ratio. Arrays go in, arrays come out."""
    import pyarrow as pa
    from rapidfuzz import fuzz, process

    pairs = connection.execute(
        "SELECT pair_id, mention_base, coalesce(base, '') AS base FROM identity_compared ORDER BY pair_id"
    ).to_arrow_table()
    mentions, names = pairs["mention_base"].to_pylist(), pairs["base"].to_pylist()
    ratios = process.cpdist(mentions, names, scorer=fuzz.token_sort_ratio, workers=-1)
    table = pa.table({"pair_id": pairs["pair_id"], "names_ratio": pa.array(ratios, pa.float64())})
    connection.register("identity_measured", table)
    connection.execute("CREATE OR REPLACE TEMP TABLE identity_ratios AS FROM identity_measured")
    connection.unregister("identity_measured")
