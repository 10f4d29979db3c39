"""The reform of the Finnish classification, replayed: records before it, and the same companies after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dev.synthetic_prh import Company, business_ids, record
from sources.loading import UNSEEN
from sources.prh_ytj import records
from warehouse.curate import load_model
from warehouse.declared import DeclarationError
from warehouse.industries import AFTER, BEFORE, industries
from warehouse.reference import create_reference_tables, sectors

SPLIT = ("63120", ("63910", "60390"))  # web portals: some stay web portals, others become media
MERGED = ("46510", "46500")
BEFORE_DAY, AFTER_DAY = date(2025, 12, 1), date(2026, 10, 1)


def companies(went: Sequence[tuple[str, str, int]]) -> list[Company]:
    """So many companies that had one code and have another."""
    ids = business_ids()
    return [
        Company(next(ids), "Yritys Oy", "16", date(2015, 1, 1), (old, new), "091", "00540")
        for old, new, count in went
        for _ in range(count)
    ]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA prh_ytj; CREATE SCHEMA core")
        connection.execute(records.macros(date(2026, 10, 1)))
        create_reference_tables(connection, AFTER_DAY)
        yield connection


def known(connection: duckdb.DuckDBPyConnection, folder: Path, *snapshots: tuple[date, list[Company]]) -> None:
    """Make the tables that models read of snapshots, as the history would have them."""
    parts = []
    for day, listed in snapshots:
        path = folder / f"{day}.json"
        path.write_text(json.dumps([record(company, 1, day) for company in listed]))
        shape = json.dumps(records.SHAPE)
        source = (
            f"SELECT made.*, NULL AS _file, NULL AS _row FROM (SELECT from_json(json, '{shape}') AS made"
            f" FROM read_json_objects('{path}', format='array'))"
        )
        parts.append(
            f"SELECT *, DATE '{day}' AS _changed_date, DATE '{day}' AS _first_seen_date, NULL AS _held_since_date,"
            f" NULL AS _held_columns FROM ({records.typed(source, UNSEEN)})"
        )
    connection.execute(f"CREATE OR REPLACE TABLE prh_ytj.companies_history AS {' UNION ALL '.join(parts)}")
    connection.execute(
        f"CREATE OR REPLACE VIEW prh_ytj.companies AS FROM prh_ytj.companies_history"
        f" WHERE _changed_date = DATE '{snapshots[-1][0]}'"
    )


def series(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The dataset's rows."""
    model = load_model("helsinki_companies")
    for below in model.core:
        connection.execute(f"CREATE OR REPLACE VIEW core.{below.name} AS {below.sql}")
    relation = connection.execute(model.sql)
    names = [column[0] for column in relation.description or ()]
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def by_sector(rows: Sequence[dict[str, Any]], **which: Any) -> Counter[str]:
    return Counter(row["sector_code"] for row in rows if all(row[key] == value for key, value in which.items()))


def test_a_series_by_sector_goes_across_the_reform_but_where_a_split_is_shown(warehouse, tmp_path):
    went = [
        ("62010", "62100", 5), ("62010", "62200", 2), ("62010", "62900", 1), ("62020", "62200", 4),
        (*MERGED, 3), ("46520", "46500", 2), ("63110", "63100", 4), ("63910", "60310", 2), ("63990", "63920", 2),
        ("72190", "72100", 3), ("64200", "64210", 2), ("95110", "95100", 2), ("61200", "61100", 2),
        ("56101", "56110", 4), (SPLIT[0], SPLIT[1][0], 3), (SPLIT[0], SPLIT[1][1], 1),
    ]  # fmt: skip
    everybody = companies(went)
    known(warehouse, tmp_path, (BEFORE_DAY, everybody))
    before = series(warehouse)
    known(warehouse, tmp_path, (BEFORE_DAY, everybody), (AFTER_DAY, everybody))
    after = series(warehouse)

    assert len(before) == len(after) == sum(count for *_, count in went)
    assert {row["tol_2025_code"] for row in before} == {None}
    assert {row["sector_share_pct"] for row in after} == {100.0}
    uncertain = [row for row in before if row["sector_share_pct"] < 100]
    assert {row["tol_2008_code"] for row in uncertain} == {SPLIT[0]}
    assert {(row["sector_code"], row["sector_share_pct"]) for row in uncertain} == {("data_and_web", 50.0)}
    # Whose sector is certain before is in that sector afterwards; all that differs was said to be uncertain.
    certain = {row["business_id"]: row["sector_code"] for row in before if row["sector_share_pct"] == 100}
    now = {row["business_id"]: row["sector_code"] for row in after}
    assert {key: now[key] for key in certain} == certain
    moved = by_sector(after) - by_sector(before)
    assert moved == {"content_and_media": 1}
    assert sum(moved.values()) <= len(uncertain)
    # Both codes stand beside each other, the old one from the history.
    both = {(row["tol_2008_code"], row["tol_2025_code"]) for row in after}
    assert both == {(old, new) for old, new, _ in went}
    assert {row["tol_2008_title"] for row in after if row["tol_2008_code"] == "62010"} == {
        "Computer programming activities"
    }


def test_how_a_class_was_split_is_counted_once_enough_have_said_both(warehouse, tmp_path):
    stayed = companies([(SPLIT[0], SPLIT[1][1], 9), (SPLIT[0], SPLIT[1][0], 3)])
    left = [replace(stayed[0], id="9000154-0", ceased=date(2024, 1, 1))]  # never states a code of 2025
    known(warehouse, tmp_path, (BEFORE_DAY, stayed + left), (AFTER_DAY, stayed + left))
    (gone,) = [row for row in series(warehouse) if row["business_id"] == "9000154-0"]
    assert (gone["tol_2008_code"], gone["tol_2025_code"]) == (SPLIT[0], None)
    assert (gone["sector_code"], gone["sector_share_pct"]) == ("content_and_media", 75.0)
    few = stayed[:8]
    known(warehouse, tmp_path, (BEFORE_DAY, few + left), (AFTER_DAY, few + left))
    (gone,) = [row for row in series(warehouse) if row["business_id"] == "9000154-0"]
    assert (gone["sector_code"], gone["sector_share_pct"]) == ("data_and_web", 50.0)


def test_an_unknown_line_of_business_is_none_and_housing_companies_are_left_out(warehouse, tmp_path):
    known_ones = companies([("00000", "00000", 1), ("62010", "62100", 2)])
    listed = [known_ones[0], replace(known_ones[1], form="2"), replace(known_ones[2], form="10")]
    known(warehouse, tmp_path, (AFTER_DAY, listed))
    (row,) = series(warehouse)
    assert (row["sector_code"], row["sector_share_pct"], row["tol_2025_code"]) == ("not_stated", None, None)
    assert (row["is_tech"], row["org_id"]) == (False, f"FI-PRO-{row['business_id']}")


def test_a_class_that_went_to_one_place_keeps_its_sector_by_the_definition_too():
    def sector_of(code: str, prefixes: str) -> str:
        return next(one.code for one in sectors().sectors if any(map(code.startswith, getattr(one, prefixes))))

    changes = industries().changes
    moved = {
        change.code: {sector_of(code, "tol_2025_prefixes") for code in change.became}
        for change in changes
        if {sector_of(code, "tol_2025_prefixes") for code in change.became}
        != {sector_of(change.code, "sic_prefixes")}
    }
    assert moved == {
        "5821": {"software_publishing", "content_and_media"},
        "6312": {"data_and_web", "content_and_media"},
    }
    assert set(industries().classifications) == {BEFORE, AFTER}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{code: "6201", basis: reported, became: ["9999"]}'], "without a title: 9999"),
        (['{code: "6201", basis: notes, became: ["6210"]}'] * 2, "several changes of one class: 6201"),
    ],
)
def test_a_change_to_nowhere_or_twice_is_refused(tmp_path, lines, said):
    path = Path(industries.__code__.co_filename).parent / "reference" / "industries.yaml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index('  - {code: "6201"'), text.index('  - {code: "6202"')
    changed = tmp_path / "industries.yaml"
    changed.write_text(text[:start] + "".join(f"  - {line}\n" for line in lines) + text[end:])
    with pytest.raises(DeclarationError, match=said):
        industries(changed)
