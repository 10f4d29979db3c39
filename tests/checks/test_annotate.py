"""The coordinator's workbook back: theirs in full, the wrong cells marked, the list first."""

import time
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill

from checks.annotate import (
    COLOURS,
    COMMENT_MARK,
    Annotation,
    Kept,
    annotate,
    annotating,
    copies,
    marks,
    todo_sheet,
)
from checks.annotate.saving import with_results
from sources.workbooks import read as read_workbook
from tests.cpu_time import done_within, merely_parsed
from tests.sources.test_workbooks import formatted_to_the_bottom
from tests.workbook_factory import (
    ROUND,
    SAMPLE,
    Raw,
    declaration,
    good_workbook,
    picture_in,
    pilot,
    rewritten,
    save,
    snapshot,
    table,
    workbook_with_one_of_each_error,
    written,
)
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.sheets import ErrorValue

ERROR, WARNING, CRITICAL, INFO = Severity.ERROR, Severity.WARNING, Severity.CRITICAL, Severity.INFO


def finding(severity=ERROR, message="It is wrong.", row=3, column="grant_eur", value=None, rule="type", **place):
    place = {"table_name": "pilots", "file": "book.xlsx", "sheet": "Pilots", **place}
    return Finding(rule, severity, message, "Mend it.", row_number=row, column_name=column, value=value, **place)


def annotated(tmp_path, findings, workbook=None, target="out.xlsx"):
    workbook = workbook or good_workbook(tmp_path / "book.xlsx")
    annotate(workbook, findings, tmp_path / target, declaration())
    return load_workbook(tmp_path / target)


def listed(book):
    """The list's rows below its header, as dicts."""
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if row[0] == "Severity")
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :]]


def colours(sheet):
    """The colour that our marks give to each cell."""
    found = {}
    for formats in sheet.conditional_formatting:
        for rule in formats.rules:
            if any("opendistrict" in formula for formula in rule.formula):
                for area in formats.sqref.ranges:
                    for row, column in area.cells:
                        found[sheet.cell(row, column).coordinate] = rule.dxf.fill.bgColor.rgb
    return found


def test_the_worst_comes_first_then_the_order_of_the_workbook(tmp_path):
    book = annotated(
        tmp_path,
        [
            finding(WARNING, "w", row=2),
            finding(ERROR, "second", row=9),
            finding(ERROR, "first", row=4, column="start_date"),
            finding(CRITICAL, "c", row=None, column="theme_code", rule="missing-column"),
            finding(ERROR, "last", row=2, column="offers_count", table_name="rounds", sheet="Rounds"),
            finding(INFO, "i", row=None, column=None, table_name=None, sheet=None),
        ],
    )
    assert book.sheetnames == ["To do", "Pilots", "Rounds"]
    assert [row["What is wrong"] for row in listed(book)] == ["c", "first", "second", "last", "w", "i"]
    assert [row["Cell"] for row in listed(book)] == ["G1", "K4", "M9", "E2", "M2", None]
    assert listed(book)[1]["Column"] == "Starts"
    sheet = book.worksheets[0]
    links = {cell.value: cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert links == {
        "G1": "'Pilots'!G1",
        "K4": "'Pilots'!K4",
        "M9": "'Pilots'!M9",
        "E2": "'Rounds'!E2",
        "M2": "'Pilots'!M2",
    }
    assert all(cell.hyperlink.target is None for row in sheet.iter_rows() for cell in row if cell.hyperlink)


def test_wrong_cells_are_coloured_and_say_what_to_do(tmp_path):
    book = annotated(
        tmp_path,
        [
            finding(WARNING, "Unusual."),
            finding(ERROR, "Wrong."),
            finding(WARNING, "Whole row.", row=4, column=None),
        ],
    )
    sheet = book["Pilots"]
    assert colours(sheet) == {"M3": COLOURS[ERROR], "A4": COLOURS[WARNING]}
    text = sheet["M3"].comment.text
    assert text.startswith(COMMENT_MARK)
    assert "ERROR: Wrong.\n-> Mend it." in text
    assert "WARNING: Unusual." in text
    assert sheet["M3"].value == 8000


def test_theirs_stays_as_it_was(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    sheet = theirs["Pilots"]
    sheet["M3"].fill = PatternFill(fill_type="solid", fgColor="FF00FF00")
    sheet["M3"].font = Font(bold=True)
    sheet["M3"].comment = Comment("Ask Maija", "Desk")
    sheet["M4"].comment = Comment("Fine", "Desk")
    sheet.column_dimensions["B"].width = 44
    sheet.freeze_panes = "B2"
    sheet.conditional_formatting.add("M2:M9", CellIsRule(operator="lessThan", formula=["0"]))
    theirs.create_sheet("Scratch")["A1"] = "mine"
    theirs["Scratch"]["A2"] = "=1+1"
    theirs.save(path)
    book = annotated(tmp_path, [finding()], path)
    sheet = book["Pilots"]
    assert sheet["M3"].fill.fgColor.rgb == "FF00FF00"
    assert sheet["M3"].font.bold
    assert sheet["M3"].comment.text.startswith("Ask Maija\n")
    assert COMMENT_MARK in sheet["M3"].comment.text
    assert sheet["M4"].comment.text == "Fine"
    assert sheet.column_dimensions["B"].width == 44
    assert sheet.freeze_panes == "B2"
    assert len(sheet.conditional_formatting) == 2
    assert book["Scratch"]["A2"].value == "=1+1"
    assert "To do" not in load_workbook(path).sheetnames


def test_a_copy_that_comes_back_is_marked_afresh(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    theirs["Pilots"]["M3"].comment = Comment("Ask Maija", "Desk")
    theirs.save(path)
    annotated(tmp_path, [finding(), finding(row=5)], path, "first.xlsx")
    book = annotated(tmp_path, [finding(WARNING, row=7)], tmp_path / "first.xlsx", "second.xlsx")
    assert book.sheetnames == ["To do", "Pilots", "Rounds"]
    assert colours(book["Pilots"]) == {"M7": COLOURS[WARNING]}
    assert book["Pilots"]["M3"].comment.text == "Ask Maija"
    assert book["Pilots"]["M5"].comment is None
    assert len(listed(book)) == 1
    clean = annotated(tmp_path, [], tmp_path / "second.xlsx", "third.xlsx")
    assert colours(clean["Pilots"]) == {}
    assert clean.worksheets[0]["A2"].value == "Nothing to do: no findings."
    assert not read_workbook(snapshot(tmp_path / "third.xlsx"), declaration(), tmp_path).findings


def test_a_sheet_of_theirs_named_like_ours_is_kept(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    theirs.create_sheet("To do")["A1"] = "call the city"
    theirs.save(path)
    annotated(tmp_path, [finding()], path, "first.xlsx")
    book = annotated(tmp_path, [finding()], tmp_path / "first.xlsx", "second.xlsx")
    assert book.sheetnames == ["To do (opendistrict)", "Pilots", "Rounds", "To do"]
    assert book["To do"]["A1"].value == "call the city"


@pytest.mark.parametrize(
    "value", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1"]
)
def test_what_we_write_is_never_a_formula(tmp_path, value):
    found = [finding(value=value, message=value, column=value, row=2), finding(value=value, sheet=value)]
    book = annotated(tmp_path, found)
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            if isinstance(cell.value, str) and cell.value[:1] in "=+-@\t":
                assert cell.quotePrefix
    csv = tmp_path / "pilots.csv"
    csv.write_text(f'Pilot ID,Pilot,City,Theme\nx,"{value.replace(chr(34), chr(34) * 2)}",a,b\n')
    annotate(csv, [], tmp_path / "csv.xlsx", declaration())
    cell = load_workbook(tmp_path / "csv.xlsx")["pilots"]["B2"]
    assert cell.data_type == "s"
    assert cell.value == value


def test_a_csv_comes_back_as_a_workbook(tmp_path):
    path = tmp_path / "pilots.csv"
    path.write_text("sep=;\nPilot ID;Pilot;City;Grant\na;Demo;Helsinki;n. 5000\n", encoding="utf-8")
    reading = read_workbook(snapshot(path), declaration(), tmp_path)
    findings = [f for f in reading.findings if f.rule == "type"]
    annotate(path, findings, tmp_path / "out.xlsx", declaration())
    book = load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["To do", "pilots"]
    assert book["pilots"]["D2"].value == "n. 5000"
    assert colours(book["pilots"]) == {"D2": COLOURS[ERROR]}


def test_every_finding_of_a_bad_workbook_has_its_cell(tmp_path):
    path = workbook_with_one_of_each_error(tmp_path / "book.xlsx")
    reading = read_workbook(snapshot(path), declaration(), tmp_path)
    annotate(path, reading.findings, tmp_path / "out.xlsx", declaration())
    book = load_workbook(tmp_path / "out.xlsx")
    assert len(listed(book)) == len(reading.findings)
    header = {cell.value: cell.column_letter for cell in book["Pilots"][3]}
    for found in (f for f in reading.findings if f.rule == "type"):
        letter = header[
            {"grant_eur": "Grant (EUR)", "start_date": "Starts", "participants_count": "Participants"}[
                found.column_name
            ]
        ]
        assert f"{letter}{found.row_number}" in colours(book["Pilots"])
    # What was handed in comes back readable, with the same findings.
    again = read_workbook(snapshot(tmp_path / "out.xlsx"), declaration(), tmp_path)
    assert [(f.rule, f.row_number, f.column_name) for f in again.findings] == [
        (f.rule, f.row_number, f.column_name) for f in reading.findings
    ]
    assert again.tables["pilots"].drop(["_file"]) == reading.tables["pilots"].drop(["_file"])


def test_results_of_formulas_survive(tmp_path):
    annotate(SAMPLE, [], tmp_path / "out.xlsx", declaration())
    before, after = (load_workbook(path, data_only=True)["Pilots"] for path in (SAMPLE, tmp_path / "out.xlsx"))
    for theirs, ours in zip(before.iter_rows(values_only=True), after.iter_rows(values_only=True), strict=True):
        assert theirs == ours
    assert load_workbook(tmp_path / "out.xlsx")["Pilots"]["P76"].value.startswith("=SUM(")


@pytest.mark.parametrize(
    "value", [True, "a < b & c", 1.5, -3, "#REF!", datetime(2016, 3, 1, 12), date(2016, 3, 1)], ids=str
)
def test_a_result_of_any_kind_survives(tmp_path, value):
    results = {"B2": ErrorValue(value) if value == "#REF!" else value}
    book = Workbook()
    book.active["B2"] = '=A1&"<x>"'
    book.active["B2"].number_format = "yyyy-mm-dd hh:mm" if isinstance(value, date) else "General"
    book.save(tmp_path / "book.xlsx")
    with zipfile.ZipFile(tmp_path / "book.xlsx") as archive:
        data = archive.read("xl/worksheets/sheet1.xml")
    filled = with_results(data, results, book.epoch)
    assert filled != data
    with zipfile.ZipFile(tmp_path / "book.xlsx") as old, zipfile.ZipFile(tmp_path / "new.xlsx", "w") as new:
        for part in old.namelist():
            new.writestr(part, filled if part == "xl/worksheets/sheet1.xml" else old.read(part))
    got = load_workbook(tmp_path / "new.xlsx", data_only=True).active["B2"].value
    assert (got.date() if type(value) is date else got) == value
    assert load_workbook(tmp_path / "new.xlsx").active["B2"].value == '=A1&"<x>"'


def test_the_same_in_makes_the_same_bytes(tmp_path):
    findings = [finding(), finding(WARNING, row=5), finding(row=None, column=None)]
    path = good_workbook(tmp_path / "book.xlsx")
    annotate(path, findings, tmp_path / "a.xlsx", declaration())
    time.sleep(1.1)  # openpyxl writes the second of saving into the file
    annotate(path, list(reversed(findings)), tmp_path / "b.xlsx", declaration())
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_cannot_be_opened_gets_the_list_alone(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old")
    done = annotate(path, [finding()], tmp_path / "out-annotated.xlsx", declaration())
    assert (done.path, done.kept) == (tmp_path / "out-to-do.xlsx", Kept.NOTHING)
    assert not (tmp_path / "out-annotated.xlsx").exists()
    book = load_workbook(done.path)
    assert book.sheetnames == ["To do"]
    assert "old Excel file" in book.worksheets[0]["A3"].value
    assert book.worksheets[0]["A3"].value == done.why
    assert len(listed(book)) == 1


def test_what_openpyxl_cannot_load_comes_back_as_values(tmp_path, monkeypatch):
    def stumble(*_args, **_options):
        raise TypeError("expected <class 'openpyxl.styles.fills.Fill'>")

    monkeypatch.setattr(copies, "load_workbook", stumble)
    book = annotated(tmp_path, [finding()])
    assert book["Pilots"]["M3"].value == 8000
    assert colours(book["Pilots"]) == {"M3": COLOURS[ERROR]}
    assert "could not be kept" in book.worksheets[0]["A3"].value


def test_a_million_formatted_rows_are_not_copied(tmp_path):
    path = formatted_to_the_bottom(good_workbook(tmp_path / "book.xlsx"), tmp_path / "long.xlsx", rows=400_000)
    book = done_within(4, lambda: merely_parsed(path), lambda: annotated(tmp_path, [finding()], path))
    assert book["Pilots"].max_row < 20
    assert colours(book["Pilots"]) == {"M3": COLOURS[ERROR]}


@pytest.mark.parametrize("tag", ["mergeCell", "hyperlink"])
def test_ranges_over_the_whole_sheet_do_not_fill_the_memory(tmp_path, tag):
    path = good_workbook(tmp_path / "book.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    ranges = f'<{tag}s><{tag} ref="A20:XFD1048576"/></{tag}s>'.encode()
    sheet = sheet.replace(b"</sheetData>", b"</sheetData>" + ranges)
    evil = rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": sheet})
    book = annotated(tmp_path, [finding()], evil)
    assert colours(book["Pilots"]) == {"M3": COLOURS[ERROR]}


def test_a_cell_in_the_last_corner_is_one_cell(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    theirs["Pilots"]["XFD1048576"] = "here"
    theirs.save(tmp_path / "corner.xlsx")

    def marked(workbook):
        return annotate(workbook, [finding()], tmp_path / "out.xlsx", declaration())

    done_within(20, lambda: marked(path), lambda: marked(tmp_path / "corner.xlsx"))


def test_a_finding_in_a_merged_range_marks_the_cell_that_shows(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    theirs["Pilots"].merge_cells("M3:M5")
    theirs.save(path)
    book = annotated(tmp_path, [finding(row=3), finding(row=4), finding(row=5)], path)
    assert colours(book["Pilots"]) == {"M3": COLOURS[ERROR]}
    assert book["Pilots"]["M3"].comment.text.count("ERROR") == 3


def test_many_findings_are_cut_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(todo_sheet, "MAX_LISTED", 3)
    monkeypatch.setattr(marks, "MAX_MARKED", 2)
    path = save(tmp_path / "book.xlsx", {"Pilots": table(pilot(n) for n in range(1, 8))})
    book = annotated(tmp_path, [finding(row=n) for n in range(2, 9)], path)
    assert len(listed(book)) == 4
    assert "4 more" in listed(book)[-1]["What is wrong"]
    assert len(colours(book["Pilots"])) == 7
    assert sum(1 for row in book["Pilots"].iter_rows() for cell in row if cell.comment) == 2


def test_a_value_with_control_characters_does_not_break_the_list(tmp_path):
    book = annotated(tmp_path, [finding(value="a\x00b\x1bc", message="x\x07y")])
    assert listed(book)[0]["Value"] == "abc"


def test_a_wrong_cell_without_a_fill_is_filled_and_a_mended_one_is_not(tmp_path):
    book = good_workbook(tmp_path / "pilots.xlsx")
    finding = Finding(
        "code", Severity.ERROR, "wrong", "mend", "pilots", "pilots.xlsx", "Pilots", 2, "theme_code", "x"
    )
    marked, mended = tmp_path / "marked.xlsx", tmp_path / "mended.xlsx"
    annotate(book, [finding], marked, declaration())

    def fills(path):
        sheet = load_workbook(path)["Pilots"]
        return {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.fill_type == "solid"}

    assert len(fills(marked)) == 1
    annotate(marked, [], mended, declaration())
    assert fills(mended) == set()


# --- what a copy keeps -------------------------------------------------------------------------------


def pilots(tmp_path, **options):
    return written(
        tmp_path / "book.xlsx", {"Pilots": table([pilot(1), pilot(2)]), "Rounds": table([ROUND])}, **options
    )


@pytest.mark.parametrize(
    "rename",
    [
        str,
        lambda name: name.replace("xl/sharedStrings", "xl/SharedStrings"),
        lambda name: name.replace("worksheets/sheet", "worksheets/Sheet"),
        lambda name: name.replace("xl/workbook.xml", "xl/WorkBook.xml").replace(
            "_rels/workbook", "_rels/WorkBook"
        ),
        lambda name: name if name.startswith("[") else name.replace("/", "\\"),
    ],
)
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_workbook_of_any_make_comes_back_with_its_sheets_and_marks(tmp_path, is_strict, rename):
    path = pilots(tmp_path, is_strict=is_strict, is_shared=True, rename=rename)
    done = annotate(path, [finding()], tmp_path / "out-annotated.xlsx", declaration())
    assert (done.path, done.kept, done.why) == (tmp_path / "out-annotated.xlsx", Kept.ALL, "")
    book = load_workbook(done.path)
    assert book.sheetnames == ["To do", "Pilots", "Rounds"]
    assert colours(book["Pilots"]) == {"M3": COLOURS[ERROR]}
    before = read_workbook(snapshot(path), declaration(), tmp_path)
    after = read_workbook(snapshot(done.path), declaration(), tmp_path)
    for name in ("pilots", "rounds"):
        assert after.tables[name].drop(["_file"]) == before.tables[name].drop(["_file"])


def test_a_strict_workbook_keeps_its_days_its_durations_and_its_formats(tmp_path):
    path = written(
        tmp_path / "book.xlsx",
        {"Pilots": [["Day", Raw("<v>2016-03-01</v>", "d", "d.m.yyyy"), Raw("<v>PT0H11M0S</v>", "d", "[mm]:ss")]]},
        is_strict=True,
    )
    done = annotate(path, [], tmp_path / "out.xlsx", declaration())
    sheet = load_workbook(done.path)["Pilots"]
    assert sheet["B1"].value == datetime(2016, 3, 1)
    assert sheet["B1"].number_format == "d.m.yyyy"
    assert sheet["C1"].value == timedelta(minutes=11)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("drawing", "pictures, charts or shapes"),
        ("pivotTable", "pivot tables"),
        ("vbaProject", "macros"),
        ("threadedComment", "threads of comments"),
        ("ctrlProp", "form controls"),
        ("slicer", "slicers"),
        ("somethingNew", "parts of the kind 'somethingNew'"),
    ],
)
def test_what_a_copy_would_lose_is_found_before_writing(tmp_path, kind, said):
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
        f' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="x.xml"/>'
        "</Relationships>"
    )
    path = pilots(
        tmp_path, parts={"xl/worksheets/_rels/sheet1.xml.rels": relation.encode(), "xl/worksheets/x.xml": b"<x/>"}
    )
    done = annotate(path, [finding()], tmp_path / "book-annotated.xlsx", declaration())
    assert (done.path.name, done.kept) == ("book-to-do.xlsx", Kept.NOTHING)
    assert said in done.why
    assert not (tmp_path / "book-annotated.xlsx").exists()
    book = load_workbook(done.path)
    assert book.sheetnames == ["To do"]
    assert [row["Cell"] for row in listed(book)] == ["M3"]
    texts = [cell.value for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    assert done.why in texts
    assert not any("takes you there" in str(text) for text in texts)


def test_a_picture_is_not_dropped_without_a_word(tmp_path):
    path = picture_in(good_workbook(tmp_path / "plain.xlsx"), tmp_path / "book.xlsx")
    done = annotate(path, [finding()], tmp_path / "out.xlsx", declaration())
    assert done.why == (
        "book.xlsx holds pictures, charts or shapes, which a copy would lose, so this is the list alone: mend the"
        " cells in your own file."
    )


def test_charts_of_theirs_are_kept_by_giving_the_list_alone(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    theirs = load_workbook(path)
    chart = BarChart()
    chart.add_data(Reference(theirs["Pilots"], min_col=13, min_row=1, max_row=9), titles_from_data=True)
    theirs["Pilots"].add_chart(chart, "P2")
    theirs.save(path)
    assert annotate(path, [], tmp_path / "out.xlsx", declaration()).kept is Kept.NOTHING


def test_what_the_writer_warns_of_is_a_loss(tmp_path):
    extension = (
        '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"><x14:dataValidations'
        ' xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"/></ext></extLst>'
    )
    done = annotate(pilots(tmp_path, after=extension), [], tmp_path / "out.xlsx", declaration())
    assert done.kept is Kept.NOTHING
    assert "Data Validation extension" in done.why


def test_a_sheet_whose_name_hides_something_is_marked_under_its_own_name(tmp_path):
    name = "Pilots\u200b"
    path = written(tmp_path / "book.xlsx", {name: table([pilot(1, **{"Grant (EUR)": "n. 5"})])})
    reading = read_workbook(snapshot(path), declaration(), tmp_path)
    assert {f.sheet for f in reading.findings} == {"Pilots", None}
    done = annotate(path, reading.findings, tmp_path / "out.xlsx", declaration())
    book = load_workbook(done.path)
    assert book.sheetnames == ["To do", name]
    assert "M2" in colours(book[name])
    assert any(cell.hyperlink and name in cell.hyperlink.location for row in book["To do"] for cell in row)


def test_a_value_longer_than_a_cell_is_not_copied(tmp_path):
    path = written(tmp_path / "book.xlsx", {"Pilots": [*table([pilot(1)]), ["x" * 40_000]]})
    done = annotate(path, [finding()], tmp_path / "out.xlsx", declaration())
    assert done.kept is Kept.NOTHING
    assert "too large" in done.why


def test_what_cannot_be_saved_comes_back_as_values(tmp_path, monkeypatch):
    loaded = annotating.loaded

    def broken(path, book):
        copy = loaded(path, book)
        copy["Pilots"]["B2"].value = datetime(2016, 3, 1, tzinfo=UTC)  # Excel knows no zones, so saving fails
        return copy

    monkeypatch.setattr(annotating, "loaded", broken)
    done = annotate(pilots(tmp_path), [finding()], tmp_path / "out.xlsx", declaration())
    assert done.kept is Kept.VALUES
    assert "could not be kept" in done.why
    assert load_workbook(done.path)["Pilots"]["B2"].value == "Demo"


def test_a_part_that_is_broken_where_no_value_is_gives_the_list_alone(tmp_path):
    path = pilots(tmp_path, parts={"xl/charts/_rels/chart1.xml.rels": b"<broken"})
    done = annotate(path, [finding()], tmp_path / "out.xlsx", declaration())
    assert done.kept is Kept.NOTHING
    assert "parts that cannot be read" in done.why


def test_a_csv_says_that_all_of_it_is_there(tmp_path):
    path = tmp_path / "pilots.csv"
    path.write_text("Pilot ID,Pilot,City\na,Demo,Helsinki\n")
    assert annotate(path, [], tmp_path / "out.xlsx", declaration()) == Annotation(
        tmp_path / "out.xlsx", Kept.ALL, ""
    )
