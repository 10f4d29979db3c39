"""One cause is one finding: what reading has said of a sheet or a column is not said again at each row."""

import pytest

from tests.broken.checking import check, declared
from tests.workbook_factory import ROUND, pilot, save, table
from warehouse.declarations import Severity

PILOTS = [pilot(number) for number in range(1, 9)]


def renamed(rows, before, after):
    return [{after if name == before else name: value for name, value in row.items()} for row in rows]


def without(rows, header):
    return [{name: value for name, value in row.items() if name != header} for row in rows]


FIRST = next(iter(ROUND))
CASES = {
    "the key that others name is called otherwise": (
        {"Pilots": table(PILOTS), "Rounds": table(renamed([ROUND], FIRST, "Xyz"))},
        ("renamed-column", "rounds", "round_id"),
    ),
    "the sheet that others name is not there": ({"Pilots": table(PILOTS)}, ("missing-table", "rounds", None)),
    "the key is called otherwise": (
        {"Pilots": table(renamed(PILOTS, "Pilot ID", "Koodi")), "Rounds": table([ROUND])},
        ("renamed-column", "pilots", "pilot_id"),
    ),
    "there is no header": (
        {"Pilots": table(PILOTS)[1:], "Rounds": table([ROUND])},
        ("missing-header", "pilots", None),
    ),
    "a column is missing": (
        {"Pilots": table(without(PILOTS, "Starts")), "Rounds": table([ROUND])},
        ("missing-column", "pilots", "start_date"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_cause_is_one_finding(tmp_path, name):
    sheets, wanted = CASES[name]
    (tmp_path / "in").mkdir()
    path = save(tmp_path / "in" / "book.xlsx", sheets)
    checked = check([path], declared().sources["agile_pilots"], tmp_path / "work")
    found = [one for one in checked.findings if one.severity in (Severity.CRITICAL, Severity.ERROR)]
    assert [(one.rule, one.table_name, one.column_name) for one in found] == [wanted]


def test_a_csv_that_was_taken_apart_wrongly_is_one_finding(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "agile_pilots_pilots.csv"
    rows = [[str(cell) for cell in row] for row in table(PILOTS)]
    rows[1:] = [[*row[:2], "500", *row[2:]] for row in rows[1:]]
    path.write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    checked = check([path], declared().sources["agile_pilots"], tmp_path / "work")
    found = [one for one in checked.findings if one.table_name == "pilots"]
    assert [(one.rule, one.severity) for one in found] == [("row-length", Severity.CRITICAL)]


def test_a_file_that_is_no_workbook_is_one_finding(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "book.xlsx"
    path.write_bytes(b"%PDF-1.4")
    (said,) = check([path], declared().sources["agile_pilots"], tmp_path / "work").findings
    assert (said.rule, said.message) == ("unreadable", "book.xlsx cannot be read: it is a PDF.")
    assert said.help.startswith("Hand in the workbook itself, as .xlsx or .csv.")
