"""Whatever is read wrongly is said in Finnish too: no English sentence is left over in what a keeper is told."""

from datetime import datetime

import pytest
from openpyxl import load_workbook

from sources import SourceError
from sources.workbooks import read as read_workbook
from tests.workbook_factory import ERRORS, PILOT, ROUND, declaration, good_workbook, pilot, save, snapshot, table
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.messages import Language, said_in


def finnish_source() -> SourceDeclaration:
    """The agile pilots, each column with an advice in Finnish."""
    made = declaration()
    tables = [
        one.model_copy(
            update={"fields": tuple(f.model_copy(update={"help_fi": f"Ohje: {f.title_fi}."}) for f in one.fields)}
        )
        for one in made.tables
    ]
    return made.model_copy(update={"tables": tuple(tables), "language": Language.FINNISH})


def faulty(path):
    """A workbook with what can be wrong in cells, rows, columns and sheets."""
    rows = [pilot(number) for number in range(1, 4)]
    rows += [{**PILOT, **changes, "Pilot ID": name} for name, (changes, _) in ERRORS.items()]
    texts = ["#REF!", '"', "Caf\ufffd", "KÃ¤vely", "31.2.2016", "2016", "3/2016", "20160331"]
    rows += [pilot(100 + number, Starts=text) for number, text in enumerate(texts)]
    amounts = ["5.000", "12 kpl", "5-10", datetime(2016, 5, 1), True, "-", "5000.123"]
    rows += [pilot(200 + number, **{"Grant (EUR)": amount}) for number, amount in enumerate(amounts)]
    rows += [pilot(300, Theme="mobilty"), pilot(301, Theme="kaikki"), pilot(302, Pilot=datetime(2016, 5, 1))]
    rows[0]["Desk memo"] = "ask for a photo"
    for row in rows:
        row["Osallistujia nyt"] = row.pop("Participants", None)
    sheets = {
        "Pilots": [*table(rows), ["Yhteensä", None, 3]],
        "Kierrokset 2016": table([ROUND]),
        "Pilots (2)": table([pilot(400)]),
        "Scratch": [["nothing", "of", "interest"]],
    }
    save(path, sheets)
    book = load_workbook(path)
    book["Pilots"].row_dimensions[3].hidden = True
    book["Pilots"].column_dimensions["B"].hidden = True
    book.save(path)
    return path


def said_twice(findings: list[Finding]) -> list[str]:
    """What is said in Finnish as it is in English."""
    return [
        f"{one.rule}: {text}"
        for one in findings
        for text in (one.message, one.help)
        if text and said_in(text, Language.FINNISH) == str(text)
    ]


def words_left(findings: list[Finding]) -> list[str]:
    """Finnish sentences in which English words stand that no header and no value brought."""
    english = {" the ", " is ", " are ", " was ", " it ", " not ", " which ", "Write ", " and "}
    told = [said_in(text, Language.FINNISH) for one in findings for text in (one.message, one.help)]
    return [text for text in told if any(word in text for word in english)]


def test_a_faulty_workbook_is_told_in_finnish(tmp_path):
    source = finnish_source()
    findings = list(read_workbook(snapshot(faulty(tmp_path / "kokeilut.xlsx")), source, tmp_path).findings)
    assert {one.rule for one in findings} >= {
        "type", "code", "hidden-rows", "hidden-columns", "unknown-column", "renamed-column", "unknown-sheet",
        "skipped-row", "sheet-by-header",
    }  # fmt: skip
    assert not said_twice(findings)
    assert not words_left(findings)


@pytest.mark.parametrize(
    "lines",
    [
        ["Pilot ID;Pilot;Starts", "a;b", "c;d;1.1.2016;e", 'f;"g;1.1.2016', "h;i;1.1.2016"],
        ["Pilot ID;Pilot;Starts", *(f"p-{n};x;y;1.1.2016" for n in range(9))],
        ["nothing;that;is known", "1;2;3"],
    ],
)
def test_a_faulty_csv_is_told_in_finnish(tmp_path, lines):
    path = tmp_path / "pilots.csv"
    path.write_text("\n".join(lines), encoding="cp1252")
    try:
        findings = list(read_workbook(snapshot(path), finnish_source(), tmp_path).findings)
    except SourceError as error:
        findings = [Finding("unreadable", Severity.CRITICAL, error.what, error.advice)]
    assert findings
    assert not said_twice(findings)
    assert not words_left(findings)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"<html>", b"PK\x03\x04 damaged", b"\0\0"])
def test_a_file_that_is_no_workbook_is_one_error_with_its_advice_in_both_languages(tmp_path, content):
    path = tmp_path / "pilots.xlsx"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_workbook(snapshot(path), finnish_source(), tmp_path)
    what, advice = caught.value.what, caught.value.advice
    assert what.startswith("pilots.xlsx cannot be read: ")
    assert said_in(what, Language.FINNISH).startswith("Tiedostoa pilots.xlsx ei voi lukea: ")
    assert not advice or said_in(advice, Language.FINNISH) != advice


def test_where_nothing_is_a_table_one_finding_says_so(tmp_path):
    (said,) = read_workbook(
        snapshot(save(tmp_path / "book.xlsx", {"Lunch": [["soup", "salad"], [1, 2]]})), finnish_source(), tmp_path
    ).findings[:1]
    assert (said.rule, said.table_name) == ("missing-table", None)
    assert said.message == "There is no sheet “Pilots” or “Rounds” in book.xlsx."


def test_a_sheet_of_nearly_the_name_is_one_finding(tmp_path):
    path = good_workbook(tmp_path / "book.xlsx")
    book = load_workbook(path)
    book["Rounds"].title = "Round"
    book["Round"].delete_rows(1)
    book.save(path)
    (said,) = read_workbook(snapshot(path), finnish_source(), tmp_path).findings
    assert (said.rule, said.table_name, said.sheet) == ("missing-table", "rounds", "Round")
    assert said.help == "Name the sheet “Rounds”, if it is."
