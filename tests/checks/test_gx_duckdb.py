"""What GE says through our engine, against plain Python and plain DuckDB."""

import datetime as dt
import decimal
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import gx_duckdb
from checks.expected import MEASURED, Expected, Outcome

ROOT = Path(__file__).parents[2]


def run_suite(*given, **named):
    return list(gx_duckdb.run_suite(*given, **named).outcomes)


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


def exp(type_, /, **kwargs):
    return Expected(type_, type_, kwargs)


def custom(query, rule_id="custom"):
    return Expected(rule_id, "unexpected_rows_expectation", {"unexpected_rows_query": query})


def failing(con, outcome):
    """The row ids the query of an outcome returns, after checking that there are as many as it says."""
    assert outcome.error is None
    if outcome.success:
        assert (outcome.unexpected_count, outcome.unexpected_query) == (0, None)
        return []
    cursor = con.execute(outcome.unexpected_query)
    assert len(cursor.description) == 1
    rows = sorted(row[0] for row in cursor.fetchall())
    assert outcome.unexpected_count == len(rows) > 0
    return rows


def fill(con, rows, columns):
    names = ", ".join(["_row BIGINT", *(f"{name} {type_}" for name, type_ in columns.items())])
    con.execute(f"CREATE OR REPLACE TABLE main.t ({names})")
    if rows:
        marks = ", ".join("?" * (len(columns) + 1))
        con.executemany(f"INSERT INTO t VALUES ({marks})", [[i, *row] for i, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("query", "bounds", "observed", "holds"),
    [
        ("SELECT avg(a) FROM {batch}", {"min_value": 1, "max_value": 3}, "2.0", True),
        ("SELECT avg(a) FROM {batch}", {"max_value": 1.5}, "2.0", False),
        ("SELECT avg(a) FROM {batch}", {"min_value": 2.5}, "2.0", False),
        ("SELECT avg(a) FROM {batch} WHERE a > 9", {"min_value": 2.5}, "None", True),  # nothing to be measured
        ("SELECT count(*) FROM {batch} WHERE a::VARCHAR <> '{{x}}' AND a::VARCHAR <> ' :x'", {}, "3", True),
    ],
)
def test_a_measure_is_within_its_bounds(con, query, bounds, observed, holds):
    fill(con, [(1,), (2,), (3,)], {"a": "INTEGER"})
    (outcome,) = run_suite(con, "main", "t", [Expected("m", MEASURED, {"query": query, **bounds})])
    assert (outcome.success, outcome.error) == (holds, None)
    assert outcome.observed.removesuffix(".0") == observed.removesuffix(".0")


def test_the_document_counts_and_shows_no_row(con):
    fill(con, [("secret",), ("secret",), (None,)], {"s": "VARCHAR"})
    ran = gx_duckdb.run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_column_values_to_be_unique", column="s"),
            exp("expect_column_values_to_not_be_null", column="s"),
            custom("SELECT _row FROM {batch} WHERE s IS NULL"),
            exp("expect_column_values_to_be_between", column="nowhere", min_value=dt.date(2020, 1, 1)),
            Expected("m", MEASURED, {"query": "SELECT count(*) FROM {batch}", "max_value": 9}),
        ],
        row_id="_row",
    )
    text = json.dumps(ran.document)
    assert "secret" not in text
    assert ran.document["statistics"]["evaluated_expectations"] == 5
    assert [one["success"] for one in ran.document["results"]] == [False, False, False, False, True]
    assert [one["expectation_config"]["meta"]["rule"] for one in ran.document["results"]][-2:] == [
        "expect_column_values_to_be_between",
        "m",
    ]
    assert ran.document["results"][0]["result"]["unexpected_count"] == 2
    assert ran.document["results"][3]["exception_info"]["raised_exception"] is True


# --- counts and queries against Python ---------------------------------------------------------------------------

NASTY = [
    "",
    "a",
    "A",
    "ab",
    "aab",
    "it's",
    '"q"',
    "100%",
    "%s",
    "a:b",
    " :x",
    "\\",
    "a\\d",
    "ä€",
    "a\nb",
    "$1",
    ";--",
]
PATTERNS = [
    "^a",
    "b$",
    r"^\w+$",
    r"\\",
    r"[%:]",
    "'",
    '"',
    r"^(?:a|A)b?$",
    r"\d",
    "^$",
    " :x",
    r"\:",
    "(?i)^A$",
    "[ab]{2}",
]
TEXT = st.none() | st.sampled_from(NASTY)
NUMBER = st.none() | st.integers(-3, 3)
DAY = st.none() | st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 4))
ROW = st.tuples(TEXT, NUMBER, NUMBER, DAY)


def truth(rows, bounds, day, pattern, values):
    """For each expectation, the indices of the rows that fail, NULLs ignored as GE does."""
    low, high = bounds
    texts = Counter(row[0] for row in rows if row[0] is not None)
    pairs = Counter((row[1], row[2]) for row in rows)
    tests = [
        (exp("expect_column_values_to_not_be_null", column="s"), lambda s, a, b, d: s is None),
        (exp("expect_column_values_to_be_null", column="s"), lambda s, a, b, d: s is not None),
        (exp("expect_column_values_to_be_unique", column="s"), lambda s, a, b, d: texts[s] > 1),
        (
            exp("expect_compound_columns_to_be_unique", column_list=["a", "b"]),
            lambda s, a, b, d: None not in (a, b) and pairs[a, b] > 1,
        ),
        (
            exp("expect_column_values_to_match_regex", column="s", regex=pattern),
            lambda s, a, b, d: s is not None and not re.search(pattern, s),
        ),
        (
            exp("expect_column_values_to_not_match_regex", column="s", regex=pattern),
            lambda s, a, b, d: s is not None and bool(re.search(pattern, s)),
        ),
        (
            exp("expect_column_values_to_be_in_set", column="s", value_set=values),
            lambda s, a, b, d: s is not None and s not in values,
        ),
        (
            exp("expect_column_values_to_not_be_in_set", column="s", value_set=values),
            lambda s, a, b, d: s is not None and s in values,
        ),
        (
            exp("expect_column_values_to_be_between", column="a", min_value=low, max_value=high),
            lambda s, a, b, d: a is not None and not low <= a <= high,
        ),
        (
            exp("expect_column_values_to_be_between", column="d", max_value=day, strict_max=True),
            lambda s, a, b, d: d is not None and d >= day,
        ),
        (
            exp("expect_column_value_lengths_to_be_between", column="s", min_value=1, max_value=2),
            lambda s, a, b, d: s is not None and not 1 <= len(s) <= 2,
        ),
        (
            exp("expect_column_value_lengths_to_equal", column="s", value=2),
            lambda s, a, b, d: s is not None and len(s) != 2,
        ),
        (
            custom("SELECT * FROM {batch} WHERE a > b OR s = ' :x'"),
            lambda s, a, b, d: (None not in (a, b) and a > b) or s == " :x",
        ),
    ]
    for ignored in ("both_values_are_missing", "either_value_is_missing", "neither"):
        pair = {"column_A": "a", "column_B": "b", "ignore_row_if": ignored}
        greater = "expect_column_pair_values_a_to_be_greater_than_b"
        tests.append((exp(greater, **pair), lambda s, a, b, d: None not in (a, b) and a <= b))
        tests.append((exp(greater, or_equal=True, **pair), lambda s, a, b, d: None not in (a, b) and a < b))
    return [(one, [i for i, row in enumerate(rows) if test(*row)]) for one, test in tests]


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(ROW, max_size=12),
    bounds=st.tuples(st.integers(-3, 0), st.integers(0, 3)),
    day=st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 4)),
    pattern=st.sampled_from(PATTERNS),
    values=st.lists(st.sampled_from(NASTY), min_size=1, max_size=4, unique=True),
)
def test_counts_and_queries_agree_with_python(rows, bounds, day, pattern, values):
    with duckdb.connect() as con:
        fill(con, rows, {"s": "VARCHAR", "a": "INTEGER", "b": "INTEGER", "d": "DATE"})
        cases = truth(rows, bounds, day, pattern, values)
        outcomes = run_suite(con, "main", "t", [one for one, _ in cases])
        for (one, expected_rows), outcome in zip(cases, outcomes, strict=True):
            assert failing(con, outcome) == expected_rows, one
            assert outcome.observed is None
            assert outcome.element_count == (None if one.rule_id == "custom" else len(rows))


@settings(max_examples=15, deadline=None)
@given(values=st.lists(TEXT, max_size=8), pattern=st.text("ab%:'\"$@&~#;,!-_ ", max_size=6))
def test_any_text_is_a_value_and_a_pattern(values, pattern):
    with duckdb.connect() as con:
        fill(con, [(value,) for value in values], {"s": "VARCHAR"})
        one, two = run_suite(
            con,
            "main",
            "t",
            [
                exp("expect_column_values_to_not_match_regex", column="s", regex=re.escape(pattern)),
                exp("expect_column_values_to_be_in_set", column="s", value_set=[pattern]),
            ],
        )
        assert failing(con, one) == [i for i, v in enumerate(values) if v is not None and pattern in v]
        assert failing(con, two) == [i for i, v in enumerate(values) if v is not None and pattern != v]


# --- names and types ---------------------------------------------------------------------------------------------

NAMES = [
    "a.b",
    'q"q',
    "with space",
    "UPPER",
    "select",
    "qualify",
    "pivot",
    "100%",
    "%(x)s",
    ":x",
    "it's",
    "back\\slash",
]
NAMES += ["ünï", "1st", "{batch}", "a;b", "column", "x[0]", "`tick`"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(con, name):
    quoted = '"' + name.replace('"', '""') + '"'
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
    con.execute(
        f'CREATE TABLE {quoted}.{quoted} AS SELECT i AS "Row Id", i % 3 AS z, '
        f"CASE WHEN i % 4 > 0 THEN 'v' || i END AS {quoted} FROM range(8) r(i)"
    )
    doubled = quoted.replace("{", "{{").replace("}", "}}")
    outcomes = run_suite(
        con,
        name,
        name,
        [
            exp("expect_column_values_to_not_be_null", column=name),
            exp("expect_column_values_to_be_unique", column=name),
            exp("expect_compound_columns_to_be_unique", column_list=[name, "z"]),
            exp("expect_column_values_to_match_regex", column=name, regex="^v[1-5]$"),
            exp("expect_column_value_lengths_to_be_between", column=name, max_value=1),
            exp("expect_column_values_to_be_in_set", column=name, value_set=["v1"]),
            exp("expect_column_pair_values_a_to_be_greater_than_b", column_A=name, column_B=name),
            custom(f'SELECT "Row Id" FROM {{batch}} AS t WHERE t.{doubled} IS NULL'),
        ],
        row_id="Row Id",
    )
    want = [[0, 4], [], [], [6, 7], [1, 2, 3, 5, 6, 7], [2, 3, 5, 6, 7], [1, 2, 3, 5, 6, 7], [0, 4]]
    assert [failing(con, outcome) for outcome in outcomes] == want


def test_a_name_ge_uses_itself(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row, 1 AS _num_rows, i AS a FROM range(3) r(i)")
    unique, compound = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_column_values_to_be_unique", column="_num_rows"),
            exp("expect_compound_columns_to_be_unique", column_list=["a", "_num_rows"]),
        ],
    )
    assert failing(con, unique) == [0, 1, 2]
    assert not compound.success
    assert "_num_rows" in compound.error


def test_columns_of_any_type_may_be_present(con):
    con.execute("""
        CREATE TABLE t AS SELECT i AS _row, i::HUGEINT AS h, (i / 10)::DECIMAL(9, 2) AS c, i % 2 = 0 AS yes,
            DATE '2024-01-01' + i::INTEGER AS d, TIMESTAMP '2024-01-01 12:00:00' + i * INTERVAL 1 DAY AS ts,
            [i, i % 2] AS l, {'a': i} AS st, NULL::VARCHAR AS nothing, 'x'::BLOB AS bl, i / 10 AS f,
            uuid() AS u, MAP {'k': i} AS m, (i % 2)::TINYINT AS tiny, INTERVAL (i) DAY AS iv,
            (CASE WHEN i % 2 = 0 THEN 'lo' ELSE 'hi' END)::ENUM('lo', 'hi') AS e
        FROM range(10) r(i)""")
    noon = dt.datetime(2024, 1, 5, 12)
    between = "expect_column_values_to_be_between"
    in_set = "expect_column_values_to_be_in_set"
    cases = [
        (exp(between, column="h", min_value=2, max_value=7), [0, 1, 8, 9]),
        (exp(between, column="c", max_value=0.5), [6, 7, 8, 9]),
        (exp(between, column="f", max_value=0.3), [4, 5, 6, 7, 8, 9]),
        (exp(between, column="d", min_value=dt.date(2024, 1, 3)), [0, 1]),
        # A moment at noon: the day before starts earlier, and a DATE is its midnight.
        (exp(between, column="d", min_value=noon), [0, 1, 2, 3, 4]),
        (exp(between, column="ts", min_value=noon), [0, 1, 2, 3]),
        (exp(between, column="ts", min_value=noon, strict_min=True), [0, 1, 2, 3, 4]),
        (exp(in_set, column="yes", value_set=[True]), [1, 3, 5, 7, 9]),
        (exp(in_set, column="e", value_set=["lo"]), [1, 3, 5, 7, 9]),
        (exp(in_set, column="d", value_set=[dt.date(2024, 1, 1)]), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (exp(in_set, column="c", value_set=[decimal.Decimal("0.3"), 0.5]), [0, 1, 2, 4, 6, 7, 8, 9]),
        (exp(in_set, column="tiny", value_set=[]), list(range(10))),
        (exp(in_set, column="nothing", value_set=["x", None]), []),
        (exp("expect_column_values_to_be_unique", column="l"), []),
        (exp("expect_column_values_to_be_unique", column="e"), list(range(10))),
        (exp("expect_column_values_to_be_unique", column="nothing"), []),
        (exp("expect_column_values_to_match_regex", column="nothing", regex="x"), []),
        (exp("expect_column_values_to_not_be_null", column="nothing"), list(range(10))),
        (exp("expect_compound_columns_to_be_unique", column_list=["tiny", "yes"]), list(range(10))),
        (exp("expect_compound_columns_to_be_unique", column_list=["nothing", "yes"]), []),
        (exp("expect_column_pair_values_a_to_be_greater_than_b", column_A="ts", column_B="d"), []),
    ]
    outcomes = run_suite(con, "main", "t", [one for one, _ in cases])
    assert [failing(con, outcome) for outcome in outcomes] == [rows for _, rows in cases]


def test_not_a_number_is_a_value(con):
    con.execute(
        "CREATE TABLE t AS "
        "SELECT i AS _row, ['1.5', 'nan', 'nan', 'inf', NULL][i + 1]::DOUBLE AS f FROM range(5) r(i)"
    )
    unique, between = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_column_values_to_be_unique", column="f"),
            exp("expect_column_values_to_be_between", column="f", max_value=2),
        ],
    )
    assert failing(con, unique) == [1, 2]
    assert failing(con, between) == [1, 2, 3]


# --- the table as a whole ----------------------------------------------------------------------------------------


def test_expectations_about_the_table(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row, i % 3 AS a FROM range(10) r(i)")
    rows, few, names, mean = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_table_row_count_to_be_between", min_value=10),
            exp("expect_table_row_count_to_be_between", min_value=11),
            exp("expect_table_columns_to_match_set", column_set=["_row", "a"]),
            exp("expect_column_mean_to_be_between", column="a", max_value=0.9),
        ],
    )
    assert rows == Outcome("expect_table_row_count_to_be_between", True, observed="10")
    assert few == Outcome("expect_table_row_count_to_be_between", False, observed="10")
    assert names.success
    assert mean == Outcome("expect_column_mean_to_be_between", True, observed="0.9")


def test_empty_table(con):
    con.execute("CREATE TABLE t (_row BIGINT, a INTEGER, b INTEGER, s VARCHAR)")
    floor, *others = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_table_row_count_to_be_between", min_value=1),
            exp("expect_column_values_to_not_be_null", column="a"),
            exp("expect_column_values_to_be_unique", column="a"),
            exp("expect_compound_columns_to_be_unique", column_list=["a", "b"]),
            exp("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
            exp("expect_column_values_to_match_regex", column="s", regex="x"),
            custom("SELECT * FROM {batch}"),
        ],
    )
    assert (floor.success, floor.observed) == (False, "0")
    assert [failing(con, outcome) for outcome in others] == [[]] * 6


def test_no_expectations(con):
    con.execute("CREATE TABLE t (_row BIGINT)")
    assert run_suite(con, "main", "t", []) == []


def test_mostly(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row, nullif(i, 3) AS a FROM range(10) r(i)")
    loose, strict = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_column_values_to_not_be_null", column="a", mostly=0.9),
            exp("expect_column_values_to_not_be_null", column="a", mostly=0.95),
        ],
    )
    assert (loose.success, loose.unexpected_count) == (True, 1)
    assert (strict.success, strict.unexpected_count) == (False, 1)


# --- custom SQL --------------------------------------------------------------------------------------------------


def test_custom_sql_counts_past_the_200_rows_ge_keeps(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row FROM range(1000) r(i)")
    (outcome,) = run_suite(con, "main", "t", [custom("SELECT * FROM {batch} WHERE _row >= 100;\n")])
    assert failing(con, outcome) == list(range(100, 1000))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT _row FROM {batch} WHERE s = ' :x'",
        "SELECT _row FROM {batch} WHERE s = ' :x' -- :why 100%",
        r"SELECT _row FROM {batch} WHERE s = ' :x' AND '\:y' = chr(92) || ':y'",
        "SELECT _row FROM {batch} WHERE s::VARCHAR LIKE ' :_%' AND 7 % 4 = 3",
        "SELECT _row FROM {batch} WHERE regexp_matches(s, '^.{{3}}$') AND {{'k':1}}.k = 1 ORDER BY 1",
        "WITH w AS (SELECT * FROM {batch}) SELECT w._ROW FROM w JOIN {batch} o USING (_row) WHERE w.s = ' :x'",
    ],
)
def test_custom_sql_is_run_as_written(con, query):
    con.execute("CREATE TABLE t AS SELECT * FROM (VALUES (0, 'a'), (1, ' :x'), (2, NULL)) v(_row, s)")
    (outcome,) = run_suite(con, "main", "t", [custom(query)])
    assert failing(con, outcome) == [1]


def test_custom_sql_without_row_id_has_a_count_but_no_query(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row, i % 2 AS a FROM range(10) r(i)")
    (outcome,) = run_suite(con, "main", "t", [custom("SELECT a, count(*) FROM {batch} GROUP BY a")])
    assert outcome == Outcome("custom", False, unexpected_count=2)


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_what_cannot_be_evaluated_says_so_and_spoils_nothing_else(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row, 'v' || i AS s FROM range(3) r(i)")
    cases = [
        (exp("expect_column_values_to_not_be_null", column="s"), None),
        (exp("expect_column_values_to_match_regex", column="_row", regex="x"), "regexp_matches"),
        (exp("expect_column_values_to_match_regex", column="s", regex="(?<=x)"), "(?<"),
        (exp("expect_column_values_to_be_between", column="s", max_value=3), "VARCHAR"),
        (exp("expect_column_values_to_be_between", column="_row"), "min_value"),
        (exp("expect_column_values_to_be_in_set", column="s", value_set=[b"x"]), "bytes"),
        (exp("expect_column_values_to_not_be_null", column="missing"), "missing"),
        (exp("expect_column_values_to_not_be_null"), "column"),
        (exp("expect_something_else", column="s"), "expect_something_else"),
        (exp("expect_column_values_to_not_be_null", column="s", row_condition="x"), "row_condition"),
        (exp("expect_column_values_to_not_be_outliers", column="_row"), "outliers"),
        (custom("SELECT * FROM t"), "{batch}"),
        (custom("SELECT * FROM {batch} WHERE s ~ '^.{3}$'"), "brace"),
        (custom("SELECT * FROM {batch} WHERE nothing = 1"), "nothing"),
        (custom("SELEC * FROM {batch}"), "syntax"),
        (custom("SELECT * FROM {batch} WHERE error('stop') = s"), "stop"),
        (exp("expect_column_values_to_be_unique", column="s"), None),
    ]
    outcomes = run_suite(con, "main", "t", [one for one, _ in cases])
    assert [outcome.rule_id for outcome in outcomes] == [one.rule_id for one, _ in cases]
    for (one, said), outcome in zip(cases, outcomes, strict=True):
        if said is None:
            assert outcome.success, one
            assert outcome.error is None
        else:
            assert outcome.error, one
            assert said in outcome.error, outcome.error
            assert outcome == Outcome(one.rule_id, False, error=outcome.error)


@pytest.mark.parametrize("table", ["t", "s.t"])
def test_missing_table(con, table):
    outcomes = run_suite(
        con,
        "main",
        table,
        [exp("expect_table_row_count_to_be_between", min_value=0), custom("SELECT 1 FROM {batch}")],
    )
    assert [outcome.success for outcome in outcomes] == [False, False]
    assert all("does not exist" in outcome.error for outcome in outcomes)


def test_missing_row_id(con):
    con.execute("CREATE TABLE t AS SELECT NULL AS a")
    outcomes = run_suite(
        con,
        "main",
        "t",
        [
            exp("expect_table_row_count_to_be_between", min_value=1),
            exp("expect_column_values_to_not_be_null", column="a"),
        ],
    )
    assert outcomes[0].success
    assert "_row" in outcomes[1].error


def test_closed_connection():
    con = duckdb.connect()
    con.close()
    (outcome,) = run_suite(con, "main", "t", [custom("SELECT 1 FROM {batch}")])
    assert not outcome.success
    assert outcome.error


# --- the connection ----------------------------------------------------------------------------------------------


def test_attached_database_views_and_search_path(con, tmp_path):
    con.execute(f"ATTACH '{tmp_path / 'w.duckdb'}' AS \"ware house\"")
    con.execute('CREATE SCHEMA "ware house"."r.aw"; USE "ware house"."r.aw"')
    con.execute("CREATE TABLE t AS SELECT i AS _row FROM range(5) r(i); CREATE TABLE allowed AS SELECT 1 AS k")
    con.execute("CREATE VIEW v AS SELECT * FROM t WHERE _row < 3")
    outcomes = run_suite(
        con,
        "r.aw",
        "v",
        [
            exp("expect_column_values_to_be_in_set", column="_row", value_set=[0]),
            custom("SELECT * FROM {batch} WHERE _row NOT IN (SELECT k FROM allowed)"),
        ],
    )
    assert [failing(con, outcome) for outcome in outcomes] == [[1, 2], [0, 2]]


def test_read_only_file(tmp_path):
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE t AS SELECT i AS _row, i % 2 AS a FROM range(4) r(i)")
    before = path.read_bytes()
    with duckdb.connect(path, read_only=True) as con:
        outcomes = run_suite(con, "main", "t", [exp("expect_column_values_to_be_unique", column="a")])
        assert failing(con, outcomes[0]) == [0, 1, 2, 3]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_connection_is_left_as_it_was(con):
    con.execute("CREATE TABLE t AS SELECT i AS _row FROM range(5) r(i)")
    con.execute("BEGIN")
    con.execute("INSERT INTO t VALUES (5)")
    pending = con.execute("SELECT _row FROM t ORDER BY 1")
    assert pending.fetchone() == (0,)
    outcomes = run_suite(
        con,
        "main",
        "t",
        [exp("expect_table_row_count_to_equal", value=5), custom("SELECT * FROM {batch} WHERE error('x') = 1")],
    )
    assert outcomes[0].success  # what is not committed is not seen
    assert outcomes[1].error
    con.execute("COMMIT")
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(6,)]


def test_threads(con):
    """Several suites at once, on one connection and on cursors of it, each with its own answers."""
    con.execute("SET threads = 2")
    count = 6
    for n in range(count):
        con.execute(f"CREATE TABLE t{n} AS SELECT i AS _row, nullif(i % 7, {n}) AS a FROM range({1000 + n}) r(i)")
    start = threading.Barrier(count)

    def check(n):
        connection = con if n % 2 else con.cursor()
        start.wait()
        for _ in range(3):
            rows, nulls, unique, bad = run_suite(
                connection,
                "main",
                f"t{n}",
                [
                    exp("expect_table_row_count_to_equal", value=1000 + n),
                    exp("expect_column_values_to_not_be_null", column="a"),
                    exp("expect_column_values_to_be_unique", column="_row"),
                    exp("expect_column_values_to_not_be_null", column=f"no{n}"),
                ],
            )
            yield rows.success, nulls.unexpected_count, unique.success, f'"no{n}"' in bad.error

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda n: list(check(n)), range(count)))
    for n, answer in enumerate(answers):
        assert answer == [(True, sum(i % 7 == n for i in range(1000 + n)), True, True)] * 3


def test_silent_and_without_files_or_network(tmp_path):
    """In a process of its own: nothing on stdout or stderr, no file, no socket, no data context."""
    program = """
import socket, sys
def refuse(*args, **kwargs): raise SystemExit("network")
socket.socket.connect = socket.getaddrinfo = refuse
import duckdb
from checks.expected import Expected
from checks.gx_duckdb import run_suite
from great_expectations.data_context.data_context.context_factory import project_manager
con = duckdb.connect()
con.execute("CREATE TABLE t AS SELECT i AS _row, 'v' AS s FROM range(9) r(i)")
suite = [
    Expected("a", "expect_column_values_to_be_unique", {"column": "s"}),
    Expected("b", "expect_column_values_to_be_between", {"column": "s", "max_value": 1}),
    Expected("c", "expect_table_row_count_to_be_between", {"min_value": 1}),
    Expected("d", "unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1 FROM t"}),
]
outcomes = run_suite(con, "main", "t", suite).outcomes
assert [o.success for o in outcomes] == [False, False, True, False], outcomes
assert vars(project_manager).get("_ProjectManager__project") is None
"""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []
