"""Workbooks as people keep them, become tables or findings; hostile ones become a clear message."""

import contextlib
import io
import re
import zipfile
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from sources import SourceError
from sources.loading import arrow_schema
from sources.workbooks import columns
from sources.workbooks import read as read_workbook
from tests.cpu_time import done_within, merely_parsed
from tests.workbook_factory import (
    ERRORS,
    PILOT,
    ROUND,
    SAMPLE,
    declaration,
    good_workbook,
    pilot,
    rewritten,
    save,
    snapshot,
    table,
    workbook_with_one_of_each_error,
)
from warehouse.declarations import Severity, SourceDeclaration, parse
from warehouse.sheets import limits

PARTS = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml", "_rels/.rels"]


def read(*paths, source=None):
    return read_workbook(snapshot(*paths), source or declaration(), paths[0].parent)


def rows(reading, name="pilots"):
    return reading.tables[name].to_pylist()


def serious(reading):
    return [f for f in reading.findings if f.severity in (Severity.CRITICAL, Severity.ERROR)]


def of(reading, rule):
    return [f for f in reading.findings if f.rule == rule]


def anything(*fields, **more) -> SourceDeclaration:
    """A source with one table of the given fields and a key."""
    return parse(
        SourceDeclaration,
        {
            "name": "anything", "title": "Anything", "publisher": "opendistrict", "licence": "CC0-1.0",
            "attribution": "p", "cadence": "irregular",
            "tables": [
                {
                    "name": "things", "title": "Things", "each_row_is_a": "thing", "primaryKey": ["key"],
                    "fields": [{"name": "key", "title": "Key"}, *fields], **more,
                }
            ],
        },
        "test",
    )  # fmt: skip


def one(tmp_path, field, value, number_format=None, name="book.xlsx"):
    """One value read as one field: the value and its findings."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Key", field["title"]])
    sheet.append(["a", value])
    if number_format:
        sheet["B2"].number_format = number_format
    book.save(tmp_path / name)
    reading = read(tmp_path / name, source=anything(field))
    return rows(reading, "things")[0][field["name"]], list(reading.findings)


def test_a_good_workbook_has_nothing_to_say(tmp_path):
    reading = read(good_workbook(tmp_path / "book.xlsx"))
    assert not reading.findings
    assert reading.tables["pilots"].schema == arrow_schema(declaration().table("pilots"))
    first = rows(reading)[0]
    assert first["start_date"] == date(2016, 3, 1)
    assert first["end_date"] == date(2016, 8, 31)
    assert first["grant_eur"] == Decimal("8000.00")
    assert (first["_file"], first["_sheet"], first["_row"]) == ("book.xlsx", "Pilots", 2)
    assert rows(reading, "rounds")[0]["round_year"] == 2016


def test_columns_in_any_order_below_titles_in_finnish(tmp_path):
    names = {"Pilot ID": "Tunnus", "Grant (EUR)": "AVUSTUS, EUR", "Starts": "alkaa", "Ends": "Päättyy *"}
    content = {names.get(name, name): value for name, value in reversed(PILOT.items())}
    path = save(
        tmp_path / "book.xlsx",
        {
            "pilots ": [["Kokeilut 2016"], [], [None, "Kierros 1"], [], *table([content])],
            "ROUNDS": [[None], *table([ROUND])],
        },
    )
    reading = read(path)
    assert not reading.findings
    assert rows(reading)[0]["pilot_id"] == "demo-1"
    assert rows(reading)[0]["grant_eur"] == 8000
    assert rows(reading)[0]["_row"] == 6


def test_hidden_sheets_and_rows_are_read_and_our_own_list_is_not(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    book = load_workbook(path)
    book["Pilots"].row_dimensions[3].hidden = True
    book["Rounds"].sheet_state = "hidden"
    book.create_sheet("To do", 0)["A1"] = "What to do in this workbook: book.xlsx"
    book.create_sheet("To do (mine)")["A1"] = "call the city"
    book.save(path)
    reading = read(path)
    assert len(rows(reading)) == 12
    assert [(f.rule, f.severity, f.sheet) for f in reading.findings] == [
        ("hidden-rows", Severity.WARNING, "Pilots"),
        ("hidden-sheet", Severity.WARNING, "Rounds"),
        ("unknown-sheet", Severity.INFO, "To do (mine)"),
    ]
    assert "Row 3 is hidden" in reading.findings[0].message


def test_a_sheet_with_another_name_is_known_by_its_headers(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Taul1": table([pilot()]), "Rounds": table([ROUND])})
    reading = read(path)
    assert len(rows(reading)) == 1
    assert [f.rule for f in reading.findings] == ["sheet-by-header"]


def test_a_sheet_a_year_is_read_and_a_copy_beside_the_named_one_is_not(tmp_path):
    years = save(
        tmp_path / "years.xlsx",
        {"2016": table([pilot(1)]), "2017": table([pilot(2)]), "Rounds": table([ROUND])},
    )
    assert [row["_sheet"] for row in rows(read(years))] == ["2016", "2017"]
    copies = save(
        tmp_path / "copies.xlsx",
        {"Pilots": table([pilot(1)]), "Pilots (old)": table([pilot(2)]), "Rounds": table([ROUND])},
    )
    reading = read(copies)
    assert len(rows(reading)) == 1
    assert [(f.rule, f.severity, f.sheet) for f in reading.findings] == [
        ("unknown-sheet", Severity.WARNING, "Pilots (old)")
    ]


def test_what_is_missing_is_critical_and_the_table_is_there_and_empty(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Pilots": [["a", "b"], [1, 2]]})
    reading = read(path)
    assert {(f.rule, f.table_name) for f in serious(reading)} == {
        ("missing-header", "pilots"),
        ("missing-table", "rounds"),
    }
    assert all(f.severity is Severity.CRITICAL and f.help for f in serious(reading))
    assert reading.tables["rounds"].num_rows == 0


def test_a_missing_and_an_unknown_column(tmp_path):
    row = pilot()
    del row["Theme"]
    path = save(
        tmp_path / "book.xlsx",
        {"Pilots": [*table([{**row, "Memo": "x"}]), ["", *[None] * 20, "stray"]], "Rounds": table([ROUND])},
    )
    reading = read(path)
    missing = of(reading, "missing-column")
    assert [(f.column_name, f.severity) for f in missing] == [("theme_code", Severity.CRITICAL)]
    assert [(f.column_name, f.severity) for f in of(reading, "unknown-column")] == [
        ("Memo", Severity.WARNING),
        ("column V", Severity.WARNING),
    ]


def test_a_column_that_is_there_twice(tmp_path):
    def book(second, value):
        path = save(
            tmp_path / "book.xlsx",
            {"Pilots": [[*PILOT, second], [*pilot().values(), value]], "Rounds": table([ROUND])},
        )
        return read(path)

    both = book("Teema", "climate")
    assert of(both, "duplicate-column")[0].severity is Severity.CRITICAL
    assert rows(both)[0]["theme_code"] is None
    empty = book("Teema", None)
    assert of(empty, "duplicate-column")[0].severity is Severity.WARNING
    assert rows(empty)[0]["theme_code"] == "mobility"
    optional = book("Osallistujat", 3)
    assert of(optional, "duplicate-column")[0].severity is Severity.ERROR


def test_notes_totals_and_headers_between_the_rows_are_no_records(tmp_path):
    header = list(PILOT)
    blank = [None] * len(header)
    path = save(
        tmp_path / "book.xlsx",
        {
            "Pilots": [
                header, list(pilot(1).values()), [None, "- autumn -"], header, list(pilot(2).values()),
                blank, [f"demo-{3}"], ["Yhteensä", *[None] * 11, 16000], [None, "Total", "=1+1"], ["-", "–"],
            ],
            "Rounds": table([ROUND]),
        },
    )  # fmt: skip
    reading = read(path)
    assert [row["_row"] for row in rows(reading)] == [2, 5]
    assert [f.row_number for f in of(reading, "skipped-row")] == [3, 7, 8, 9]
    assert not serious(reading)


def test_one_of_each_error_is_found_where_it_stands(tmp_path):
    reading = read(workbook_with_one_of_each_error(tmp_path / "book.xlsx"))
    by_id = {row["pilot_id"]: row for row in rows(reading)}
    found = {(f.row_key, f.column_name) for f in of(reading, "type")}
    expected = {(name, column) for name, (_, (column, rule, _)) in ERRORS.items() if rule == "type"}
    assert found == expected
    for finding in of(reading, "type"):
        assert finding.row_number == by_id[finding.row_key]["_row"]
        assert finding.sheet == "Pilots"
        assert finding.file == "book.xlsx"
        assert finding.severity is Severity.ERROR
        assert finding.help
        assert by_id[finding.row_key][finding.column_name] is None
    assert by_id["negative-grant"]["grant_eur"] == -5000
    assert len(rows(reading)) == 12 + len(ERRORS) + 1


AMOUNT = {"name": "amount", "title": "Amount", "type": "number", "decimals": 2, "unit": "EUR"}
DAY = {"name": "day", "title": "Day", "type": "date"}
TEXT = {"name": "text", "title": "Text"}
COUNT = {"name": "count", "title": "Count", "type": "integer"}
YEAR = {"name": "year", "title": "Year", "type": "year"}
SHARE = {"name": "share", "title": "Share", "type": "number", "unit": "percent"}
FLAG = {"name": "flag", "title": "Flag", "type": "boolean"}
MOMENT = {"name": "moment", "title": "Moment", "type": "datetime"}


@pytest.mark.parametrize(
    ("field", "value", "number_format", "expected"),
    [
        (AMOUNT, 5000, None, Decimal("5000.00")),
        (AMOUNT, 0.1 + 0.2, None, Decimal("0.30")),
        (AMOUNT, "5.000,00 €", None, Decimal("5000.00")),
        (AMOUNT, 5000, "#,##0.00 [$€-40B]", Decimal("5000.00")),
        (DAY, datetime(2016, 3, 1), None, date(2016, 3, 1)),
        (DAY, datetime(2016, 3, 1, 14, 30), None, date(2016, 3, 1)),
        (DAY, 42430, "General", date(2016, 3, 1)),
        (TEXT, 1234.0, None, "1234"),
        (TEXT, 1234, "0000000", "0001234"),
        (TEXT, "007", None, "007"),
        (TEXT, 12.5, None, "12.5"),
        (TEXT, 0.25, "0%", "25%"),
        (TEXT, True, None, "true"),
        (TEXT, " a\u00a0 b\nc ", None, "a b\nc"),
        (TEXT, "x" * 30_000, None, "x" * 30_000),
        (COUNT, 12.0, None, 12),
        (COUNT, "1 234", None, 1234),
        (COUNT, 2.9999999999999996, None, 3),
        (YEAR, 2016, None, 2016),
        (YEAR, "2016", None, 2016),
        (YEAR, 2016, "d.m.yyyy", 2016),
        (SHARE, 0.25, "0.0%", 25.0),
        (SHARE, 25, None, 25.0),
        (FLAG, True, None, True),
        (FLAG, "ei", None, False),
        (FLAG, 1, None, True),
        (MOMENT, datetime(2016, 3, 1, 14, 30), None, datetime(2016, 3, 1, 14, 30)),
        (MOMENT, "1.3.2016 klo 14.30", None, datetime(2016, 3, 1, 14, 30)),
    ],
)
def test_a_cell_becomes_the_declared_type(tmp_path, field, value, number_format, expected):
    got, findings = one(tmp_path, field, value, number_format)
    assert not findings
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("field", "value", "number_format", "said"),
    [
        (TEXT, datetime(2016, 3, 1), None, "holds a date, where a text belongs"),
        (TEXT, clock(14, 30), None, "holds a time, where a text belongs"),
        (AMOUNT, "#REF!", None, "shows the error #REF!"),
        (AMOUNT, "=1+1", None, "never stored"),
        (AMOUNT, 5000, "[$£-809]#,##0.00", "in GBP"),
        (AMOUNT, 1e18, None, "too large"),
        (AMOUNT, True, None, "not a number"),
        (AMOUNT, datetime(2016, 3, 1), None, "not a number"),
        (DAY, 2016, None, "not a date"),
        (DAY, -5, "d.m.yyyy", "formatted as a date"),
        (DAY, clock(12, 0), None, "not a date"),
        (DAY, True, None, "not a date"),
        (COUNT, 12.5, None, "whole number"),
        (COUNT, datetime(2016, 3, 1), None, "whole number"),
        (COUNT, 1e300, None, "whole number"),
        (YEAR, datetime(2016, 3, 1), None, "a date, not a year"),
        (YEAR, 16, None, "four digits"),
        (FLAG, 2, None, "neither yes nor no"),
    ],
)
def test_a_cell_that_is_not_of_the_declared_type_is_a_finding(tmp_path, field, value, number_format, said):
    got, findings = one(tmp_path, field, value, number_format)
    assert got is None
    assert [f.rule for f in findings] == ["type"]
    assert said in findings[0].message
    assert findings[0].row_key == "a"
    assert findings[0].row_number == 2


def test_the_severity_and_the_help_are_the_fields_own(tmp_path):
    field = {**DAY, "severity": "warning", "help": "Ask the coordinator."}
    _, findings = one(tmp_path, field, "soon")
    assert findings[0].severity is Severity.WARNING
    assert findings[0].help == (
        "Ask the coordinator. Write it like “2016-03-31”. If it is not known, leave the cell empty."
    )


def test_a_personal_value_is_never_quoted(tmp_path):
    field = {**COUNT, "name": "phone", "title": "Phone", "privacy": "personal"}
    _, findings = one(tmp_path, field, "call Maija 040")
    assert "Maija" not in repr(findings)


def test_more_decimals_than_declared_are_rounded_and_said(tmp_path):
    value, findings = one(tmp_path, AMOUNT, 12.3456)
    assert value == Decimal("12.35")
    assert [(f.rule, f.severity) for f in findings] == [("rounded", Severity.WARNING)]


def test_dates_of_1904(tmp_path):
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Key", "Day"])
    sheet.append(["a", datetime(2016, 3, 1)])
    sheet.append(["b", 42430 - 1462])
    book.save(tmp_path / "book.xlsx")
    reading = read(tmp_path / "book.xlsx", source=anything(DAY))
    assert [row["day"] for row in rows(reading, "things")] == [date(2016, 3, 1)] * 2


def test_merged_cells_hold_for_their_rows_but_an_amount_does_not(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Everything we have"])
    sheet.merge_cells("A1:D1")
    sheet.append(["Key", "Text", "Amount"])
    for key in "abc":
        sheet.append([key, None, None, None])
    sheet["B3"], sheet["C3"] = "together", 900
    sheet.merge_cells("B3:B5")
    sheet.merge_cells("C3:C5")
    book.save(tmp_path / "book.xlsx")
    reading = read(tmp_path / "book.xlsx", source=anything(TEXT, AMOUNT))
    assert [row["text"] for row in rows(reading, "things")] == ["together"] * 3
    assert [row["amount"] for row in rows(reading, "things")] == [None] * 3
    assert [f.row_number for f in of(reading, "type")] == [3, 4, 5]
    assert "several rows" in of(reading, "type")[0].message


def test_a_header_of_two_merged_rows(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Key", "Values", None])
    sheet.append([None, "Text", "Amount"])
    sheet.append(["a", "x", 1])
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    book.save(tmp_path / "book.xlsx")
    reading = read(tmp_path / "book.xlsx", source=anything(TEXT, AMOUNT))
    assert not reading.findings
    assert [(row["key"], row["text"], row["_row"]) for row in rows(reading, "things")] == [("a", "x", 3)]


def test_several_files_are_put_one_below_the_other(tmp_path):
    first = save(tmp_path / "2016.xlsx", {"Pilots": table([pilot(1)]), "Rounds": table([ROUND])})
    second = save(tmp_path / "2017.xlsx", {"Pilots": table([pilot(2)])})
    reading = read(first, second)
    assert [(row["_file"], row["pilot_id"]) for row in rows(reading)] == [
        ("2016.xlsx", "demo-1"),
        ("2017.xlsx", "demo-2"),
    ]
    assert not reading.findings


# --- CSV ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_of_any_usual_kind(tmp_path, delimiter, encoding):
    path = tmp_path / "things.csv"
    lines = [["Key", "Text"], ["a", '"Jätkä\nsaari"'], ["b", f'"x{delimiter}y"'], [], ["c", "007"]]
    path.write_bytes("\r\n".join(delimiter.join(line) for line in lines).encode(encoding))
    reading = read(path, source=anything(TEXT))
    got = [(row["key"], row["text"], row["_row"]) for row in rows(reading, "things")]
    assert got == [("a", "Jätkä\nsaari", 2), ("b", f"x{delimiter}y".replace("\t", " "), 3), ("c", "007", 5)]
    assert rows(reading, "things")[0]["_sheet"] == "things"
    assert [(f.rule, f.severity) for f in reading.findings] == (
        [("encoding", Severity.WARNING)] if encoding == "cp1252" else []
    )


def test_csv_files_one_a_table(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.write_text("\n".join(";".join(str(v) for v in row) for row in rows), encoding="utf-8")
        return path

    pilots = write("agile_pilots_pilots_2016.csv", table([pilot()]))
    other = write("export.csv", table([ROUND]))
    reading = read(pilots, other)
    assert len(rows(reading)) == len(rows(reading, "rounds")) == 1
    assert not serious(reading)


def test_csv_with_the_delimiter_said_and_odd_line_ends(tmp_path):
    path = tmp_path / "things.csv"
    path.write_bytes("sep=;\r\nKey;Text\ra;x\u2028y\u0085z\r".encode())
    assert [row["_row"] for row in rows(read(path, source=anything(TEXT)), "things")] == [2]


def test_csv_with_an_open_quotation_mark_swallows_nothing(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text('Key,Text\na,"x\nb,y\nc,z\n')
    with pytest.raises(SourceError, match=r"things\.csv cannot be read: its quotation marks do not match"):
        read(path, source=anything(TEXT))


def test_a_cell_of_a_csv_is_as_long_as_a_cell_can_be(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text(f"Key,Text\na,{'x' * 32_767}\nb,{'x' * 32_768}\n")
    reading = read(path, source=anything(TEXT))
    assert [len(row["text"] or "") for row in rows(reading, "things")] == [32_767, 0]
    assert [(f.rule, f.row_number) for f in reading.findings] == [("type", 3)]
    assert "longer than the 32,767 characters" in reading.findings[0].message
    assert len(repr(reading.findings)) < 1000


# --- hostile and broken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 rubbish", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"old Excel file \(.xls\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"%PDF-1.7", "PDF"),
        (b"<html><table>", "web page"),
        (b"\x89PNG\r\n\0\0", "neither a workbook nor text"),
    ],
)
def test_what_is_no_workbook_says_what_it_is(tmp_path, content, said):
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        read(path)
    assert "book.xlsx" in str(caught.value)
    assert not caught.value.is_transient


def test_zips_that_are_no_workbook(tmp_path):
    for name, said in (("word/document.xml", "no workbook"), ("xl/workbook.xml", "XML that cannot be read")):
        with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
            archive.writestr(name, b"not xml")
        with pytest.raises(SourceError, match=said):
            read(tmp_path / "book.xlsx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = good_workbook(tmp_path / "book.xlsx")
    bomb = rewritten(path, tmp_path / "bomb.xlsx", {"xl/sharedStrings.xml": b" " * (101 << 20)})
    assert bomb.stat().st_size < 1 << 20
    opened = []
    with monkeypatch.context() as patched:
        patched.setattr(zipfile.ZipFile, "open", lambda _, part, *__, **___: opened.append(part))
        with pytest.raises(SourceError, match="unpacks to 101 MB"):
            read(bomb)
    assert opened == []
    monkeypatch.setattr(limits, "MAX_PARTS", 3)
    with pytest.raises(SourceError, match="parts"):
        read(path)


@pytest.mark.parametrize("part", PARTS)
def test_entities_are_refused_wherever_they_are(tmp_path, part):
    path = SAMPLE
    with zipfile.ZipFile(path) as archive:
        data = archive.read(part)
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    data = re.sub(rb"^(<\?xml[^>]*\?>)?", lambda match: match[0] + bomb, data, count=1)
    with pytest.raises(SourceError, match="XML"):
        read(rewritten(path, tmp_path / "evil.xlsx", {part: data}))


def test_cells_beyond_the_sheet_and_too_many_cells(tmp_path, monkeypatch):
    path = good_workbook(tmp_path / "book.xlsx")
    for reference in ("ZZZ1", "A9999999", "1A", "A0"):
        sheet = f'<worksheet><sheetData><row r="1"><c r="{reference}"><v>1</v></c></row></sheetData></worksheet>'
        with pytest.raises(SourceError, match="names a cell"):
            read(rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": sheet.encode()}))
    monkeypatch.setattr(limits, "MAX_CELLS", 20)
    with pytest.raises(SourceError, match="more than 20 filled cells"):
        read(path)


def test_merged_ranges_without_end_are_refused(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    merged = b"".join(b'<mergeCell ref="A%d:XFD1048576"/>' % row for row in range(1, 21))
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    sheet = sheet.replace(b"</sheetData>", b"</sheetData><mergeCells>" + merged + b"</mergeCells>")
    with pytest.raises(SourceError, match="merged"):
        read(rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": sheet}))


def test_very_deep_xml_and_very_long_values(tmp_path, monkeypatch):
    path = good_workbook(tmp_path / "book.xlsx")
    with pytest.raises(SourceError, match="XML"):
        read(rewritten(path, tmp_path / "deep.xlsx", {"xl/workbook.xml": b"<a>" * 300_000}))
    with pytest.raises(SourceError, match="larger than any"):
        read(rewritten(path, tmp_path / "wide.xlsx", {"xl/styles.xml": b" " * (25 << 20)}))
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 1000)
    with pytest.raises(SourceError, match="more than 1,000 characters"):
        read(path)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_never_end_in_anything_but_a_message(tmp_path, data):
    content = bytearray(SAMPLE.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(4, len(content))))]
    (tmp_path / "book.xlsx").write_bytes(content)
    with contextlib.suppress(SourceError):
        read(tmp_path / "book.xlsx")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_xml_never_ends_in_anything_but_a_message(tmp_path, data):
    part = data.draw(st.sampled_from(PARTS))
    with zipfile.ZipFile(SAMPLE) as archive:
        content = archive.read(part)
    start = data.draw(st.integers(0, len(content) - 1))
    junk = data.draw(
        st.sampled_from([b"", b"9", b'"', b"<", b"-1", b"A0", b"\xff", b"<v>1e999</v>", b' t="s"', b"&x;"])
    )
    content = content[:start] + junk + content[start + data.draw(st.integers(0, 8)) :]
    path = rewritten(SAMPLE, tmp_path / "book.xlsx", {part: content})
    with contextlib.suppress(SourceError):
        read(path)


def test_a_formula_is_never_more_than_text(tmp_path):
    reading = read(
        save(tmp_path / "book.xlsx", {"Things": [["Key", "Text"], ["a", '=HYPERLINK("http://x")']]}),
        source=anything(TEXT),
    )
    assert rows(reading, "things")[0]["text"] is None
    path = tmp_path / "things.csv"
    path.write_text("Key,Text\na,=1+1\n")
    assert rows(read(path, source=anything(TEXT)), "things")[0]["text"] == "=1+1"


def test_control_characters_do_not_get_in(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Things": [["Key", "Text"], ["a", "x_x0000_y_x001B_z_x005F_x0041_"]]})
    reading = read(path, source=anything(TEXT))
    assert rows(reading, "things")[0]["text"] == "xyz_x0041_"


def test_hundreds_of_unknown_columns_are_said_shortly(tmp_path):
    header = ["Key", "Text", *(f"extra {n}" for n in range(3000))]
    path = save(tmp_path / "book.xlsx", {"Things": [header, ["a", "x", *range(3000)]]})
    reading = read(path, source=anything(TEXT))
    assert len(of(reading, "unknown-column")) == columns.MAX_COLUMN_FINDINGS + 1
    assert "2,980 more" in reading.findings[-1].message


def formatted_to_the_bottom(path, target, rows=1_048_576, columns=2):
    """The workbook with every row of its first sheet formatted, as Excel does when whole columns are."""
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        last = max(int(n) for n in re.findall(rb'<row r="(\d+)"', sheet))
    cells = [f'<c r="{"ABCDEFG"[c]}%d" s="0"/>' for c in range(columns)]
    line = f'<row r="%d" spans="1:2">{"".join(cells)}</row>'
    tail = io.StringIO()
    for number in range(last + 1, rows + 1):
        tail.write(line % ((number,) * (columns + 1)))
    sheet = sheet.replace(b"</sheetData>", tail.getvalue().encode() + b"</sheetData>")
    return rewritten(path, target, {"xl/worksheets/sheet1.xml": sheet})


def test_a_million_formatted_and_empty_rows_are_passed_over(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    for line in (["Key", "Text"], ["a", "x"], ["b", None]):
        sheet.append(line)
    sheet.merge_cells("B2:B3")
    book.save(tmp_path / "book.xlsx")
    path = formatted_to_the_bottom(tmp_path / "book.xlsx", tmp_path / "long.xlsx")
    reading = done_within(2, lambda: merely_parsed(path), lambda: read(path, source=anything(TEXT)))
    assert [(row["key"], row["text"]) for row in rows(reading, "things")] == [("a", "x"), ("b", "x")]


def test_a_wrong_dimension_and_cells_without_references_do_not_matter(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Things": [["Key", "Text"], ["a", "x"]]})
    sheet = (
        '<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:dimension ref="A1"/><x:sheetData>'
        '<x:row><x:c t="inlineStr"><x:is><x:t>Key</x:t></x:is></x:c><x:c t="inlineStr"><x:is><x:r>'
        "<x:t>Te</x:t></x:r>"
        "<x:r><x:t>xt</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:is></x:c></x:row>"
        '<x:row><x:c t="str"><x:v>a</x:v></x:c><x:c><x:v>1.50</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    path = rewritten(path, tmp_path / "odd.xlsx", {"xl/worksheets/sheet1.xml": sheet.encode()})
    assert [(r["key"], r["text"], r["_row"]) for r in rows(read(path, source=anything(TEXT)), "things")] == [
        ("a", "1.5", 2)
    ]


def test_an_optional_table_may_be_missing(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Other": [["nothing"]]})
    reading = read(path, source=anything(TEXT, presence="optional"))
    assert [f.rule for f in reading.findings] == ["unknown-sheet"]
    assert reading.tables["things"].schema.field("_row").type == pa.int64()
