"""Sheets out of .xlsx files of any make; whatever is in one, the worst it does is a SheetError."""

import contextlib
import random
import resource
import time
import tracemalloc
import zipfile
from datetime import datetime, timedelta, timezone
from datetime import time as clock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.workbook_factory import STRUCK, SUPERSCRIPT, Raw, number, rewritten, runs, written
from warehouse.sheets import limits
from warehouse.sheets.cells import TOO_LONG, ErrorValue, SheetError
from warehouse.sheets.limits import MAX_CELL_CHARACTERS
from warehouse.sheets.rich_text import ALL_STRUCK, LEFT_OUT_MARK
from warehouse.sheets.xlsx import read_xlsx


def one(tmp_path, value, **options):
    """The cell A1 of a sheet with one value."""
    sheet = read_xlsx(written(tmp_path / "book.xlsx", {"S": [[value]]}, **options))[0]
    return sheet.rows.get(1, {}).get(1)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (Raw("<v>Quiet</v><is><t>Quiet</t></is>", "inlineStr"), "Quiet"),
        (Raw("<is><t>Quiet</t></is><v>Quiet</v>", "inlineStr"), "Quiet"),
        (Raw("<v>50</v><is><t>fifty</t></is>"), 50),
        (Raw("<is><t>50</t></is>"), "50"),
        (Raw("<v>Quiet</v>", "inlineStr"), "Quiet"),
        (Raw("<is><r><t>Qui</t></r><r><t>et</t></r><rPh><t>kana</t></rPh></is>", "inlineStr"), "Quiet"),
        (Raw("<v>Quiet_x000B_carts</v>", "str"), "Quiet carts"),
        (Raw("<v>a\u202egnp.exe</v>", "str"), "agnp.exe"),
        (Raw("<v>Pa\u0308a\u0308teema</v>", "str"), "Pääteema"),
        (Raw("<v>1</v>", "b"), True),
        (Raw("<v>#REF!</v>", "e"), ErrorValue("#REF!")),
        (Raw("<v>1E3</v>"), 1000),
        (Raw("<v> 12.50 </v>"), 12.5),
        (Raw("<v>-0</v>"), 0),
        (Raw("<v>1e999</v>"), ErrorValue("#NUM!")),
        (Raw("<v>2016-03-01</v>", "d"), datetime(2016, 3, 1)),
        (Raw("<v>2016-03-01T12:30:00.000</v>", "d"), datetime(2016, 3, 1, 12, 30)),
        (Raw("<v>12:30:00</v>", "d"), clock(12, 30)),
        (
            Raw("<v>2016-03-31T00:00:00+03:00</v>", "d"),
            datetime(2016, 3, 31, tzinfo=timezone(timedelta(hours=3))),
        ),
        (number("42430.5", "d.m.yyyy"), datetime(2016, 3, 1, 12)),
        (number("-5", "d.m.yyyy"), ErrorValue("#####")),
    ],
)
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_cell_of_any_make(tmp_path, raw, value, is_strict):
    cell = one(tmp_path, raw, is_strict=is_strict)
    assert cell.value == value
    assert type(cell.value) is type(value)


@pytest.mark.parametrize(
    "raw", [Raw("<v/>", "s"), Raw("<v></v>", "s"), Raw("<v> </v>"), Raw("<is/>", "inlineStr"), Raw("")]
)
def test_an_empty_value_is_a_blank_cell(tmp_path, raw):
    assert one(tmp_path, raw, is_shared=True) is None


NINES = "9" * 5000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (Raw("<v>PT0H11M0S</v>", "d"), "length of time"),
        (Raw("<v>2016-13-01</v>", "d"), "no such day"),
        (Raw("<v>soon</v>", "d"), "no value"),
        (Raw("<v>1_000</v>"), "no value"),
        (Raw("<v>٣</v>"), "no value"),
        (Raw("<v>²</v>"), "no value"),
        (Raw("<v>nan</v>"), "no value"),
        (Raw("<v>2</v>", "b"), "no value"),
        (Raw(f"<v>{NINES}</v>", "s"), "missing from the file"),
        (Raw("<v>²</v>", "s"), "missing from the file"),
        (Raw("<v>7</v>", "s"), "missing from the file"),
    ],
)  # fmt: skip
def test_what_is_no_value_says_why(tmp_path, raw, said):
    cell = one(tmp_path, raw)
    assert said in cell.value.problem
    assert len(cell.value.code) <= 60


def test_runs_of_inline_and_of_shared_strings(tmp_path):
    item = runs("2500", ("1", SUPERSCRIPT)).inner.replace("is>", "si>").encode()
    shared = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + item + b"</sst>"
    for path in (
        written(tmp_path / "a.xlsx", {"S": [[runs("2500", ("1", SUPERSCRIPT))]]}),
        written(
            tmp_path / "b.xlsx",
            {"S": [[Raw("<v>0</v>", "s")]]},
            is_shared=True,
            parts={"xl/sharedStrings.xml": shared},
        ),
    ):
        cell = read_xlsx(path)[0].rows[1][1]
        assert (cell.value, cell.note) == ("2500", LEFT_OUT_MARK)
    assert one(tmp_path, runs(("gone", STRUCK))).note == ALL_STRUCK
    assert one(tmp_path, Raw("<v>5</v>", is_struck=True)).note == ALL_STRUCK
    assert one(tmp_path, runs(("here", '<strike val="0"/>'))).note == ""


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("xl/sharedStrings", "xl/SharedStrings"),
        lambda name: name.replace("worksheets/sheet", "Worksheets/Sheet"),
        lambda name: name.replace("xl/workbook.xml", "xl/WorkBook.xml").replace(
            "_rels/workbook", "_rels/WorkBook"
        ),
        lambda name: name if name.startswith("[") else name.replace("/", "\\"),
        str.upper,
    ],
)
def test_part_names_in_any_case_and_with_backslashes(tmp_path, rename):
    path = written(tmp_path / "book.xlsx", {"S": [["Quiet", 5]]}, is_shared=True, rename=rename)
    row = read_xlsx(path)[0].rows[1]
    assert [cell.value for cell in row.values()] == ["Quiet", 5]


def test_two_parts_of_one_name_are_refused(tmp_path):
    path = written(tmp_path / "book.xlsx", {"S": [["a"]]}, parts={"xl/worksheets/SHEET1.xml": b"<worksheet/>"})
    with pytest.raises(SheetError, match="two parts named"):
        read_xlsx(path)


def test_what_is_hidden_is_known(tmp_path):
    sheet = read_xlsx(
        written(
            tmp_path / "book.xlsx",
            {"S": [["a", "b", "c"], [1, 2, 3], [None], [4, 5, 6]]},
            rows={2: 'hidden="1"', 3: 'hidden="true"', 4: 'ht="0" customHeight="1"'},
            before='<sheetViews><sheetView showZeros="0"/></sheetViews>'
            '<cols><col min="1" max="1" width="9"/><col min="2" max="2" hidden="1"/>'
            '<col min="3" max="9" width="0"/></cols>',
        )
    )[0]
    assert sheet.hidden_rows == {2, 4}
    assert sheet.hidden_columns == [(2, 2), (3, 9)]
    assert sheet.hides_zeros


def test_what_lies_under_a_merged_range_is_not_there(tmp_path):
    sheet = read_xlsx(
        written(
            tmp_path / "book.xlsx",
            {"S": [["a", "b"], ["seen", "x"], ["under", "y"], [None, "z"]]},
            after='<mergeCells><mergeCell ref="A2:A4"/><mergeCell ref="A2:A4"/></mergeCells>',
        )
    )[0]
    assert [{column: cell.value for column, cell in row.items()} for row in sheet.rows.values()] == [
        {1: "a", 2: "b"}, {1: "seen", 2: "x"}, {2: "y"}, {2: "z"},
    ]  # fmt: skip
    assert sheet.covered == [(3, 1)]
    assert sheet.merged == [(2, 1, 4, 1)]


@pytest.mark.parametrize("ranges", ["same", "nested"])
def test_a_hundred_thousand_merged_ranges_take_no_time(tmp_path, ranges):
    references = (
        f"A2:{'A' if ranges == 'same' else 'XFD'}{9 if ranges == 'same' else 3 + n % 50}" for n in range(100_000)
    )
    path = written(
        tmp_path / "book.xlsx",
        {"S": [["a"], *([n] * 50 for n in range(60))]},
        after="<mergeCells>" + "".join(f'<mergeCell ref="{one}"/>' for one in references) + "</mergeCells>",
    )
    started = time.monotonic()
    read_xlsx(path)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "encoding", ["Shift_JIS", "utf-7", "foo", "EUC-JP", "utf-32", "idna", "rot13", "undefined", "unicode_escape"]
)
@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "_rels/.rels"]
)
def test_an_encoding_that_no_program_writes_is_named(tmp_path, part, encoding):
    path = written(tmp_path / "book.xlsx", {"S": [["a"]]}, is_shared=True)
    with zipfile.ZipFile(path) as archive:
        data = archive.read(part)
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + data
    with pytest.raises(SheetError) as caught:
        read_xlsx(rewritten(path, tmp_path / "evil.xlsx", {part: declared}))
    assert part in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-16", "utf-8-sig"])
def test_encodings_that_programs_write_are_read(tmp_path, encoding):
    sheet = (
        '<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>Jätkäsaari</v></c></row></sheetData></worksheet>'
    )
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{sheet}'.encode(encoding)
    path = written(tmp_path / "book.xlsx", {"S": [["a"]]}, parts={"xl/worksheets/sheet1.xml": declared})
    assert read_xlsx(path)[0].rows[1][1].value == "Jätkäsaari"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="1" ', f'<row r="{NINES}" '.encode()),
        (b'<row r="1" ', "<row r='²' ".encode()),
        (b'<row r="1" ', b"<row r='0' "),
        (b'<c r="A1"', f'<c r="A{NINES}"'.encode()),
        (b'<c r="B1"', b'<c r="A1"'),
    ],
)
def test_a_place_that_no_sheet_has_is_refused(tmp_path, old, new):
    path = written(tmp_path / "book.xlsx", {"S": [["a", "b"]]})
    with zipfile.ZipFile(path) as archive:
        data = archive.read("xl/worksheets/sheet1.xml")
    assert old in data
    with pytest.raises(SheetError, match=r"row|cell"):
        read_xlsx(rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": data.replace(old, new)}))


@pytest.mark.parametrize("wrong", [NINES, "²", "-1", "", "1.5", "10000000000"])
@pytest.mark.parametrize("attribute", ['numFmtId="164"', 'fontId="0"', 's="1"'])
def test_an_index_that_leads_nowhere_is_passed_over(tmp_path, attribute, wrong):
    path = written(tmp_path / "book.xlsx", {"S": [[number(5, '"P-"0')]]})
    name, _, _ = attribute.partition("=")
    part = "xl/worksheets/sheet1.xml" if name == "s" else "xl/styles.xml"
    with zipfile.ZipFile(path) as archive:
        data = archive.read(part).decode()
    assert attribute in data
    data = data.replace(attribute, f'{name}="{wrong}"')
    assert read_xlsx(rewritten(path, tmp_path / "evil.xlsx", {part: data.encode()}))[0].rows[1][1].value == 5


def test_a_currency_that_each_reader_sees_as_their_own_says_nothing(tmp_path):
    cell = one(tmp_path, number(5, '"$"#,##0'))
    assert "$" in cell.number_format
    path = written(tmp_path / "book.xlsx", {"S": [[number(5, "0")]]})
    with zipfile.ZipFile(path) as archive:
        styles = archive.read("xl/styles.xml").replace(b'<xf numFmtId="164"', b'<xf numFmtId="5"')
    cell = read_xlsx(rewritten(path, tmp_path / "own.xlsx", {"xl/styles.xml": styles}))[0].rows[1][1]
    assert "$" not in cell.number_format
    assert "#,##0" in cell.number_format


# --- sizes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["inline", "shared", "str"])
def test_a_value_longer_than_a_cell_is_not_kept(tmp_path, kind):
    def cell(length):
        text = "x" * length
        if kind == "shared":
            return one(tmp_path, text, is_shared=True)
        return one(tmp_path, text if kind == "inline" else Raw(f"<v>{text}</v>", "str"))

    assert cell(MAX_CELL_CHARACTERS).value == "x" * MAX_CELL_CHARACTERS
    assert cell(MAX_CELL_CHARACTERS + 1).value == ErrorValue("x" * 60 + "…", problem=TOO_LONG)
    tracemalloc.start()
    assert cell(40 << 20).value.problem == TOO_LONG
    del cell
    tracemalloc.reset_peak()
    read_xlsx(tmp_path / "book.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


def test_a_tag_without_end_does_not_fill_the_memory(tmp_path):
    sheet = b'<worksheet><sheetData><row r="1"><c r="' + b"A" * (60 << 20) + b'"/></row></sheetData></worksheet>'
    path = written(tmp_path / "book.xlsx", {"S": [["a"]]}, parts={"xl/worksheets/sheet1.xml": sheet})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SheetError, match="tag larger"):
        read_xlsx(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 << 10  # kB


def test_many_shared_strings_have_a_limit_together(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 1000)
    path = written(tmp_path / "book.xlsx", {"S": [["x" * 400 + str(n)] for n in range(4)]}, is_shared=True)
    with pytest.raises(SheetError, match="more than 1,000 characters"):
        read_xlsx(path)


# --- whatever comes ----------------------------------------------------------------------------------

PARTS = [
    "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml",
    "_rels/.rels", "xl/_rels/workbook.xml.rels",
]  # fmt: skip
JUNK = [
    "", "²", NINES, "-1", "é", "\x00", "&#0;", "<", ">", '"', "'", "]]>", "<v>", "</c>", "<is><t>x</t></is>", "A0",
    'encoding="Shift_JIS"',
    '<?xml version="1.0" encoding="utf-7"?>', "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&a;", "1e999",
    "PT0H11M0S", ' t="d"', ' t="s"', ' t="e"', ' hidden="1"', "0001-01-01", "9999-12-31T24:00:00Z", "../" * 40,
    '<mergeCell ref="A1:XFD1048576"/>', "[$-F800]", '"', ";;;;;", "x" * 5000,
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_mutated_parts_never_end_in_anything_but_a_sheet_error(tmp_path_factory, data):
    source = tmp_path_factory.getbasetemp() / "good.xlsx"
    if not source.exists():
        cells = [
            ["Key", runs("a", ("1", SUPERSCRIPT)), Raw("<v>2016-03-01T00:00:00Z</v>", "d"), number(1, "0%")],
            ["b", number(42430, "d.m.yyyy"), Raw("<f>1+1</f><v>2</v>"), Raw("<v>1</v>", "b")],
        ]
        written(source, {"S": cells}, is_shared=True, after='<mergeCells><mergeCell ref="A1:A2"/></mergeCells>')
    part = data.draw(st.sampled_from(PARTS))
    with zipfile.ZipFile(source) as archive:
        content = archive.read(part)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 12))
        junk = data.draw(st.one_of(st.sampled_from(JUNK).map(str.encode), st.binary(max_size=4)))
        content = content[:start] + junk + content[start + cut :]
    path = rewritten(source, tmp_path_factory.getbasetemp() / "mutated.xlsx", {part: content})
    with contextlib.suppress(SheetError):
        read_xlsx(path)


def test_every_attribute_and_text_replaced_by_junk(tmp_path):
    """Each number of each part in turn: an index, a row, a size that a person never writes."""
    path = written(
        tmp_path / "good.xlsx",
        {"S": [["Key", number(1, "0%")], ["b", number(42430, "d.m.yyyy")]]},
        is_shared=True,
        before='<cols><col min="1" max="2" hidden="1"/></cols>',
        after='<mergeCells><mergeCell ref="A1:A2"/></mergeCells>',
    )
    choice = random.Random(5)
    for part in PARTS:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(part).decode()
        marks = [index for index, character in enumerate(content) if character in '"0123456789' and index]
        for index in choice.sample(marks, min(40, len(marks))):
            for junk in (NINES, "²", '"'):
                evil = content[:index] + junk + content[index + 1 :]
                with contextlib.suppress(SheetError):
                    read_xlsx(rewritten(path, tmp_path / "evil.xlsx", {part: evil.encode()}))


def test_a_disk_that_cannot_be_read_is_not_the_files_fault(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_xlsx(tmp_path / "nothing.xlsx")


def test_the_generator_writes_what_openpyxl_reads(tmp_path):
    path = written(tmp_path / "book.xlsx", {"S": [["a", 5, number(42430, "d.m.yyyy")]]}, is_shared=True)
    sheet = load_workbook(path)["S"]
    assert [cell.value for cell in sheet[1]] == ["a", 5, datetime(2016, 3, 1)]
