"""What is usual differs by programme and time, and is data."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from checks.rules import WrittenRule, compile_rules, load_source_rules
from warehouse import reference
from warehouse.declarations import DeclarationError, TableDeclaration, parse

TABLE = parse(
    TableDeclaration,
    {
        "name": "pilots",
        "title": "Pilots",
        "each_row_is_a": "pilot",
        "primaryKey": ["pilot_id"],
        "fields": [
            {"name": "pilot_id", "title": "Id"},
            {"name": "programme", "title": "Programme"},
            {"name": "start_date", "title": "Starts", "type": "date"},
            {"name": "grant_eur", "title": "Grant", "type": "number", "decimals": 2},
        ],
    },
    "test",
)
(WRITTEN,) = [rule for rule in load_source_rules("agile_pilots").tables["pilots"] if rule.id == "usual-grant"]


def said(programme, start, grant, table=TABLE, rule=WRITTEN):
    """The messages that a pilot draws."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE pilots AS SELECT 1 AS _id, CAST(? AS VARCHAR) AS programme,"
            " CAST(? AS DATE) AS start_date, CAST(? AS DECIMAL(18,2)) AS grant_eur",
            [programme, start, grant],
        )
        return [
            one.message
            for one in compile_rules(table, [rule])
            if one.id == rule.id
            and connection.execute(one.expected.kwargs["unexpected_rows_query"].format(batch="pilots")).fetchall()
        ]


OTHERS = ["The usual grant in euros is from 1,000 to 10,000 in the agile piloting programme; 0 is allowed."]
COMMUNICITY = ["The usual grant in euros is from 12,500 to 22,500 (2023–2025) in CommuniCity; 0 is allowed."]
UNPAID = ["The usual grant in euros is at most 0 in co-development with Helsinki's schools; 0 is allowed."]
MINI = ["The usual grant in euros is at most 15,000 (2021) in Mini-Piloting; 0 is allowed."]


@pytest.mark.parametrize(
    ("programme", "start", "grant", "expected"),
    [
        ("CommuniCity", date(2023, 12, 1), 12500, []),
        ("CommuniCity", None, 12500, []),  # known of the programme, though not of the day
        ("communicity (Horizon Europe)", date(2024, 1, 1), 22500, []),
        ("CommuniCity", date(2024, 1, 1), 8000, COMMUNICITY),
        ("CommuniCity", None, 22500.01, COMMUNICITY),
        ("CommuniCity", date(2027, 1, 1), 12500, OTHERS),  # nothing is known of its later years
        ("CommuniCityscape", date(2024, 1, 1), 12500, OTHERS),
        ("Forum Virium Mini-Piloting 2021", date(2021, 6, 1), 15000, []),
        ("Minipiloting", date(2021, 6, 1), 1, []),
        ("Mini-Piloting", date(2021, 6, 1), 15001, MINI),
        ("Smart Kalasatama Agile Piloting", date(2016, 3, 1), 1000, []),
        ("Smart Kalasatama Agile Piloting", None, 10000.01, OTHERS),
        ("Anything else", date(2020, 1, 1), 999, OTHERS),
        (None, None, 12500, OTHERS),
        ("CommuniCity", date(2024, 1, 1), 0, []),
        ("CommuniCity", date(2024, 1, 1), None, []),
        ("EdTech EAC co-development", date(2024, 1, 1), 500, UNPAID),
    ],
)  # fmt: skip
def test_each_programme_is_judged_by_its_own_span(programme, start, grant, expected):
    assert said(programme, start, grant) == expected


def test_every_span_has_its_source():
    for spans in reference.usual_spans().values():
        assert all(span.source for span in spans)
        assert all((span.low or 0) <= span.high for span in spans)


@pytest.mark.parametrize(
    "change", [{}, {"holds": "true", "spans": "grant"}, {"spans": "nothing"}, {"spans": "grant"}]
)
def test_a_rule_has_either_a_condition_or_a_list_that_is_there(change):
    content = {"id": "a", "severity": "warning", "columns": ["x"], "message": "m", "help": "h", "source": "s"}
    with pytest.raises(DeclarationError, match=r"it needs one of holds|no list nothing|needs programme_in"):
        parse(WrittenRule, {**content, **change}, "test")


def test_several_spans_of_one_programme_are_one_rule(monkeypatch):
    def span(year, high):
        return {"programme": "P", "matches": "^p$", "valid_from": f"{year}-01-01", "valid_to": f"{year}-12-31",
                "low": 1, "high": high, "source": "s"}  # fmt: skip

    spans = tuple(reference.UsualSpan.model_validate(span(*given)) for given in ((2020, 10), (2021, 20)))
    monkeypatch.setattr(reference, "usual_spans", lambda: {"grant": spans})
    assert said("P", date(2021, 1, 1), 15) == []
    assert said("P", None, 15) == []
    assert said("P", date(2020, 1, 1), 15) == [
        "The usual grant in euros is from 1 to 10 (2020) or from 1 to 20 (2021) in P; 0 is allowed."
    ]
