"""The invented Finnish register: the same bytes every time, right ids, and the ways of the true one."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb

from dev.synthetic_prh import CAST, SAMPLE, SAMPLE_DAY, SAMPLE_ROWS, business_id, companies, main, write_file
from warehouse.identifiers import business_id_holds

DAY = date(2026, 10, 1)


def test_the_shipped_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    made = tmp_path / "sample.zip"
    write_file(made, companies(SAMPLE_ROWS, SAMPLE_DAY, 1, with_cast=True), SAMPLE_DAY)
    with zipfile.ZipFile(made) as ours, zipfile.ZipFile(SAMPLE) as shipped:
        assert ours.namelist() == shipped.namelist() == ["data_20261001.json"]
        assert ours.read("data_20261001.json") == shipped.read("data_20261001.json")
    assert len(CAST) < SAMPLE_ROWS


def test_the_command_writes_an_array_or_a_zip_of_one(tmp_path: Path) -> None:
    for name in ("a.json", "a.zip"):
        assert main(["--rows", "30", "--date", "2026-10-01", "-o", str(tmp_path / name)]) == 0
    plain = (tmp_path / "a.json").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.read("data_20261001.json") == plain
    assert len(json.loads(plain)) == 30


def test_its_ids_are_right_and_nobody_has_one_twice() -> None:
    assert business_id(2_170_029) == "2170029-2"  # of Forum Virium Helsinki
    assert business_id(9_000_002) is None  # would need the digit 10
    ids = [one["businessId"]["value"] for one in companies(3_000, DAY, 1, with_cast=True)]
    assert len(set(ids)) == 3_000
    with duckdb.connect() as connection:
        held = connection.execute(f"SELECT bool_and({business_id_holds('i')}) FROM (SELECT unnest(?) AS i)", [ids])
        assert held.fetchone() == (True,)


def test_it_has_the_ways_of_the_true_register() -> None:
    found = list(companies(1_500, DAY, 1))
    ends = Counter("not there" if "endDate" not in one else repr(one["endDate"])[:4] for one in found)
    assert {"not there", "None", "''"} <= set(ends)
    assert {one["status"] for one in found} == {"2"}
    assert any(one["tradeRegisterStatus"] == "4" and not one.get("endDate") for one in found)
    assert any(all(name.get("endDate") for name in one["names"]) for one in found)
    assert any(name["type"] != "1" for one in found for name in one["names"][:1])
    assert any(len(one["companyForms"]) == 2 and one["companyForms"][0].get("endDate") for one in found)
    assert {len(one["addresses"]) for one in found} == {1, 2}
    schemes = {day: Counter(one["mainBusinessLine"]["typeCodeSet"] for one in companies(300, day, 1)) for day in
               (date(2025, 12, 1), DAY)}  # fmt: skip
    assert set(schemes[date(2025, 12, 1)]) == {"TOIMI3"}
    assert schemes[DAY]["TOIMI4"] > schemes[DAY]["TOIMI3"] > 0
    assert {one["lastModified"][10] for one in found} == {"T"}
    assert {one["lastModified"][10] for one in companies(50, date(2025, 1, 1), 1)} == {" "}
