"""The coordinator's workbook back: theirs in full, the wrong cells marked, the list first."""

import re
import zipfile
from dataclasses import replace
from datetime import date

import pytest
from openpyxl import load_workbook
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from checks.annotate import COLOURS, COMMENT_MARK, Kept, annotate, annotating, words
from sources.workbooks import read as read_workbook
from tests.cpu_time import done_within, merely_parsed
from tests.sources.test_workbooks import formatted_to_the_bottom
from tests.workbook_factory import (
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
from warehouse.declarations import Severity
from warehouse.findings import WITHHELD, Finding
from warehouse.lives import Life, Stage
from warehouse.messages import Language, message
from warehouse.messages import listed as listed_texts
from warehouse.sheets import open_book

ERROR, WARNING, CRITICAL, INFO = Severity.ERROR, Severity.WARNING, Severity.CRITICAL, Severity.INFO


def finding(severity=ERROR, message="It is wrong.", row=3, column="grant_eur", value=None, rule="type", **place):
    place = {"table_name": "pilots", "file": "book.xlsx", "sheet": "Pilots", **place}
    return Finding(rule, severity, message, "Mend it.", row_number=row, column_name=column, value=value, **place)


def annotated(tmp_path, findings, workbook=None, target="out.xlsx", **options):
    workbook = workbook or good_workbook(tmp_path / "book.xlsx")
    done = annotate(workbook, findings, tmp_path / target, declaration(), **options)
    return load_workbook(done.path)


def rows_of(book):
    """The list's rows below its header, as dicts; a heading of a cause has the number of places as its cell."""
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if row[0] in ("Severity", "Vakavuus"))
    filled = [row for row in rows[start + 1 :] if row[0] in list(Severity)]
    return [dict(zip(rows[start], row, strict=True)) for row in filled]


def headings(book):
    return [row for row in rows_of(book) if "place" in (row["Cell"] or "")]


def listed(book):
    """The findings of the list, with what their heading says."""
    found, heading = [], {}
    for row in rows_of(book):
        if " place" in (row["Cell"] or ""):
            heading = row
        else:
            texts = ("What is wrong", "What to do")
            found.append({**row, **{text: row[text] or heading[text] for text in texts}})
    return found


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


def test_the_same_in_makes_the_same_bytes(tmp_path):
    findings = [finding(), finding(WARNING, row=5), finding(row=None, column=None)]
    path = good_workbook(tmp_path / "book.xlsx")
    annotate(path, findings, tmp_path / "a.xlsx", declaration())
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


def marks_in(path, part="xl/worksheets/sheet1.xml"):
    """The places of our colours, from the part's bytes: openpyxl makes an object of every cell of a range."""
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(part).decode()
    return re.findall(r'<conditionalFormatting sqref="([^"]*)"><cfRule[^>]*><formula>N\(&quot;opendistrict', sheet)


def test_a_million_formatted_rows_go_by_unread(tmp_path):
    path = formatted_to_the_bottom(good_workbook(tmp_path / "book.xlsx"), tmp_path / "long.xlsx", rows=200_000)

    def marked():
        return annotate(path, [finding()], tmp_path / "out.xlsx", declaration())

    done = done_within(4, lambda: merely_parsed(path), marked)
    assert (done.kept, marks_in(done.path)) == (Kept.ALL, ["M3"])


@pytest.mark.parametrize("tag", ["mergeCell", "hyperlink"])
def test_ranges_over_the_whole_sheet_do_not_fill_the_memory(tmp_path, tag):
    path = good_workbook(tmp_path / "book.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    ranges = f'<{tag}s><{tag} ref="A20:XFD1048576"/></{tag}s>'.encode()
    sheet = sheet.replace(b"</sheetData>", b"</sheetData>" + ranges)
    evil = rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": sheet})
    done = annotate(evil, [finding()], tmp_path / "out.xlsx", declaration())
    assert (done.kept, marks_in(done.path)) == (Kept.ALL, ["M3"])


def test_ranges_in_every_column_are_looked_at_once(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    letters = [get_column_letter(column) for column in range(1, 16_385)]
    cells = "".join(f'<mergeCell ref="{column}2:{column}600"/>' for column in letters)
    sheet = sheet.replace(b"</sheetData>", b"</sheetData><mergeCells>" + cells.encode() + b"</mergeCells>")
    evil = rewritten(path, tmp_path / "evil.xlsx", {"xl/worksheets/sheet1.xml": sheet})
    done = annotate(evil, [finding(), finding(row=4)], tmp_path / "out.xlsx", declaration())
    assert (done.kept, marks_in(done.path)) == (Kept.ALL, ["M2:M600"])


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
    assert set(colours(book["Pilots"])) == {"M3", "M4", "M5"}
    assert book["Pilots"]["M3"].comment.text.count("ERROR") == 3
    assert sum(1 for row in book["Pilots"].iter_rows() for cell in row if cell.comment) == 1


def test_a_value_with_control_characters_does_not_break_the_list(tmp_path):
    book = annotated(tmp_path, [finding(value="a\x00b\x1bc", message="x\x07y")])
    assert listed(book)[0]["Value"] == "abc"


def test_what_is_wrong_in_the_same_way_stands_together_under_one_heading(tmp_path):
    def off_the_list(row, value):
        wrong = message("{column}: “{value}” is not on the list.", column="Theme", value=value)
        advice = message("Write “{near}”, or one of: {entries}.", near=value.title(), entries="Mobility, Energy")
        return Finding("enum", ERROR, wrong, advice, "pilots", "book.xlsx", "Pilots", row, "theme_code", value)

    book = annotated(
        tmp_path,
        [off_the_list(2, "mobilty"), finding(WARNING, row=9), off_the_list(5, "enrgy"), finding(INFO), finding()],
    )
    told = [(row["Cell"], row["Column"], row["What is wrong"], row["What to do"]) for row in headings(book)]
    assert told == [
        ("2 places", "Theme", "Theme: “…” is not on the list.", "Write “…”, or one of: Mobility, Energy."),
        ("1 place", "Grant (EUR)", "It is wrong.", "Mend it."),
        ("1 place", "Grant (EUR)", "It is wrong.", "Mend it."),
        ("1 place", "Grant (EUR)", "It is wrong.", "Mend it."),
    ]
    assert [row["Cell"] for row in listed(book)] == ["G2", "G5", "M3", "M9", "M3"]
    assert listed(book)[1]["What is wrong"] == "Theme: “enrgy” is not on the list."
    sections = [row[0].value for row in book.worksheets[0].iter_rows() if "(" in str(row[0].value)]
    assert sections == ["Errors: mend these (3)", "Suggestions: have a look (1)", "For your information (1)"]
    assert book["Pilots"]["G2"].comment.text == (
        f"{COMMENT_MARK}\nERROR: Theme: “mobilty” is not on the list.\n"
        "-> Write “Mobilty”, or one of: Mobility, Energy."
    )


def test_the_choices_are_told_once_for_cells_to_which_others_of_them_are_near(tmp_path):
    def off_the_list(row, nearest):
        entries = listed_texts(sorted(["Air", "Sea"], reverse=nearest), "or")
        return replace(finding(row=row), help=message("Choose one of {entries}.", entries=entries))

    book = annotated(tmp_path, [off_the_list(2, nearest=False), off_the_list(5, nearest=True)])
    assert [row["What to do"] for row in headings(book)] == ["Choose one of Air or Sea."]
    assert [row["What to do"] for row in listed(book)] == [
        "Choose one of Air or Sea.",
        "Choose one of Sea or Air.",
    ]


def test_all_of_ours_is_in_the_language_of_its_keeper(tmp_path):
    found = [
        finding(message=message("The sheet '{sheet}' is wrong.", sheet="Pilots"), row=None, column=None),
        finding(WARNING, row=None, column=None, sheet=None, table_name=None, value=WITHHELD),
        finding(INFO),
    ]
    book = annotated(tmp_path, found, language=Language.FINNISH)
    texts = [cell.value for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    ours = [text for text in texts if not re.search("Pilots|Grant|book.xlsx|wrong|Mend|M3", text)]
    english = {said for name, said in vars(words).items() if isinstance(said, str)}
    assert not [text for text in ours if re.search(r"\b(the|and|what|new|sheet|error|warning)\b", text, re.I)]
    assert not english & set(ours)
    assert {"Vakavuus", "Mitä tehdä", "koko taulukko", "(salattu)", "Virheet: korjaa nämä (1)"} <= set(texts)
    assert book["Pilots"]["A1"].comment.text.startswith(f"{COMMENT_MARK}\nVIRHE: ")


def test_what_is_about_a_sheet_stands_at_its_first_header_and_what_is_about_a_file_in_the_list(tmp_path):
    path = save(
        tmp_path / "book.xlsx", {"Pilots": [["Our pilots"], [], *table([pilot(1)])], "Rounds": table([ROUND])}
    )
    found = [
        finding(message="No such column.", row=None, column="nowhere"),
        finding(message="The file is old.", row=None, column=None, sheet=None, table_name=None),
    ]
    book = annotated(tmp_path, found, path)
    assert [row["Cell"] for row in listed(book)] == [None, "whole sheet"]
    assert "No such column." in book["Pilots"]["A3"].comment.text
    links = [cell.hyperlink.location for row in book.worksheets[0].iter_rows() for cell in row if cell.hyperlink]
    assert links == ["'Pilots'!A3"]


def life(stage, since, **more):
    return Life("", stage, since, **more)


def test_since_when_a_finding_is_there_and_how_many_are_fixed(tmp_path):
    found = [finding(row=row, finding_id=f"f{row}") for row in range(2, 7)]
    day, before = date(2026, 11, 23), date(2026, 11, 2)
    lives = {
        "f2": life(Stage.NEW, day),
        "f3": life(Stage.OPEN, before),
        "f4": life(Stage.BACK, day),
        "f5": life(Stage.ACCEPTED, before, accepted_until=date(2026, 12, 24)),
        **{f"gone-{number}": life(Stage.FIXED, day) for number in range(14)},
    }
    book = annotated(tmp_path, found, lives=lives)
    assert [row["Since when"] for row in listed(book)] == [
        "new", "open since 2 November 2026", "back again since 23 November 2026",
        "accepted until 24 December 2026", None,
    ]  # fmt: skip
    assert headings(book)[0]["Since when"] == "1 new"
    assert book.worksheets[0]["A3"].value == "14 of 15 findings fixed with the data of 23 November 2026."
    finnish = annotated(tmp_path, found, lives=lives, language=Language.FINNISH)
    texts = {cell.value for row in finnish.worksheets[0].iter_rows() for cell in row}
    assert {"Mistä lähtien", "avoinna 2.11.2026 alkaen", "hyväksytty 24.12.2026 asti"} <= texts


def test_ten_thousand_findings_are_all_there(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Pilots": table([pilot(number) for number in range(1, 2_502)])})
    found = [
        finding(row=row, column=name)
        for row in range(2, 2_502)
        for name in ("grant_eur", "city", "theme_code", "district")
    ]
    done = annotate(path, found, tmp_path / "out.xlsx", declaration())
    with zipfile.ZipFile(done.path) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml")
        assert sheet.count(b"<hyperlink ") == 10_000
        assert archive.read("xl/comments1.xml").count(b"<comment ") == 10_000
    assert marks_in(done.path) == ["E2:E2501 F2:F2501 G2:G2501 M2:M2501"]


def test_long_advice_is_not_cut_off(tmp_path):
    long = " ".join(f"word{number}" for number in range(900))
    sheet = annotated(tmp_path, [finding(message=long)]).worksheets[0]
    texts = [(row[5].value, sheet.row_dimensions[row[5].row].height) for row in sheet.iter_rows() if row[5].value]
    told = " ".join(text for text, _ in texts[1:])
    assert told == long
    for text, height in texts:
        assert len(text) / 46 <= height / 15  # a line is 15 points, and holds as many characters as its column
        assert height <= 409


def test_a_comment_that_would_be_too_long_says_how_many_are_left(tmp_path):
    found = [finding(message=f"{number} " + "x" * 990) for number in range(60)]
    text = annotated(tmp_path, found)["Pilots"]["M3"].comment.text
    assert len(text) < 32_767
    assert text.count("ERROR: ") == 29
    assert text.endswith("... and 31 more, see the sheet 'To do'")


def test_cells_beyond_the_most_comments_are_coloured_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(annotating, "MAX_COMMENTED", 2)
    book = annotated(tmp_path, [finding(row=row) for row in range(2, 7)])
    assert sum(1 for row in book["Pilots"].iter_rows() for cell in row if cell.comment) == 2
    assert len(colours(book["Pilots"])) == 5
    assert "3 marked cells have no comments" in book.worksheets[0]["A3"].value


def test_what_looks_like_an_escape_stays_what_it_is(tmp_path):
    book = annotated(tmp_path, [finding(value="_x0041_ & <b>", message="_x000D_ stands here")])
    assert listed(book)[0]["Value"] == "_x005F_x0041_ & <b>"  # as openpyxl leaves it; Excel shows _x0041_
    reading = open_book(tmp_path / "out.xlsx", declaration().tables)
    assert "_x0041_ & <b>" in [cell.value for row in reading.sheets[0].rows.values() for cell in row.values()]
