"""CSV files that somebody's program wrote nearly right: no record is published by half or in the wrong columns."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.workbooks import read as read_workbook
from tests.sources.test_workbooks import anything, of, read, rows
from tests.workbook_factory import ROUND, declaration, pilot, snapshot, table
from warehouse.declarations import Severity
from warehouse.findings import key_text
from warehouse.sheets import open_book, table_of_file

IN_TMP = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ID = {"name": "key", "title": "Key", "constraints": {"pattern": "[a-z]+[0-9]*"}}
NAMES = ["key", "one", "two", "three", "note"]
HEADER = ["Key", "One", "Two", "Three", "Note"]
SOURCE = anything(*({"name": name, "title": title} for name, title in zip(NAMES[1:], HEADER[1:], strict=True)))
SOURCE = SOURCE.model_copy(
    update={
        "tables": (
            SOURCE.tables[0].model_copy(
                update={"fields": (type(SOURCE.tables[0].fields[0])(**ID), *SOURCE.tables[0].fields[1:])}
            ),
        )
    }
)


def things(tmp_path, content, name="things.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, source=SOURCE)


def got(reading):
    return {row["key"]: [row[name] for name in NAMES] for row in rows(reading, "things")}


def key(value):
    return key_text({"key": value})


def test_a_cell_too_many_is_put_aside_even_if_the_last_one_is_empty(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note\r\na,5000,50,40,\r\nb,5000,50,40,,\r\nc,1,2,3,4,5\r\n")
    assert list(got(reading)) == ["a"]
    assert [(f.rule, f.severity, f.row_number, f.row_key) for f in reading.findings] == [
        ("row-length", Severity.ERROR, 3, "b"),
        ("row-length", Severity.ERROR, 4, "c"),
    ]
    assert "6 cells under a header of 5" in reading.findings[0].message
    first, second = reading.quarantined
    assert (first.table_name, first.row_number, first.row_key) == ("things", 3, key("b"))
    assert json.loads(second.record) == ["c", "1", "2", "3", "4", "5"]
    assert not reading.incomplete


def test_a_record_cut_by_a_line_break_is_put_aside_with_its_key(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,quiet\n\ncarts,x,y,\nb,1,2,3,\n")
    assert list(got(reading)) == ["b"]
    assert [(q.row_number, q.row_key) for q in reading.quarantined] == [(2, key("a")), (4, None)]
    assert all("line break" in f.help for f in of(reading, "row-length"))


def test_a_line_break_in_the_last_cell_costs_the_record_too(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,1,2,3,first\nSecond, too\nthird\nb,1,2,3,x\nTotal,9\n")
    assert list(got(reading)) == ["b"]
    assert [(q.row_number, q.row_key) for q in reading.quarantined] == [(2, key("a")), (3, None), (4, None)]
    assert [f.rule for f in reading.findings] == ["row-length"] * 3 + ["skipped-row"]
    # Where blank cells are left off, a short record below a whole one is a record, if it has a key.
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,1,2,3,first\nb,1\nc,2\nd,1,2,3,x\nlast words\n")
    assert list(got(reading)) == ["a", "b", "c"]


def test_short_records_are_read_where_blank_cells_are_left_off_throughout(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,1,2\nb,1,2,3,4\nc,1,2,3\n")
    assert list(got(reading)) == ["a", "b", "c"]
    assert not reading.findings
    # One record that keeps its blank cell shows that none are left off.
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,1,2\nb,1,2,3,\nc,1,2,3\n")
    assert list(got(reading)) == ["b"]
    assert [(q.row_number, q.row_key) for q in reading.quarantined] == [(2, None), (4, None)]


def test_excel_leaves_off_the_delimiters_of_blank_columns_in_blocks_of_sixteen(tmp_path):
    lines = [
        "Key,One,Two,Three,Note",
        *(f"a{n},1,,," for n in range(15)),
        *(f"b{n},1,," for n in range(15)),
        "c,1,,3",
    ]
    assert len(got(things(tmp_path, "\r\n".join(lines) + "\r\n"))) == 31
    lines[20] = "b4,1,"  # a block that is not of one piece
    reading = things(tmp_path, "\r\n".join(lines) + "\r\n")
    assert len(got(reading)) == 15
    assert len(reading.quarantined) == 16


def test_a_file_that_ends_within_a_record_is_not_whole(tmp_path):
    for tail in ("c,1,2", "c,1,", "c,1"):
        reading = things(tmp_path, f"Key,One,Two,Three,Note\na,1,2,3,x\nb,1,2,3,x\n{tail}")
        assert list(got(reading)) == ["a", "b"], tail
        assert list(reading.incomplete) == ["things"]
        (finding,) = reading.findings
        assert "ends within this row" in finding.message
    assert reading.quarantined[0].row_key == key("c")
    # A single cell: a key that was cut, or the second line of what stands above it.
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,1,2,3,x\nb,1,2,3,x\nc")
    assert list(got(reading)) == ["a"]
    assert [q.row_key for q in reading.quarantined] == [key("b"), None]
    assert reading.incomplete
    for whole in ("c,1,2,3,x", "c,1,2,3,", "b,1,2,3,x\nTotal,9"):
        reading = things(tmp_path, f"Key,One,Two,Three,Note\na,1,2,3,x\n{whole}")
        assert {f.severity for f in reading.findings} <= {Severity.INFO}
        assert not reading.incomplete


def test_values_under_no_header_and_notes_below_the_table(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note,\na,1,2,3,4,\nb,1,2,3,4,5\nnote: all in euro\nTotal,5\n")
    assert list(got(reading)) == ["a"]
    assert "beyond the last column with a header" in of(reading, "row-length")[0].message
    assert [f.row_number for f in of(reading, "skipped-row")] == [4, 5]


def test_a_record_of_a_wrong_length_shows_no_personal_value(tmp_path):
    row = pilot(1, Contact="Maija Meikäläinen")
    path = tmp_path / "pilots.csv"
    text = io.StringIO()
    csv.writer(text).writerows(table([row]))
    path.write_text(text.getvalue().replace("8000", "8000,50"), encoding="utf-8")
    reading = read_workbook(snapshot(path), declaration(), tmp_path)
    (kept,) = reading.quarantined
    assert kept.row_key == key_text({"pilot_id": "demo-1"})
    assert "Maija" not in repr((reading.findings, reading.quarantined))


CELLS = st.text(alphabet="abcdefg0123456789", max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=2, max_size=6)


def written(records, *, terminator="\r\n"):
    text = io.StringIO()
    csv.writer(text, lineterminator=terminator).writerows(records)
    return text.getvalue()


def blank_as_none(record):
    return [cell or None for cell in record]


@IN_TMP
@given(ROWS, st.data())
def test_a_broken_record_costs_itself_and_never_changes_another(tmp_path, cells, data):
    """One cell gets an unquoted delimiter or line break, or one delimiter is lost."""
    records = [[f"k{number}", *record] for number, record in enumerate(cells)]
    records[0][4] = ""  # the writer keeps blank cells
    victim = data.draw(st.integers(1, len(records) - 1), label="victim")
    kind = data.draw(st.sampled_from(["delimiter", "line break", "lost"]), label="kind")
    # Without the delimiter behind its key a record looks like the rest of the one above it.
    column = data.draw(st.integers(2 if kind == "lost" else 1, 4), label="column")
    lines = written([HEADER, *records]).splitlines()
    broken = list(records[victim])
    if kind == "delimiter":
        broken[column] += ",5"
    elif kind == "line break":
        broken[column] = f"{broken[column] or 'y'}\nx"
    else:
        broken[column - 1 : column + 1] = ["".join(broken[column - 1 : column + 1])]
    lines[victim + 1] = ",".join(broken)
    reading = things(tmp_path, "\r\n".join(lines) + "\r\n")
    read_as = got(reading)
    assert read_as.pop(f"k{victim}", None) is None
    others = {r[0]: blank_as_none(r) for n, r in enumerate(records) if n != victim and any(r[1:])}
    assert read_as == others
    if any(broken[1:]):
        assert of(reading, "row-length")
        known = {q.row_key for q in reading.quarantined} - {None}
        assert known <= {key(f"k{victim}")}
        if kind == "delimiter":
            assert known


@IN_TMP
@given(ROWS, st.booleans(), st.data())
def test_a_file_cut_anywhere_never_gives_half_a_record(tmp_path, cells, trims, data):
    records = [[f"k{number}", *record, "end"] for number, record in enumerate(cells)]
    whole = written([HEADER, *(record[:5] if not trims else [*record[:4], "end"] for record in records)])
    start = len(written([HEADER, [*records[0][:4], "end"]]))
    text = whole[: data.draw(st.integers(min(start, len(whole)), len(whole)), label="cut")]
    reading = things(tmp_path, text)
    complete = text.count("\r\n") - 1
    for name, values in got(reading).items():
        number = int(name[1:]) if name[1:].isdigit() else -1
        if number < complete:
            continue
        # The last line may be all there but for its end, or for the end of its last cell: nothing shows that.
        assert text.splitlines()[-1].count(",") == 4
        assert values[1:4] == blank_as_none(records[number][1:4])


@IN_TMP
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=30), st.sampled_from([1, 16, None]))
def test_what_a_program_writes_right_is_read_whole(tmp_path, cells, block):
    """Blank cells at the end are kept, left off, or left off in blocks."""
    records = [HEADER, *([f"k{number}", *record] for number, record in enumerate(cells))]
    records[1:] = [record for record in records[1:] if any(record[1:])]
    if block is not None:
        for start in range(0, len(records), block):
            part = records[start : start + block]
            last = max(max(n for n, cell in enumerate(record, 1) if cell) for record in part)
            records[start : start + block] = [record[:last] for record in part]
    reading = things(tmp_path, written(records))
    expected = {r[0]: blank_as_none([*r, "", "", "", ""][:5]) for r in records[1:]}
    read_as = got(reading)
    aside = {q.row_number for q in reading.quarantined}
    assert {k: v for k, v in read_as.items() if v != expected.get(k)} == {}
    if block == 1:  # two short records that make a whole one together may be one that was cut
        assert all(len(records[row - 1]) < 5 for row in aside)
        assert len(read_as) + len(aside) == len(expected)
    else:
        assert read_as == expected


# --- bytes -------------------------------------------------------------------------------------------


def test_one_bad_byte_is_a_finding_at_its_cell_and_all_else_stays_as_it_is(tmp_path):
    good = "Key,One,Two,Three,Note\na,Kävely,2,3,Jyväskylä\nb,".encode()
    reading = things(tmp_path, good + b"Kes\xe4,2,3,\n")
    assert got(reading) == {
        "a": ["a", "Kävely", "2", "3", "Jyväskylä"],
        "b": ["b", None, "2", "3", None],
    }
    (finding,) = reading.findings
    assert (finding.severity, finding.row_number, finding.column_name) == (Severity.ERROR, 3, "one")
    assert finding.value == "Kes\ufffd"
    assert "“Kesä”" in finding.help


def test_a_file_without_one_letter_of_utf8_is_windows_text_and_what_that_lacks_is_a_finding(tmp_path):
    reading = things(tmp_path, "Key,One,Two,Three,Note\na,Kesä,2,3,x\n".encode("cp1252") + b"b,\x81,2,3,x\n")
    assert got(reading) == {"a": ["a", "Kesä", "2", "3", "x"], "b": ["b", None, "2", "3", "x"]}
    assert [(f.rule, f.severity) for f in reading.findings] == [
        ("encoding", Severity.WARNING),
        ("type", Severity.ERROR),
    ]
    marked = things(tmp_path, b"\xef\xbb\xbfKey,One,Two,Three,Note\na,Kes\xe4,2,3,x\n")
    assert [f.rule for f in marked.findings] == ["type"]


def test_a_bad_byte_in_a_header_hides_no_column(tmp_path):
    row = pilot()
    row["Päättyy"] = row.pop("Ends")
    text = io.StringIO()
    csv.writer(text).writerows(table([row]))
    path = tmp_path / "pilots.csv"
    path.write_bytes(text.getvalue().replace("Demo", "Démo").encode().replace("Pä".encode(), b"P\xe4"))
    (tmp_path / "rounds.csv").write_text("\n".join(",".join(map(str, line)) for line in table([ROUND])))
    reading = read_workbook(snapshot(path, tmp_path / "rounds.csv"), declaration(), tmp_path)
    assert not reading.findings
    assert rows(reading)[0]["end_date"].isoformat() == "2016-08-31"


@IN_TMP
@given(st.lists(st.text(alphabet="aäö€é", min_size=1, max_size=5), min_size=2, max_size=5), st.data())
def test_a_bad_byte_anywhere_never_changes_another_cell(tmp_path, texts, data):
    victim = data.draw(st.integers(0, len(texts) - 1))
    bad = data.draw(st.sampled_from([b"\xe4", b"\x80", b"\xff", b"\xc3"]))
    lines = [
        f"k{n},{text}".encode() + (bad if n == victim else b"") + b",2,3,\xc3\xa4" for n, text in enumerate(texts)
    ]
    read_as = got(things(tmp_path, b"\n".join([b"Key,One,Two,Three,Note", *lines])))
    assert {k: v[1] for k, v in read_as.items()} == {
        f"k{n}": None if n == victim else text for n, text in enumerate(texts)
    }


# --- forms that are right ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("Key\tOne\tTwo\tThree\tNote\r\na\tKävely\t2\t3\t\r\n".encode("utf-16"), 2),
        ("\ufeffsep=;\r\nKey;One;Two;Three;Note\r\na;Kävely;2;3;\r\n".encode(), 2),
        ("Key,One,Two,Three,Note\ra,Kävely,2,3,\r\x1a".encode(), 2),
        ("Key,One,Two,Three,Note\r\n\r\na,Kävely,2,3,\r\n\r\n,,,,\r\n".encode(), 3),
        ('Key,One,Two,Three,Note\r\na,"Kävely",2,3,""'.encode(), 2),
    ],
)
def test_what_programs_write_is_read_without_a_word(tmp_path, content, row):
    reading = things(tmp_path, content)
    assert got(reading) == {"a": ["a", "Kävely", "2", "3", None]}
    assert rows(reading, "things")[0]["_row"] == row
    assert not reading.findings
    assert not reading.incomplete


def test_the_table_a_files_name_speaks_of():
    tables = declaration().tables
    names = {
        "Agile pilots - Pilots": "pilots",
        "Agile pilots - Rounds": "rounds",
        "agile_pilots_rounds_2019": "rounds",
        "ROUNDS": "rounds",
        "export": None,
    }
    for name, expected in names.items():
        found = table_of_file(name, tables)
        assert (found.name if found else None) == expected, name


def test_a_csv_says_how_long_its_records_are(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text('Key;One\na;"x;\ny";\n\nb', encoding="utf-8")
    records = open_book(path, SOURCE.tables).records
    assert (dict(records.lengths), records.delimiter, records.is_open) == ({1: 2, 2: 3, 3: 0, 4: 1}, ";", True)
