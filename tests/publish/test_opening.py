"""What consumers open: the files of a release with the tools that people have, as the page tells them to."""

from __future__ import annotations

import datetime as dt
import html
import math
import os
import re
import shutil
import subprocess
from decimal import Decimal

import duckdb
import openpyxl
import pandas as pd
import pytest
from frictionless import Package, system
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish.files import render
from publish.portals.folder import pages
from publish.portals.folder.opening import openings
from publish.release import ReleaseError, release_folder
from tests.publish import places
from warehouse.home import Home

FIELDS = [
    *places.ENTRY["fields"],
    {"name": "founded_year", "title": "Founded", "type": "year"},
    {"name": "visits_count", "title": "Visits", "type": "integer"},
]
DATASET = places.declaration(fields=FIELDS)
NAMES = [field["name"] for field in FIELDS]
# codes with zeros in front, words that programs take for nothing or for a truth value, texts that would be run
CODES = ["00123", "0", "1e5", "01-02", "NA", "null", "nan", "true", "None", "inf", "-", "=1+1", "'=x", 'ä,"b"\nc']


def cents(largest):
    return st.integers(-largest, largest).map(lambda value: Decimal(value).scaleb(-2))


@st.composite
def tables(draw):
    def column(values):
        return draw(st.lists(st.one_of(st.none(), values), min_size=count, max_size=count))

    count = draw(st.integers(1, 6))
    columns = [
        draw(st.lists(st.sampled_from(CODES), min_size=count, max_size=count)),
        list(range(count)),
        column(st.sampled_from(CODES)),
        column(st.sampled_from(["climate", "energy"])),
        column(cents(10**render.DIGITS - 1)),
        column(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)),
        column(st.booleans()),
        column(st.dates(dt.date(1700, 1, 1), dt.date(2199, 12, 31))),
        column(
            st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2199, 1, 1)).map(lambda x: x.replace(microsecond=0))
        ),
        column(st.integers(1700, 2100)),
        column(st.integers(-(2**53), 2**53)),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def released(tmp_path, table):
    home = Home(tmp_path)
    made = places.release(home, table, dataset=DATASET)
    assert made
    return release_folder(home, made)


def from_csv(text):
    """A text without the apostrophe that keeps a spreadsheet from running it."""
    return text[1:] if isinstance(text, str) and re.match(r"^'+[=+\-@\t\r]", text) else text


def plain(value):
    """A value as Python has it, whatever read it."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    value = value.item() if hasattr(value, "item") else value
    value = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    return float(value) if isinstance(value, Decimal) else value


def rows_of(frame, *, is_csv=False):
    assert list(frame.columns) == NAMES
    found = []
    for record in frame.astype(object).itertuples(index=False):
        row = [plain(value) for value in record]
        for place, field in enumerate(DATASET.table.fields):
            if field.type == "date" and isinstance(row[place], dt.datetime):
                assert row[place].time() == dt.time()
                row[place] = row[place].date()
            if field.type == "string" and is_csv:
                row[place] = from_csv(row[place])
        found.append(row)
    return sorted(found, key=lambda row: row[1])


def expected(table):
    rows = [[plain(value) for value in row] for row in table]
    for row in rows:
        row[5] = row[5] + 0.0 if row[5] is not None else None  # minus zero is zero
    return rows


def code_on_page(tmp_path, tool):
    """A tool's line, taken out of the page's own text."""
    home = Home(tmp_path)
    made = places.release(home, places.rows(3), dataset=places.declaration())
    page = pages.dataset_page(places.wanted(home, made), pages.Site())
    found = re.search(rf"<summary>{re.escape(tool)}</summary><p>[^<]*</p><pre[^>]*><code>(.*?)</code>", page, re.S)
    assert found, tool
    return html.unescape(found[1])


def run(opening, folder, monkeypatch):
    """Run a line where the files lie, as somebody who copied it would."""
    monkeypatch.chdir(folder)
    if opening.language == "python":
        scope = {}
        exec(opening.code, scope)  # noqa: S102 - our own line
        return scope["data"]
    with duckdb.connect() as connection:
        relation = connection.sql(opening.code)
        return pd.DataFrame(relation.fetchall(), columns=relation.columns, dtype=object)


FILES = {key: f"places.{key}" for key in ("csv", "parquet", "xlsx")}
LINES = {line.tool: line for line in openings(DATASET.table, FILES)}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_every_line_opens_every_value_as_it_is(tmp_path_factory, monkeypatch, table):
    folder = released(tmp_path_factory.mktemp("release"), [row.copy() for row in table])
    for tool, line in LINES.items():
        if line.language in ("python", "sql"):
            with monkeypatch.context() as patch:
                frame = run(line, folder, patch)
            assert rows_of(frame, is_csv="CSV" in tool) == expected(table), tool
    assert faults(folder) == {}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_the_sheet_holds_every_value_with_its_type(tmp_path_factory, table):
    folder = released(tmp_path_factory.mktemp("release"), [row.copy() for row in table])
    sheet = openpyxl.load_workbook(folder / "places.xlsx")["Data"]
    found = sorted(sheet.iter_rows(min_row=2, values_only=True), key=lambda row: row[1])
    for row, wanted in zip(found, expected(table), strict=True):
        for field, cell, value in zip(DATASET.table.fields, row, wanted, strict=True):
            cell = cell.date() if field.type == "date" and isinstance(cell, dt.datetime) else cell
            if field.type == "date" and value and value < dt.date(1900, 1, 1):
                value = value.isoformat()  # as the page says
            if field.type == "integer" and value is not None and abs(value) >= 10**render.DIGITS:
                value = str(value)
            assert cell == value, field.name
            assert not (field.type == "string" and value is not None and not isinstance(cell, str))


@pytest.mark.parametrize("tool", sorted(LINES))
def test_every_line_stands_on_the_page(tmp_path, tool):
    (line,) = [one for one in openings(places.declaration().table, FILES) if one.tool == tool]
    if line.code:
        assert code_on_page(tmp_path, tool) == line.code


def test_money_multiplies_with_the_defaults(tmp_path):
    folder = released(tmp_path, [["a", 1, None, None, Decimal("12500.10"), *[None] * 6]])
    frame = pd.read_parquet(folder / "places.parquet")
    assert list(frame["area_m2"] * 1.24) == [12500.10 * 1.24]
    assert pd.read_parquet(folder / "places.parquet", dtype_backend="pyarrow")["area_m2"].sum() == 12500.10


def test_codes_keep_their_zeros_only_with_the_line(tmp_path, monkeypatch):
    folder = released(tmp_path, [["00123", n, None, *[None] * 8] for n in range(3)])
    assert list(pd.read_csv(folder / "places.csv")["code"]) == [123] * 3  # why the line is needed
    assert list(run(LINES["pandas, CSV"], folder, monkeypatch)["code"]) == ["00123"] * 3
    assert list(run(LINES["DuckDB, CSV"], folder, monkeypatch)["code"]) == ["00123"] * 3
    assert list(pd.read_parquet(folder / "places.parquet")["code"]) == ["00123"] * 3


def test_r_has_a_letter_for_each_column():
    letters = re.search(r'col_types = "(\w+)"', LINES["R, CSV"].code)
    assert letters
    assert letters[1] == "cdccddlDTid"


def test_without_a_workbook_the_page_says_what_to_set_to_text():
    lines = {line.tool: line for line in openings(DATASET.table, {"csv": "a.csv", "parquet": "a.parquet"})}
    assert "pandas, Excel" not in lines
    assert "set to text: code, name, theme_code" in lines["Excel, LibreOffice"].note


@pytest.mark.parametrize("value", [Decimal(10**13), Decimal("-9999999999999.99") - 1])
def test_a_decimal_that_a_double_would_round_is_not_released(tmp_path, value):
    with pytest.raises(ReleaseError, match=r"area_m2 is .* in the row a, 1: more than 15 digits"):
        places.release(Home(tmp_path), [["a", 1, None, None, value, *[None] * 6]], dataset=DATASET)


# --- the data package ------------------------------------------------------------------------------------


def faults(folder):
    """What frictionless finds wrong, by resource."""
    with system.use_context(trusted=True):
        report = Package(str(folder / "datapackage.json")).validate()
    assert len(report.tasks) == 5
    assert not report.errors
    return {task.name: task.errors for task in report.tasks if task.errors}


def test_frictionless_finds_nothing_wrong_with_changes_and_a_broken_file_is_found(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows(20))
    second = places.release(home, places.rows(30), [first], day=dt.date(2026, 3, 1))
    folder = release_folder(home, second)
    assert faults(folder) == {}
    text = (folder / "places.csv").read_text()
    (folder / "places.csv").write_text(text.replace("2026-01-02T", "tomorrow"))
    assert set(faults(folder)) == {"places"}


def test_a_bound_that_only_warns_is_not_in_the_schema(tmp_path):
    fields = [{**field} for field in places.ENTRY["fields"]]
    fields[5] |= {"constraints": {"maximum": 1}, "severity": "warning"}
    fields[1] |= {"constraints": {"maximum": 100}}
    home = Home(tmp_path)
    made = places.release(home, places.rows(20), dataset=places.declaration(fields=fields))
    assert faults(release_folder(home, made)) == {}  # scores of more than 1 are published
    assert '"maximum": 100' in (release_folder(home, made) / "datapackage.json").read_text()


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
def test_the_line_for_curl_fetches_from_the_address_that_a_reader_sets(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/a.csv").write_text("code\n1\n")
    lines = {line.tool: line for line in openings(DATASET.table, {"csv": "a.csv", "parquet": "a.parquet"})}
    environment = {"PATH": os.environ["PATH"], "PORTAL": f"{(tmp_path / 'there').as_uri()}/"}
    subprocess.run(["bash", "-c", lines["curl, CSV"].code], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "a.csv").read_text() == "code\n1\n"
