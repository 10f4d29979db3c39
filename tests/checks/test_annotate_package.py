"""The marked workbook as a package: what was handed in byte for byte, whatever it is made of."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest

from checks.annotate import COMMENT_MARK, Kept, annotate, annotating
from checks.annotate.editing import Document
from sources.workbooks import read as read_workbook
from tests.rich_workbook import TITLE, rich_workbook
from tests.workbook_factory import (
    ROUND,
    declaration,
    good_workbook,
    pilot,
    rewritten,
    save,
    snapshot,
    table,
    written,
)
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.messages import Language
from warehouse.sheets import open_book

MARK = b"N(&quot;opendistrict&quot;)=0"
SHEET = "xl/worksheets/sheet1.xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHARED = Path(__file__).parents[3] / "shared"
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)


def finding(row=3, column="grant_eur", severity=Severity.ERROR, **place):
    place = {"table_name": "pilots", "file": "book.xlsx", "sheet": "Pilots", **place}
    return Finding("type", severity, "It is wrong.", "Mend it.", row_number=row, column_name=column, **place)


FOUND = [
    finding(),
    finding(4, "theme_code"),
    finding(6, "participants_count"),
    finding(5, "pilot_name"),
    finding(9, None),
]


def parts(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path):
    """Each part as it lies in the file, compressed."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            archive.fp.seek(info.header_offset + 26)
            lengths = archive.fp.read(4)
            archive.fp.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
            found[info.filename] = archive.fp.read(info.compress_size)
    return found


def marked(path, tmp_path, findings=FOUND, name="out.xlsx", **options):
    return annotate(path, findings, tmp_path / name, declaration(), **options)


def changed(path, tmp_path, changes):
    """A copy of a workbook with replaced text in its parts: part -> (old, new)."""
    there = parts(path)
    return rewritten(
        path,
        tmp_path / "changed.xlsx",
        {part: there.get(part, b"").replace(old, new) if old else new for part, (old, new) in changes.items()},
    )


def all_marks(path):
    """What a workbook holds of ours: colours and comments by part, our list apart."""
    return {
        name: sorted(re.findall(rb'sqref="([^"]*)"><(?:\w+:)?cfRule type="expression"', data))
        + re.findall(rb"<(?:\w+:)?comment .*?</(?:\w+:)?comment>", data, re.S)
        for name, data in sorted(parts(path).items())
        if MARK in data or COMMENT_MARK.encode() in data
    }


def test_every_part_but_those_that_hold_a_mark_is_as_it_was_packed(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    done = marked(path, tmp_path)
    assert (done.kept, done.why) == (Kept.ALL, "")
    before, after = packed(path), packed(done.path)
    assert {name for name in before if before[name] != after.get(name)} == {
        "[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels",
        "xl/styles.xml", SHEET, "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml",
        "xl/worksheets/sheet2.xml", "xl/chartsheets/sheet1.xml",  # selected no more, that is all
    }  # fmt: skip
    assert set(after) - set(before) == {"xl/worksheets/sheet3.xml"}
    old, new = parts(path), parts(done.path)
    for part in ("xl/worksheets/sheet2.xml", "xl/chartsheets/sheet1.xml"):
        assert new[part] == old[part].replace(b' tabSelected="1"', b"")
    rows = re.compile(rb"<sheetData>.*</sheetData>", re.S)
    assert rows.search(new[SHEET])[0] == rows.search(old[SHEET])[0]


def test_openpyxl_sees_all_that_was_there(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    done = marked(path, tmp_path)
    book = openpyxl.load_workbook(done.path)
    assert book.sheetnames == ["To do", "Pilots", "Rounds", "Chart"]
    assert (book.active.title, [sheet.sheet_view.tabSelected for sheet in book.worksheets]) == (
        "To do",
        [True, None, None],
    )
    sheet, before = book["Pilots"], openpyxl.load_workbook(path)["Pilots"]
    assert sheet["B4"].fill.fgColor.rgb == before["B4"].fill.fgColor.rgb == "FF00AA00"
    assert sheet.column_dimensions["B"].width == before.column_dimensions["B"].width
    assert sheet.freeze_panes == "B2"
    assert sheet.data_validations.dataValidation[0].formula1 == '"mobility,energy"'
    assert sheet["B5"].comment.text.startswith("Another\n" + COMMENT_MARK)
    assert sheet["M3"].comment.text.startswith("Ask Maija\n" + COMMENT_MARK)
    title = sheet._charts[0].title.tx.rich.paragraphs[0].r[0].t
    assert title == TITLE
    kinds = [rule.type for formats in sheet.conditional_formatting for rule in formats.rules]
    assert sorted(kinds) == ["containsText", "dataBar", "expression", "iconSet"]
    assert book["Rounds"].tables.keys() == {"Table1"}
    assert book["Rounds"]["H5"].value == "=SUM(E2:E2)"
    assert openpyxl.load_workbook(done.path, data_only=True)["Rounds"]["H5"].value == 37
    assert book["Rounds"].print_title_rows == "$1:$1"
    assert book["Rounds"].defined_names["local"].attr_text == "Rounds!$A$1"
    assert book["To do"].print_title_rows
    assert sheet.auto_filter.ref == "A1:N13"


def test_a_mark_lies_above_data_bars_and_icons(tmp_path):
    done = marked(rich_workbook(tmp_path / "book.xlsx"), tmp_path)
    rules = [
        (rule.priority, bool(rule.stopIfTrue), rule.type)
        for formats in openpyxl.load_workbook(done.path)["Pilots"].conditional_formatting
        for rule in formats.rules
    ]
    assert rules[0] == (1, True, "expression")
    assert all(priority > 1 for priority, _, kind in rules if kind != "expression")
    plain = marked(good_workbook(tmp_path / "plain.xlsx"), tmp_path, name="other.xlsx")
    assert b"stopIfTrue" not in parts(plain.path)[SHEET]


def test_marking_again_makes_the_same_marks_and_none_leaves_none(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    first = marked(path, tmp_path, name="first.xlsx").path
    again = marked(first, tmp_path, name="again.xlsx").path
    assert all_marks(again).keys() == all_marks(first).keys()
    assert [all_marks(again)[part] for part in (SHEET, "xl/comments1.xml")] == [
        all_marks(first)[part] for part in (SHEET, "xl/comments1.xml")
    ]
    assert parts(again)["xl/styles.xml"] == parts(first)["xl/styles.xml"]
    clean = marked(again, tmp_path, [], name="clean.xlsx").path
    assert all_marks(clean) == {}
    before, after = openpyxl.load_workbook(path)["Pilots"], openpyxl.load_workbook(clean)["Pilots"]
    comments = [
        {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
        for sheet in (before, after)
    ]
    assert comments[0] == comments[1]
    shapes = [parts(one)["xl/drawings/vmlDrawing1.vml"].count(b'ObjectType="Note"') for one in (path, clean)]
    assert shapes == [2, 2]
    assert len(after.conditional_formatting) == len(before.conditional_formatting) == 3


def test_what_is_handed_in_again_reads_the_same(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    for language in Language:
        done = marked(path, tmp_path, name=f"{language}.xlsx", language=language)
        before, after = (read_workbook(snapshot(one), declaration(), tmp_path) for one in (path, done.path))
        for name in ("pilots", "rounds"):
            assert after.tables[name].drop(["_file"]) == before.tables[name].drop(["_file"])
        assert [(f.rule, f.sheet) for f in after.findings] == [(f.rule, f.sheet) for f in before.findings]


def test_a_list_in_one_language_is_taken_off_in_the_other(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    finnish = marked(path, tmp_path, name="fi.xlsx", language=Language.FINNISH)
    book = openpyxl.load_workbook(finnish.path)
    assert book.sheetnames == ["Tehtävät", "Pilots", "Rounds"]
    assert book["Pilots"]["M3"].comment.text == f"{COMMENT_MARK}\nVIRHE: It is wrong.\n-> Mend it."
    english = marked(finnish.path, tmp_path, name="en.xlsx")
    assert openpyxl.load_workbook(english.path).sheetnames == ["To do", "Pilots", "Rounds"]
    assert len([name for name in parts(english.path) if "/worksheets/sheet" in name]) == 3


@pytest.mark.parametrize("is_strict", [False, True])
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
def test_a_workbook_of_any_make_is_marked_in_its_own_edition(tmp_path, is_strict, rename):
    path = written(
        tmp_path / "book.xlsx",
        {"Pilots": table([pilot(1), pilot(2)]), "Rounds": table([ROUND])},
        is_strict=is_strict,
        is_shared=True,
        rename=rename,
    )
    done = marked(path, tmp_path, [finding()])
    assert done.kept is Kept.ALL
    book = open_book(done.path, declaration().tables)
    assert [sheet.name for sheet in book.sheets] == ["To do", "Pilots", "Rounds"]
    new = {name.replace("\\", "/").casefold(): data for name, data in parts(done.path).items()}
    assert MARK in new[SHEET]
    assert (b"purl.oclc.org" in new["xl/comments1.xml"]) is is_strict
    assert (
        b"purl.oclc.org/ooxml/officeDocument/relationships/comments" in new["xl/worksheets/_rels/sheet1.xml.rels"]
    ) is is_strict


def with_prefix(xml, prefix=b"x"):
    """A part of which all elements have a prefix, as some programs write them."""
    xml = re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1" + prefix + b":", xml)
    return xml.replace(b" xmlns=", b" xmlns:" + prefix + b"=")


def test_a_part_is_marked_in_the_prefixes_that_it_uses(tmp_path):
    path = written(tmp_path / "book.xlsx", {"Pilots": table([pilot(1), pilot(2)])})
    there = parts(path)
    names = ("xl/workbook.xml", "xl/styles.xml", SHEET, "xl/_rels/workbook.xml.rels", "[Content_Types].xml")
    path = rewritten(path, tmp_path / "prefixed.xlsx", {name: with_prefix(there[name]) for name in names})
    done = marked(path, tmp_path, [finding()])
    assert done.kept is Kept.ALL
    assert b"<x:conditionalFormatting sqref=" in parts(done.path)[SHEET]
    book = openpyxl.load_workbook(done.path)
    assert book["Pilots"]["M3"].comment.text.startswith(COMMENT_MARK)
    assert len(book["Pilots"].conditional_formatting) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
def test_a_part_in_another_encoding_is_marked(tmp_path, encoding):
    path = written(tmp_path / "book.xlsx", {"Pilots": table([pilot(1, Pilot="Hämeen"), pilot(2)])})
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + parts(path)[SHEET].decode()
    path = rewritten(path, tmp_path / "encoded.xlsx", {SHEET: text.encode(encoding)})
    done = marked(path, tmp_path, [finding()])
    assert done.kept is Kept.ALL
    sheet = openpyxl.load_workbook(done.path)["Pilots"]
    assert (sheet["B2"].value, len(sheet.conditional_formatting)) == ("Hämeen", 1)


def relation(kind, target, identity="rId88", base=OFFICE):
    return f'<Relationship Id="{identity}" Type="{base}/{kind}" Target="{target}"/>'


def with_relation(path, tmp_path, kind, target, data, **more):
    """A workbook whose first sheet refers to a further part."""
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    there = parts(path).get(rels, RELATIONS.format("").encode())
    new = there.replace(b"</Relationships>", relation(kind, target).encode() + b"</Relationships>")
    name = f"xl/worksheets/{target}"
    return rewritten(path, tmp_path / "related.xlsx", {rels: new, name: data, **more})


@pytest.mark.parametrize("kind", ["pivotTable", "ctrlProp", "slicer", "drawing", "somethingNew"])
def test_parts_of_any_kind_go_by_untouched(tmp_path, kind):
    path = with_relation(good_workbook(tmp_path / "book.xlsx"), tmp_path, kind, "x.bin", b"\0\1<not xml")
    done = marked(path, tmp_path)
    assert done.kept is Kept.ALL
    assert parts(done.path)["xl/worksheets/x.bin"] == b"\0\1<not xml"


def test_macros_stay_and_the_name_says_so(tmp_path):
    path = written(
        tmp_path / "book.xlsm",
        {"Pilots": table([pilot(1), pilot(2)])},
        parts={"xl/vbaProject.bin": b"\xd0\xcfmacro"},
    )
    macros = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    plain = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    path = changed(path, tmp_path, {"[Content_Types].xml": (plain, macros)})
    done = marked(path, tmp_path, [finding()], name="pilots-annotated.xlsx")
    assert done.path.name == "pilots-annotated.xlsm"  # under another name no program would open it
    assert parts(done.path)["xl/vbaProject.bin"] == b"\xd0\xcfmacro"
    assert macros in parts(done.path)["[Content_Types].xml"]
    assert openpyxl.load_workbook(done.path, keep_vba=True).sheetnames == ["To do", "Pilots"]


def test_a_cell_with_a_thread_is_coloured_and_the_list_says_so(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    path = changed(path, tmp_path, {"xl/comments1.xml": (b"<author>Desk</author>", b"<author>tc={A1B2}</author>")})
    path = with_relation(path, tmp_path, "threadedComment", "../threadedComments/t1.xml", b"<ThreadedComments/>")
    done = marked(path, tmp_path)
    assert done.kept is Kept.ALL
    assert done.why.startswith("2 marked cells hold threads of comments")
    book = openpyxl.load_workbook(done.path)
    texts = {
        cell.coordinate: cell.comment.text for row in book["Pilots"].iter_rows() for cell in row if cell.comment
    }
    assert (texts["M3"], texts["B5"]) == ("Ask Maija", "Another")
    assert texts["G4"].startswith(COMMENT_MARK)
    assert done.why in [row[0].value for row in book["To do"].iter_rows(max_row=6)]


def test_a_drawing_that_cannot_be_read_leaves_the_colours(tmp_path):
    path = rich_workbook(tmp_path / "book.xlsx")
    path = changed(path, tmp_path, {"xl/drawings/vmlDrawing1.vml": (b"</v:textbox>", b"<br></v:textbox>")})
    done = marked(path, tmp_path)
    assert done.kept is Kept.ALL
    assert "could not be given comments" in done.why
    new = parts(done.path)
    assert new["xl/drawings/vmlDrawing1.vml"] == parts(path)["xl/drawings/vmlDrawing1.vml"]
    assert new["xl/comments1.xml"] == parts(path)["xl/comments1.xml"]
    assert MARK in new[SHEET]


@pytest.mark.parametrize(
    ("kind", "base", "words"),
    [
        ("origin", "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature", "signed"),
        ("revisionHeaders", OFFICE, "keeps track of changes"),
    ],
)
def test_what_a_mark_would_break_gets_the_list_alone(tmp_path, kind, base, words):
    path = good_workbook(tmp_path / "book.xlsx")
    rels = parts(path)["_rels/.rels"].replace(
        b"</Relationships>", relation(kind, "x.bin", base=base).encode() + b"</Relationships>"
    )
    path = rewritten(path, tmp_path / "signed.xlsx", {"_rels/.rels": rels, "x.bin": b"x"})
    done = marked(path, tmp_path, name="signed-annotated.xlsx", language=Language.FINNISH)
    assert (done.path.name, done.kept) == ("signed-to-do.xlsx", Kept.NOTHING)
    assert words in done.why
    book = openpyxl.load_workbook(done.path)
    assert book.sheetnames == ["Tehtävät"]
    assert not any(cell.hyperlink for row in book.worksheets[0].iter_rows() for cell in row)
    assert any("ei voi merkitä" in str(cell.value) for (cell, *_) in book.worksheets[0].iter_rows(max_row=6))


HOSTILE = {
    "entities": ("xl/styles.xml", b"<styleSheet", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><styleSheet'),
    "an element that is not closed": ("xl/worksheets/_rels/sheet1.xml.rels", b"", b"<broken"),
    "no sheets": ("[Content_Types].xml", b"Types", b"Typos<"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_gets_at_least_its_list(tmp_path, case):
    part, old, new = HOSTILE[case]
    path = changed(good_workbook(tmp_path / "book.xlsx"), tmp_path, {part: (old, new)})
    done = marked(path, tmp_path)
    assert done.kept is Kept.NOTHING
    assert done.why
    assert openpyxl.load_workbook(done.path).sheetnames == ["To do"]


@pytest.mark.parametrize("fake", [b"<!-- </sheetData> -->", b"<![CDATA[</sheetData>]]>"])
def test_rows_that_only_seem_to_end_are_not_cut(tmp_path, fake):
    path = good_workbook(tmp_path / "book.xlsx")
    path = changed(path, tmp_path, {SHEET: (b"<sheetData>", b"<sheetData>" + fake)})
    done = marked(path, tmp_path)
    rows = open_book(path, declaration().tables).sheets[0].rows
    if done.kept is Kept.ALL:
        assert {s.name: s.rows for s in open_book(done.path, declaration().tables).sheets}["Pilots"] == rows


def test_an_unexpected_error_gives_the_list(tmp_path, monkeypatch):
    def stumble(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(annotating, "_mark_sheets", stumble)
    done = marked(good_workbook(tmp_path / "book.xlsx"), tmp_path, name="book-annotated.xlsx")
    assert (done.path.name, done.kept) == ("book-to-do.xlsx", Kept.NOTHING)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book-to-do.xlsx", "book.xlsx"]


def test_a_sheet_with_quotes_in_its_name_and_without_rows(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Maija's 'own'": table([pilot(1), pilot(2)]), "Empty": []})
    found = [finding(sheet="Maija's 'own'"), finding(None, None, sheet="Empty", table_name=None)]
    done = marked(path, tmp_path, found)
    book = openpyxl.load_workbook(done.path)
    links = [cell.hyperlink.location for row in book["To do"].iter_rows() for cell in row if cell.hyperlink]
    assert links == ["'Maija''s ''own'''!M3", "'Empty'!A1"]
    assert book["Empty"]["A1"].comment.text.startswith(COMMENT_MARK)


def test_boxes_of_comments_are_as_large_as_their_text(tmp_path):
    long = Finding("type", Severity.ERROR, "wrong " * 60, "mend " * 200, "pilots", "b", "Pilots", 3, "grant_eur")
    path = rich_workbook(tmp_path / "book.xlsx")
    done = marked(path, tmp_path, [long, finding(4)])
    vml = parts(done.path)["xl/drawings/vmlDrawing1.vml"].decode()
    anchors = {
        (int(row), int(column)): [int(one) for one in anchor.split(",")]
        for anchor, row, column in re.findall(
            r"<x:Anchor>([^<]*)</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>(\d+)</x:Row><x:Column>(\d+)<", vml
        )
    }
    assert anchors[2, 12][6] - anchors[2, 12][2] >= 16  # rows
    assert anchors[3, 12][6] - anchors[3, 12][2] < 8
    assert anchors[4, 1] == [2, 15, 3, 10, 4, 15, 7, 4]  # theirs, in which nothing was said


@pytest.mark.skipif(not SHARED.exists(), reason="no real files here")
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.prove)])
def test_real_workbooks_come_back_as_they_were(tmp_path, step):
    count = 0
    for path in sorted(SHARED.rglob("*.xls[xm]"))[::step]:
        try:
            book = open_book(path, declaration().tables)
        except ValueError:
            continue
        found = [
            Finding("type", Severity.ERROR, "It is wrong.", "Mend it.", None, path.name, sheet.name, row, None)
            for sheet in book.sheets
            for row in list(sheet.rows)[:5]
        ]
        done = marked(path, tmp_path, found, name=f"{path.stem}-annotated.xlsx")
        assert done.kept is Kept.ALL, (path, done.why)
        again = open_book(done.path, declaration().tables)
        assert {sheet.name: sheet.rows for sheet in again.sheets if sheet.name != "To do"} == {
            sheet.name: sheet.rows for sheet in book.sheets
        }
        before, after = packed(path), packed(done.path)
        assert sum(before[name] == after.get(name) for name in before) >= len(before) - 7 - 3 * len(book.sheets)
        for name, data in parts(done.path).items():
            if name.endswith((".xml", ".rels", ".vml")) and before.get(name) != after[name]:
                Document(name, data)
        count += 1
    assert count > 30 // step


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not here")
def test_libreoffice_opens_it_and_shows_the_marks(tmp_path):
    done = marked(rich_workbook(tmp_path / "book.xlsx"), tmp_path)
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            tmp_path / "saved",
            done.path,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    book = openpyxl.load_workbook(tmp_path / "saved" / "out.xlsx")
    assert book.sheetnames == ["To do", "Pilots", "Rounds", "Chart"]
    assert COMMENT_MARK in book["Pilots"]["M3"].comment.text
    again = marked(tmp_path / "saved" / "out.xlsx", tmp_path, [], name="clean.xlsx")
    assert all_marks(again.path) == {}  # also as another program has written them
