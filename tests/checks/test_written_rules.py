"""Rules files beyond the row: groups, other tables, the last release, time, and the words with what was found."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.plausible import Before
from checks.rules import SourceRules
from checks.verdicts import check_source
from warehouse.declarations import DeclarationError, SourceDeclaration, parse
from warehouse.findings import Heading, add_headings, create_findings_tables, unpacked_texts
from warehouse.messages import Language, said_in
from warehouse.sql import literal

FIELDS = {
    "meeting_id": "string", "held_on": "date", "kind": "string",
    "people": "integer", "whole": "integer", "pilot": "string",
}  # fmt: skip
SOURCE = parse(
    SourceDeclaration,
    {
        "name": "club",
        "title": "Club",
        "publisher": {"name": "somebody", "title": "Somebody"},
        "licence": "CC0-1.0",
        "attribution": "Somebody",
        "cadence": "irregular",
        "kind": "workbook",
        "tables": [
            {
                "name": "meetings",
                "title": "Meetings",
                "each_row_is_a": "meeting",
                "primaryKey": ["meeting_id"],
                "fields": [
                    {"name": name, "type": kind, "title": name.capitalize()} for name, kind in FIELDS.items()
                ],
            }
        ],
    },
    "test",
)
DUCKDB = {"string": "VARCHAR", "date": "DATE", "integer": "BIGINT"}


def rule(**content):
    told = {"id": "a-rule", "severity": "warning", "message": "Wrong.", "help": "Mend it.", "source": "A test."}
    return parse(SourceRules, {"tables": {"meetings": [{**told, **content}]}}, "test")


def meetings(connection, rows):
    connection.execute("CREATE SCHEMA staged")
    columns = ", ".join(f"{name} {DUCKDB[kind]}" for name, kind in FIELDS.items())
    connection.execute(f"CREATE TABLE staged.meetings ({columns}, _file VARCHAR, _sheet VARCHAR, _row BIGINT)")
    for number, row in enumerate(rows, start=2):
        values = [row.get(name, f"m{number}" if name == "meeting_id" else None) for name in FIELDS]
        connection.execute(
            f"INSERT INTO staged.meetings VALUES ({'?, ' * len(FIELDS)} 'f.xlsx', 'Jutut', {number})", values
        )
    create_findings_tables(connection)


def check(rows, rules, before=None, headings=()):
    """What a rule finds: row number, value, message, help."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        meetings(connection, rows)
        add_headings(connection, headings)
        checked = check_source(connection, SOURCE, rules, before or Before({}))
        found = connection.execute(
            "SELECT row_number, value, message, help, said FROM main.findings WHERE rule = 'a-rule' ORDER BY ALL"
        ).fetchall()
        assert connection.execute(
            "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'beside'"
        ).fetchone() == (0,)
    for _, _, message, advice, said in found:  # what is kept for other languages says the same in English
        assert tuple(map(str, unpacked_texts(message, advice, said))) == (message, advice)
    return checked, [one[:4] for one in found]


def parquet(path, rows, columns):
    with duckdb.connect() as connection:
        names = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE t ({names})")
        for row in rows:
            connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", list(row))
        connection.execute(f"COPY t TO {literal(str(path))} (FORMAT parquet)")
    return path


YEARLY = rule(
    columns=["held_on"],
    each={"in_year": "year(held_on)"},
    measure="count(*)",
    minimum=3,
    maximum=4,
    when="kind = 'meeting' AND year(held_on) < year($data_date)",
    message="In {in_year} there are {observed} meetings under {held_on}; usual are {minimum} to {maximum}.",
)


def test_a_group_is_told_once_at_its_first_row_with_its_number():
    days = [date(2020, 1, n) for n in range(1, 6)] + [date(2021, 5, 1)] * 3 + [date(2022, 1, 1), date(2023, 1, 1)]
    rows = [{"held_on": day, "kind": "meeting"} for day in days]
    rows.insert(0, {"held_on": date(2022, 3, 3), "kind": "workshop"})
    _, found = check(
        rows,
        YEARLY,
        Before({}, day=date(2023, 6, 1)),
        [Heading("meetings", "f.xlsx", "Jutut", "held_on", "Milloin")],
    )
    assert [one[:3] for one in found] == [
        (3, "5", "In 2020 there are 5 meetings under “Milloin”; usual are 3 to 4."),
        (11, "1", "In 2022 there are 1 meetings under “Milloin”; usual are 3 to 4."),
    ]


def test_a_rule_that_needs_the_day_is_not_asked_without_one():
    checked, found = check([{"held_on": date(2020, 1, 1), "kind": "meeting"}], YEARLY)
    assert found == []
    (unasked,) = [one for one in checked.suites["meetings"].outcomes if one.not_asked]
    assert (unasked.rule_id, unasked.success) == ("a-rule:held_on", True)
    assert "what day" in unasked.not_asked


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=12),
    st.integers(0, 9),
    st.integers(0, 9),
)
@settings(max_examples=3, deadline=None)
def test_groups_are_those_of_a_plain_count(rows, low, high):
    low, high = min(low, high), max(low, high)
    content = rule(columns=["people"], each=["pilot"], measure="sum(people)", minimum=low, maximum=high)
    _, found = check([{"pilot": pilot, "people": people} for pilot, people in rows], content)
    sums = Counter()
    for pilot, people in rows:
        sums[pilot] += people
    first = {pilot: number for number, (pilot, _) in reversed(list(enumerate(rows, start=2)))}
    wanted = sorted((first[pilot], str(total)) for pilot, total in sums.items() if not low <= total <= high)
    assert [one[:2] for one in found] == wanted


def test_parts_are_compared_with_their_total():
    rows = [{"pilot": "a", "people": n, "whole": 10} for n in (4, 6)] + [{"pilot": "b", "people": 4, "whole": 10}]
    content = rule(
        columns=["people", "whole"],
        each=["pilot"],
        measure="sum(people)",
        minimum="any_value(whole) - 1",
        maximum="any_value(whole) + 1",
        values={"total": "any_value(whole)"},
        help="The parts should sum to “{total}”.",
    )
    _, found = check(rows, content)
    assert found == [(4, "4", "Wrong.", "The parts should sum to “10”.")]


def test_a_reference_to_another_source_is_asked_where_its_table_is_there(tmp_path):
    content = rule(columns=["pilot"], refers_to={"source": "pilots", "table": "pilots", "columns": ["pilot_id"]})
    rows = [{"pilot": "kalasatama-1"}, {"pilot": "kalasatma-1"}, {"pilot": "zzz"}, {"pilot": None}]
    checked, found = check(rows, content)
    assert found == []
    assert [one.not_asked for one in checked.suites["meetings"].outcomes if one.not_asked] == [
        "Nothing is known of pilots yet."
    ]
    there = parquet(tmp_path / "o'dd.parquet", [("kalasatama-1",), ("arabia-2",)], {"pilot_id": "VARCHAR"})
    _, found = check(rows, content, Before({}, elsewhere={"pilots.pilots": there}))
    assert [(row, advice) for row, _, _, advice in found] == [
        (3, "Write “kalasatama-1” if that is meant. Mend it."),
        (4, "Choose one of “arabia-2”, “kalasatama-1”. Mend it."),
    ]


@pytest.mark.parametrize(("changed", "is_found"), [(6, False), (7, True)])
def test_the_share_of_changed_rows(tmp_path, changed, is_found):
    earlier = parquet(
        tmp_path / "earlier.parquet",
        [(f"m{n + 2}", n) for n in range(20)],
        {"meeting_id": "VARCHAR", "people": "BIGINT"},
    )
    rows = [{"people": n + (n < changed)} for n in range(20)] + [{"people": 1000}]  # a new row has not changed
    content = rule(columns=["people"], changed_pct=30, message="{observed} % of the rows have changed.")
    _, found = check(rows, content, Before({}, earlier={"meetings": earlier}))
    share = f"{100 * changed / 20:g}"
    assert found == ([(None, share, f"{share} % of the rows have changed.", "Mend it.")] if is_found else [])
    checked, found = check(rows, content)
    assert (len(found), sum(bool(one.not_asked) for one in checked.suites["meetings"].outcomes)) == (0, 1)


@given(
    st.lists(st.sampled_from("abcd"), min_size=20, max_size=30),
    st.lists(st.sampled_from("abcd"), min_size=20, max_size=30),
)
@settings(max_examples=3, deadline=None)
def test_drift_of_codes_is_half_the_difference_of_their_shares(tmp_path_factory, before, now):
    path = parquet(tmp_path_factory.mktemp("d") / "e.parquet", [(k,) for k in before], {"kind": "VARCHAR"})
    content = rule(columns=["kind"], drift_pct=0.001, message="{observed}")
    _, found = check([{"kind": k} for k in now], content, Before({}, earlier={"meetings": path}))
    shares = [Counter(kinds) for kinds in (before, now)]
    distance = 50 * sum(abs(shares[0][k] / len(before) - shares[1][k] / len(now)) for k in "abcd")
    assert (float(found[0][1]) if found else 0) == pytest.approx(distance, abs=0.051)


def test_drift_of_numbers_is_seen_at_the_deciles(tmp_path):
    path = parquet(tmp_path / "e.parquet", [(n,) for n in range(100)], {"people": "BIGINT"})
    content = rule(columns=["people"], drift_pct=25, message="{observed}")
    before = Before({}, earlier={"meetings": path})
    assert check([{"people": n} for n in range(0, 100, 3)], content, before)[1] == []
    ((_, observed, _, _),) = check([{"people": n + 50} for n in range(0, 100, 3)], content, before)[1]
    assert 45 <= float(observed) <= 55
    assert check([{"people": 10**6}] * 5, content, before)[1] == []  # too few to say anything


@pytest.mark.parametrize(("age", "is_found"), [(399, False), (400, False), (401, True)])
def test_the_newest_date_against_the_day_of_the_data(age, is_found):
    content = rule(columns=["held_on"], newest_days=400, message="The newest is {observed} days old.")
    day = date(2026, 1, 1)
    rows = [{"held_on": day - timedelta(days=days)} for days in (age, age + 100)]
    _, found = check(rows, content, Before({}, day=day))
    assert found == ([(None, str(age), f"The newest is {age} days old.", "Mend it.")] if is_found else [])


def test_the_values_of_a_row_are_said_in_both_languages(monkeypatch):
    content = rule(
        columns=["people", "whole"],
        holds="people <= whole",
        values={"most": "whole", "day": "held_on", "name": "pilot"},
        message="{people} is more than {whole} on {day}.",
        help="Write “{most}” ({name}).",
    )
    with duckdb.connect() as connection:
        meetings(
            connection, [{"people": 5000, "whole": 4000, "held_on": date(2024, 5, 3), "pilot": '"{most}" \\'}]
        )
        check_source(connection, SOURCE, content, Before({}))
        row = connection.execute("SELECT message, help, said FROM main.findings WHERE rule = 'a-rule'").fetchone()
    message, advice = unpacked_texts(*row)
    assert row[:2] == ("“People” is more than “Whole” on 2024-05-03.", 'Write “4,000” ("{most}" \\).')
    assert said_in(message, Language.FINNISH).endswith("on 2024-05-03.")
    assert said_in(advice, Language.FINNISH) == 'Write “4\xa0000” ("{most}" \\).'


def test_places_that_call_a_column_otherwise_are_told_in_their_own_words():
    rows = [{"people": 5, "whole": 4}]
    headings = [
        Heading("meetings", "f.xlsx", "Jutut", "people", "Väkeä"),
        *[Heading("meetings", other, "Jutut", "people", "Henkilöitä") for other in ("a.xlsx", "b.xlsx")],
    ]
    content = rule(columns=["people"], holds="people <= whole", message="{people} is too much.")
    _, found = check(rows, content, headings=headings)
    assert [one[2] for one in found] == ["“Väkeä” is too much."]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"columns": ["people"], "each": ["pilot"], "measure": "count(*)"}, "each needs measure, and minimum"),
        ({"columns": ["people"], "holds": "true", "measure": "count(*)"}, "go with each"),
        ({"columns": ["people"], "holds": "true", "once": True}, "it needs one of"),
        ({"columns": ["people"], "changed_pct": 30, "severity": "error"}, "no single row is wrong"),
        (
            {"columns": ["people", "whole"], "refers_to": {"table": "meetings", "columns": ["people"]}},
            "are as many",
        ),
    ],
)
def test_a_rule_that_says_half_of_it_is_a_fault(content, words):
    with pytest.raises(DeclarationError, match=words):
        rule(**content)
