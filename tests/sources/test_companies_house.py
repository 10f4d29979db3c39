"""The register's bulk file: every quirk of the real one, and every way in which a file can be broken."""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dev.synthetic_register import FAULTS, HEADER, broken, write_register
from sources import PullRequest, Reading, SqlTable, declarations
from sources.companies_house import careful, pull, quick, read
from sources.companies_house.layout import Tally
from sources.companies_house.records import records, sure_key
from sources.loading import UNSEEN, stage
from warehouse.archive import RawFile, Snapshot
from warehouse.declarations import Privacy, Severity, SourceDeclaration
from warehouse.findings import Finding, QuarantinedRow, key_text, unpacked_texts
from warehouse.home import Home

NAMES = [name.strip() for name in HEADER.split(",")]
ROW = dict.fromkeys(NAMES, "") | {
    "CompanyName": "A LIMITED",
    "CompanyNumber": "00000001",
    "CompanyStatus": "Active",
    "IncorporationDate": "31/01/2020",
    "Accounts.AccountRefDay": "31",
    "Accounts.AccountRefMonth": "1",
    "Mortgages.NumMortCharges": "0",
    "SICCode.SicText_1": "62012 - Business and domestic software development",
    "URI": "http://business.data.gov.uk/id/company/00000001",
}


def _finding(row):
    """What a SELECT of findings gives, as the warehouse reads it again."""
    said = unpacked_texts(row["message"], row["help"], row.pop("said", None))
    return Finding(**row | {"severity": Severity(row["severity"]), "message": said[0], "help": said[1]})


def row(**given: str) -> dict[str, str]:
    """A row in which ``Accounts_AccountRefDay=...`` sets ``Accounts.AccountRefDay``."""
    names = {name.replace(".", "_"): name for name in NAMES}
    return ROW | {names[name]: value for name, value in given.items()}


def line(values: Sequence[str]) -> bytes:
    """A line of the publisher's dialect."""
    return ",".join('"' + value.replace('"', '""') + '"' for value in values).encode() + b"\r\n"


def bulk(*rows: dict[str, str], header: str = HEADER) -> bytes:
    """A bulk file."""
    return header.encode() + b"\r\n" + b"".join(line(list(found.values())) for found in rows)


@pytest.fixture(scope="module")
def declaration() -> SourceDeclaration:
    return declarations()["companies_house"]


class Outcome:
    """A reading, run in DuckDB, and whether the quick way was enough."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.was_quick = True
        table = reading.tables.get("companies")
        self.rows: list[dict[str, Any]] = []
        self.findings: list[Finding] = list(reading.findings)
        self.quarantined: list[QuarantinedRow] = []
        if table is None:
            return
        assert isinstance(table, SqlTable)
        try:
            self.rows = self._run(table)
        except duckdb.Error:
            assert table.fallback is not None
            self._fall_back(table)
        else:
            if table.rows is not None and len(self.rows) != table.rows:
                self._fall_back(table)
        self.was_quick = self.was_quick and table.fallback is not None
        final = self.reading.tables["companies"]
        assert isinstance(final, SqlTable)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE SCHEMA staged; CREATE TABLE staged.companies AS {final.query}")
            listed = [found for sql in self.reading.findings_sql for found in _dicts(connection, sql)]
            rejected = [found for sql in self.reading.quarantined_sql for found in _dicts(connection, sql)]
        self.findings = [*self.reading.findings]
        self.findings += [_finding(found) for found in listed]
        self.quarantined = [QuarantinedRow(**found) for found in rejected]

    def _fall_back(self, table: SqlTable) -> None:
        self.was_quick = False
        assert table.fallback is not None
        self.reading = table.fallback()
        slow = self.reading.tables["companies"]
        assert isinstance(slow, SqlTable)
        self.rows = self._run(slow)
        assert slow.rows == len(self.rows)

    @staticmethod
    def _run(table: SqlTable) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            rows = _dicts(connection, table.query)
        if table.number_rows:  # as the loader does
            seen: dict[str, int] = {}
            for found_row in rows:
                assert found_row["_row"] is None
                seen[found_row["_file"]] = found_row["_row"] = seen.get(found_row["_file"], 1) + 1
        return rows

    @property
    def rules(self) -> list[tuple[str, str]]:
        return [(finding.rule, finding.severity.value) for finding in self.findings]


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


def load(tmp_path: Path, declaration: SourceDeclaration, *contents: bytes, names: Sequence[str] = ()) -> Outcome:
    folder = tmp_path / "raw"
    folder.mkdir(exist_ok=True)
    files = []
    for number, content in enumerate(contents):
        name = names[number] if names else f"file{number}.csv"
        (folder / name).write_bytes(content)
        files.append(RawFile(name, "", len(content)))
    snapshot = Snapshot("companies_house", date(2026, 1, 1), "test", tuple(files), folder)
    workspace = tmp_path / "work"
    workspace.mkdir(exist_ok=True)
    return Outcome(read(snapshot, declaration, workspace))


# --- the true dialect ----------------------------------------------------------------------------------


def test_the_declaration_names_every_column_of_the_header(declaration: SourceDeclaration) -> None:
    table = declaration.table("companies")
    assert [field.source_names[0] for field in table.fields] == NAMES
    assert [field.name for field in table.fields if field.privacy is Privacy.PERSONAL] == ["care_of"]
    assert all(field.presence == "mandatory" for field in table.fields)


@pytest.mark.parametrize(
    "number",
    ["12345678", "00000001", "SC123456", "NI000001", "OC300001", "R0000123", "IP12345R", "IP00001C", "SP1234RS",
     "CE012345", "OE000001", "ZC000001"],
)  # fmt: skip
def test_all_known_forms_of_numbers_are_allowed(declaration: SourceDeclaration, number: str) -> None:
    pattern = declaration.table("companies").field("company_number").constraints.pattern
    with duckdb.connect() as connection:
        assert connection.execute("SELECT regexp_full_match(?, ?)", [number, pattern]).fetchone() == (True,)
        assert connection.execute("SELECT regexp_full_match('1234567', ?)", [pattern]).fetchone() == (False,)


def test_a_row_arrives_typed_with_its_place(tmp_path: Path, declaration: SourceDeclaration) -> None:
    outcome = load(tmp_path, declaration, bulk(ROW, row(CompanyNumber="SC123456")))
    first = outcome.rows[0]
    assert outcome.was_quick
    assert outcome.rules == []
    assert first["company_number"] == "00000001"
    assert first["incorporation_date"] == date(2020, 1, 31)
    assert (first["accounts_ref_day"], first["mortgage_charges_count"]) == (31, 0)
    assert first["care_of"] is first["dissolution_date"] is first["previous_name_10"] is None
    assert first["sic_text_1"] == "62012 - Business and domestic software development"
    assert [(found["_file"], found["_sheet"], found["_row"]) for found in outcome.rows] == [
        ("file0.csv", None, 2),
        ("file0.csv", None, 3),
    ]


@pytest.mark.parametrize(
    "name",
    ['"ST MARY\'S HEATH" AT ARMTHORPE LIMITED', "! LTD", "=SUM(A1)", "+44 LTD", "@HOME", "A, B & C LTD",
     "CAFÉ ŴY LTD", "<B>BOLD</B> LTD", "NULL", "NA", "-", "TRUE", "1E5", "A\\B LTD", "'", '"', "A;B", "# LTD"],
)  # fmt: skip
def test_odd_names_arrive_as_they_are(tmp_path: Path, declaration: SourceDeclaration, name: str) -> None:
    outcome = load(tmp_path, declaration, bulk(row(CompanyName=name), ROW))
    assert [found["company_name"] for found in outcome.rows] == [name, "A LIMITED"]
    assert outcome.was_quick


def test_values_are_trimmed_and_what_is_empty_then_is_null(tmp_path: Path, declaration: SourceDeclaration) -> None:
    given_row = row(
        PreviousName_1_CompanyName="OLD NAME ", RegAddress_AddressLine2="   ", RegAddress_PostCode="M2   2EE"
    )
    (found,) = load(tmp_path, declaration, bulk(given_row)).rows
    assert (found["previous_name_1"], found["address_line_2"], found["postcode"]) == ("OLD NAME", None, "M2   2EE")


def test_columns_are_found_by_name_whatever_the_spaces_and_the_order(
    tmp_path: Path, declaration: SourceDeclaration
) -> None:
    shuffled = NAMES[:]
    random.Random(3).shuffle(shuffled)
    header = ",".join(f" {name} " if number % 2 else name for number, name in enumerate(shuffled))
    content = bulk({name: ROW[name] for name in shuffled}, header=header)
    expected = load(tmp_path, declaration, bulk(ROW)).rows
    assert load(tmp_path, declaration, content).rows == expected
    assert load(tmp_path, declaration, b"\xef\xbb\xbf" + content).rows == expected
    quoted = bulk(ROW, header=",".join(f'"{name}"' for name in NAMES))
    assert load(tmp_path, declaration, quoted).rows == expected


def test_line_feeds_and_little_quoting_are_read_the_quick_way_too(
    tmp_path: Path, declaration: SourceDeclaration
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NAMES)
    writer.writerows([list(row(CompanyName="A, B LTD").values()), list(ROW.values())])
    outcome = load(tmp_path, declaration, text.getvalue().encode())
    assert outcome.was_quick
    assert [found["company_name"] for found in outcome.rows] == ["A, B LTD", "A LIMITED"]
    assert len(load(tmp_path, declaration, text.getvalue().encode().removesuffix(b"\n")).rows) == 2


def test_na_is_nothing_except_in_texts(tmp_path: Path, declaration: SourceDeclaration) -> None:
    given_row = row(DissolutionDate="NA", Accounts_AccountRefDay="NA", CompanyName="NA", RegAddress_County="NA")
    outcome = load(tmp_path, declaration, bulk(given_row))
    (found,) = outcome.rows
    assert (found["dissolution_date"], found["accounts_ref_day"]) == (None, None)
    assert (found["company_name"], found["county"]) == ("NA", "NA")
    assert outcome.rules == []


def test_parts_make_one_table_and_count_by_themselves(tmp_path: Path, declaration: SourceDeclaration) -> None:
    parts = [bulk(ROW, row(CompanyNumber="00000002")), bulk(row(CompanyNumber="00000003"))]
    outcome = load(tmp_path, declaration, *parts)
    assert outcome.was_quick
    assert [(found["company_number"], found["_file"], found["_row"]) for found in outcome.rows] == [
        ("00000001", "file0.csv", 2),
        ("00000002", "file0.csv", 3),
        ("00000003", "file1.csv", 2),
    ]
    broken = [parts[0], bulk(row(CompanyNumber="00000003", IncorporationDate="x")), parts[1]]
    outcome = load(tmp_path, declaration, *broken)
    assert [(found["_file"], found["_row"], found["incorporation_date"]) for found in outcome.rows] == [
        ("file0.csv", 2, date(2020, 1, 31)),
        ("file0.csv", 3, date(2020, 1, 31)),
        ("file1.csv", 2, None),
        ("file2.csv", 2, date(2020, 1, 31)),
    ]


# --- headers -------------------------------------------------------------------------------------------


def test_a_missing_column_is_critical_and_the_rest_is_read(tmp_path: Path, declaration: SourceDeclaration) -> None:
    names = [name for name in NAMES if name != "CompanyStatus"]
    outcome = load(tmp_path, declaration, bulk({name: ROW[name] for name in names}, header=",".join(names)))
    assert outcome.rules == [("missing-column", "critical")]
    assert outcome.findings[0].column_name == "company_status"
    assert outcome.rows[0]["company_status"] is None
    assert outcome.rows[0]["company_number"] == "00000001"


def test_unknown_and_doubled_columns_are_warnings(tmp_path: Path, declaration: SourceDeclaration) -> None:
    header = HEADER + ",Turnover, CompanyName"
    outcome = load(tmp_path, declaration, bulk(ROW | {"Turnover": "5", "again": "B LIMITED"}, header=header))
    assert outcome.rules == [("unknown-column", "warning"), ("duplicate-column", "warning")]
    assert outcome.rows[0]["company_name"] == "A LIMITED"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        line(list(ROW.values())),
        "MS B SOMEONE,01234567\n".encode("utf-16"),
        b"<html><body>Sorry</body></html>",
        HEADER.replace(",", ";").encode() + b"\r\n",
        b"company_name,company_number,company_status\r\nA,1,Active\r\n",
        b"\x00" * 100,
    ],
)
def test_without_a_header_there_is_no_table(
    tmp_path: Path, declaration: SourceDeclaration, content: bytes
) -> None:
    outcome = load(tmp_path, declaration, content)
    assert outcome.reading.tables == {}
    assert outcome.rules == [("missing-header", "critical")]
    assert "SOMEONE" not in outcome.findings[0].message


def test_a_header_alone_is_an_empty_table(tmp_path: Path, declaration: SourceDeclaration) -> None:
    outcome = load(tmp_path, declaration, bulk())
    assert (outcome.rows, outcome.rules, outcome.was_quick) == ([], [], True)


# --- broken files --------------------------------------------------------------------------------------

GOOD = [row(CompanyNumber=f"{number:08}") for number in range(1, 101)]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (line([*ROW.values(), "more"]), "has 56 values where the header has 55"),
        (line(list(ROW.values())[:-1]), "has 54 values where the header has 55"),
        (line(list(ROW.values())).replace(b"Active", b"Act\xffive"), "is not UTF-8"),
        (line(list(ROW.values())).replace(b"Active", b"Act\0ive"), "holds a NUL byte"),
        (line(list(ROW.values())).replace(b'"Active"', b'"Active'), "quote"),
        (line(list(ROW.values())).replace(b'"Active"', b'"Act"ive"'), "quote"),
        (b'"\r\n', "quote"),
        (b"rubbish\r\n", "has 1 values"),
    ],
)
@pytest.mark.parametrize("at", [0, 50, 100])
def test_a_broken_line_is_quarantined_and_all_others_load(
    tmp_path: Path, declaration: SourceDeclaration, broken: bytes, said: str, at: int
) -> None:
    lines = bulk(*GOOD).splitlines(keepends=True)
    outcome = load(tmp_path, declaration, b"".join([*lines[: at + 1], broken, *lines[at + 1 :]]))
    assert len(outcome.rows) == 100
    assert not outcome.was_quick
    (finding,) = (found for found in outcome.findings if found.rule != "cut-off")
    assert (finding.rule, finding.severity.value, finding.row_number) == ("unreadable-record", "error", at + 2)
    assert said in finding.message
    assert f"Line {at + 2} " in finding.message
    (quarantined,) = outcome.quarantined
    assert (quarantined.file, quarantined.row_number) == ("file0.csv", at + 2)
    assert {found["_row"] for found in outcome.rows} == set(range(2, 103)) - {at + 2}


def test_an_unreadable_value_is_treated_as_its_field_says(tmp_path: Path, declaration: SourceDeclaration) -> None:
    bad = [
        row(CompanyNumber="90000001", IncorporationDate="2020-01-31", RegAddress_CareOf="MS B SOMEONE"),
        row(CompanyNumber="90000002", Accounts_NextDueDate="31/02/2020"),
        row(CompanyNumber="90000003", Mortgages_NumMortCharges="5.6"),
        row(CompanyNumber="90000004", Mortgages_NumMortCharges=" 007 "),
    ]
    outcome = load(tmp_path, declaration, bulk(*GOOD, *bad))
    assert len(outcome.rows) == 104
    by_number = {found["company_number"]: found for found in outcome.rows}
    assert by_number["90000001"]["incorporation_date"] is None
    assert by_number["90000002"]["accounts_next_due_date"] is None
    assert by_number["90000003"]["mortgage_charges_count"] is None
    assert by_number["90000004"]["mortgage_charges_count"] == 7
    said = [(f.column_name, f.severity.value, f.value, f.row_key, f.row_number) for f in outcome.findings]
    assert said == [
        ("incorporation_date", "error", "2020-01-31", "90000001", 102),
        ("accounts_next_due_date", "warning", "31/02/2020", "90000002", 103),
        ("mortgage_charges_count", "warning", "5.6", "90000003", 104),
    ]
    assert outcome.quarantined == []


def test_breaks_within_quotes_and_blank_lines_lose_nothing(tmp_path: Path, declaration: SourceDeclaration) -> None:
    inner = row(CompanyNumber="00000002", RegAddress_AddressLine1="UNIT 1\r\nA ROAD")
    content = bulk(ROW) + b"\r\n" + line(list(inner.values())) + b"\r\n\r\n" + line(list(ROW.values()))
    outcome = load(tmp_path, declaration, content)
    assert [(found["company_number"], found["_row"]) for found in outcome.rows] == [
        ("00000001", 2),
        ("00000002", 4),
        ("00000001", 7),
    ]
    assert outcome.rows[1]["address_line_1"] == "UNIT 1 A ROAD"


def test_every_rejected_line_is_listed_and_quarantined(tmp_path: Path, declaration: SourceDeclaration) -> None:
    outcome = load(tmp_path, declaration, bulk(*GOOD) + b"rubbish\r\n" * 300)
    assert outcome.rules == [("unreadable-record", "error")] * 300
    assert [found.row_number for found in outcome.quarantined] == list(range(102, 402))
    assert len(outcome.rows) == 100


def test_a_column_in_another_form_is_one_critical_finding_more(
    tmp_path: Path, declaration: SourceDeclaration
) -> None:
    given_rows = [found | {"Accounts.NextDueDate": "2026-01-01"} for found in GOOD]
    outcome = load(tmp_path, declaration, bulk(*given_rows))
    assert outcome.rules == [("too-many-unreadable", "critical"), *[("type", "warning")] * 100]
    assert "In 100 of 100 records" in outcome.findings[0].message
    assert len(outcome.rows) == 100


def test_more_than_can_be_listed_is_critical_and_the_quarantine_stays_exact(
    tmp_path: Path, declaration: SourceDeclaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(careful, "MOST_LISTED", 50)
    monkeypatch.setattr(careful, "EXAMPLES", 5)
    given_rows = [found | {"IncorporationDate": "x"} for found in GOOD] + GOOD * 5
    outcome = load(tmp_path, declaration, bulk(*given_rows) + b"rubbish\r\n" * 60)
    assert outcome.rules[:2] == [("too-many-rejected", "critical"), ("too-many-unreadable", "critical")]
    assert "60 of 660 records" in outcome.findings[0].message
    assert "In 100 of 660 records" in outcome.findings[1].message
    assert sorted(outcome.rules[2:]) == [("type", "error")] * 5 + [("unreadable-record", "error")] * 5
    assert len(outcome.quarantined) == 60
    assert len(outcome.rows) == 600


@pytest.mark.parametrize("value", ["29/06/93", "1/2/20", "29/06/193", "29/06/19931", "epoch", "infinity", "1993"])
def test_a_date_without_a_year_of_four_digits_is_no_date(
    tmp_path: Path, declaration: SourceDeclaration, value: str
) -> None:
    outcome = load(tmp_path, declaration, bulk(*GOOD, row(CompanyNumber="90000001", IncorporationDate=value)))
    assert outcome.rows[100]["incorporation_date"] is None
    assert [(f.rule, f.severity.value, f.value, f.row_key) for f in outcome.findings] == [
        ("type", "error", value, "90000001")
    ]
    assert "dd/mm/yyyy" in outcome.findings[0].message


def test_a_register_with_years_of_two_digits_is_held(tmp_path: Path, declaration: SourceDeclaration) -> None:
    given_rows = [found | {"IncorporationDate": f"{n % 28 + 1:02}/06/93"} for n, found in enumerate(GOOD[:30])]
    outcome = load(tmp_path, declaration, bulk(*given_rows))
    assert outcome.rules == [("too-many-unreadable", "critical"), *[("type", "error")] * 30]
    assert {found["incorporation_date"] for found in outcome.rows} == {None}


def test_days_and_months_that_can_be_swapped_are_not_read_by_chance(
    tmp_path: Path, declaration: SourceDeclaration
) -> None:
    months_first = [
        found | {"IncorporationDate": f"{n % 12 + 1}/{n + 1}/2016"} for n, found in enumerate(GOOD[:28])
    ]
    outcome = load(tmp_path, declaration, bulk(*months_first))
    assert {found["incorporation_date"] for found in outcome.rows} == {None}
    assert outcome.rules == [("too-many-unreadable", "critical"), *[("type", "error")] * 28]
    assert "month first" in outcome.findings[1].message
    # One slip among dates that are plainly day first says nothing of the others.
    slip = [*GOOD, row(CompanyNumber="90000001", IncorporationDate="05/13/2016")]
    slip.append(row(CompanyNumber="90000002", IncorporationDate="5/3/2016"))
    outcome = load(tmp_path, declaration, bulk(*slip))
    assert [found["incorporation_date"] for found in outcome.rows[100:]] == [None, date(2016, 3, 5)]
    assert outcome.rules == [("type", "error")]


@pytest.mark.parametrize("more", [[""], ["", ""], ["more"]])
@pytest.mark.parametrize("place", [1, 20, 55])
def test_a_row_with_a_cell_too_many_is_never_shifted(
    tmp_path: Path, declaration: SourceDeclaration, more: list[str], place: int
) -> None:
    address = "http://business.data.gov.uk/id/company/90000001"
    cells = list(row(CompanyNumber="90000001", URI=address).values())
    content = bulk(*GOOD) + line([*cells[:place], *more, *cells[place:]])
    outcome = load(tmp_path, declaration, content)
    assert len(outcome.rows) == 100
    assert outcome.rules == [("unreadable-record", "error")]
    assert outcome.quarantined[0].row_key == key_text({"company_number": "90000001"})


def test_what_nobody_sees_is_left_out_and_said(tmp_path: Path, declaration: SourceDeclaration) -> None:
    names = {
        "90000001": ("\u202egnp.exe LTD", "gnp.exe LTD"),
        "90000002": ("A\u2066B\x01\x02 LTD", "AB LTD"),
        "90000003": ("A\u0085B\ufffe LTD", "AB LTD"),
        "90000004": ("A\tB\x7f LTD", "A B LTD"),
        "90000005": ("É’S £5 LTD", "É’S £5 LTD"),
    }
    given_rows = [row(CompanyNumber=number, CompanyName=name) for number, (name, _) in names.items()]
    home = Home(tmp_path / "home")
    for way in (b"", b'"\r\n'):  # the quick one, and the careful one
        path = tmp_path / "in.csv"
        path.write_bytes(bulk(*GOOD, *given_rows) + way)
        staged = stage(declaration, pull(PullRequest(home, declaration, str(path), date(2026, 1, 9))), home, read)
        with duckdb.connect(str(staged.path), read_only=True) as connection:
            found = connection.execute("SELECT company_name FROM staged.companies WHERE _row > 101 ORDER BY _row")
            assert [text for (text,) in found.fetchall()] == [shown for _, shown in names.values()]
            said = connection.execute(
                "SELECT rule, column_name, row_key FROM findings WHERE severity = 'warning' ORDER BY row_key"
            ).fetchall()
        assert said == [("hidden-characters", "company_name", number) for number in list(names)[:4]]
    assert load(tmp_path, declaration, bulk(*GOOD, *given_rows)).was_quick


def test_the_bytes_that_nobody_sees_are_those_of_the_loader() -> None:
    codes = [*range(1, 0x300), *range(0x2000, 0x2100), 0xFFFD, 0xFFFE, 0xFFFF]
    with duckdb.connect() as connection:
        asked = "SELECT regexp_matches(unnest(?::VARCHAR[]), ?)"
        found = connection.execute(asked, [[chr(code) for code in codes], UNSEEN]).fetchall()
    for code, (hidden,) in zip(codes, found, strict=True):
        tally = Tally()
        for piece in (f"a{chr(code)}b\n".encode()[at : at + 1] for at in range(6)):
            tally.add(piece)
        assert (tally.may_hide is not None) == (hidden and code != 0x0A), hex(code)


@pytest.mark.parametrize("size", [quick.MAX_CELL_BYTES + 1, 200_000, 3_000_000])
def test_a_cell_of_any_length_is_refused_and_never_kept(
    tmp_path: Path, declaration: SourceDeclaration, size: int
) -> None:
    long = row(CompanyNumber="90000001", CompanyName="N" * size)
    outcome = load(tmp_path, declaration, bulk(*GOOD[:50], long, *GOOD[50:]))
    assert max(len(found["company_name"] or "") for found in outcome.rows) < 100
    assert {found["company_number"] for found in outcome.rows} >= {found["CompanyNumber"] for found in GOOD}
    (finding,) = outcome.findings
    assert (finding.severity.value, finding.row_number) == ("error", 52)
    assert len(str(finding)) < 2_000
    limit = row(CompanyNumber="90000001", CompanyName="N" * quick.MAX_CELL_BYTES)
    assert load(tmp_path, declaration, bulk(*GOOD, limit)).findings == []


def test_na_in_every_empty_cell_is_nothing(tmp_path: Path, declaration: SourceDeclaration) -> None:
    """As R's write.csv gives it: quoted texts, NA without quotes."""
    lines = bulk(*GOOD, row(CompanyNumber="90000001", RegAddress_County="NA"))
    outcome = load(tmp_path, declaration, lines.replace(b'""', b"NA"))
    assert {found["county"] for found in outcome.rows} == {None}
    assert {found["company_name"] for found in outcome.rows} == {"A LIMITED"}
    assert outcome.rules == [("na-is-empty", "info")]


def test_a_header_in_the_middle_is_no_company(tmp_path: Path, declaration: SourceDeclaration) -> None:
    address = "http://business.data.gov.uk/id/company/90000001"
    last = bulk(row(CompanyNumber="90000001", URI=address)).splitlines(keepends=True)[1]
    outcome = load(tmp_path, declaration, bulk(*GOOD[:50]) + bulk(*GOOD[50:]))
    assert (outcome.rules, len(outcome.rows), outcome.quarantined) == ([("repeated-header", "warning")], 100, [])
    # A line without its end, and the next file's header behind it.
    outcome = load(tmp_path, declaration, bulk(*GOOD[:50]) + last.rstrip(b"\r\n") + bulk(*GOOD[50:]))
    assert (outcome.rules, len(outcome.rows)) == ([("unreadable-record", "error")], 100)
    assert outcome.quarantined[0].row_key == key_text({"company_number": "90000001"})


# --- whose row it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", list(FAULTS))
def test_whose_row_is_broken_can_be_told(tmp_path: Path, declaration: SourceDeclaration, fault: str) -> None:
    write_register(tmp_path / "month", rows=400, day=date(2026, 2, 1))
    content = (tmp_path / "month" / "BasicCompanyDataAsOneFile-2026-02-01.csv").read_bytes()
    broken_content, numbers = broken(content, 0.05, seed=5, faults=(fault,))
    outcome = load(tmp_path, declaration, broken_content)
    loaded = [found["company_number"] for found in outcome.rows]
    rejected = [found.row_key for found in outcome.quarantined]
    if fault in ("blank-name", "duplicate-number"):
        assert rejected == []  # they can be read: that they are wrong is for the checks to say
        assert set(numbers) <= set(loaded)
    else:
        assert sorted(map(str, rejected)) == sorted(str(key_text({"company_number": n})) for n in numbers)
        assert not set(numbers) & set(loaded)
    assert len(set(loaded) | set(numbers)) == 400


NUMBER = r"[0-9]{8}|[A-Z]{2}[0-9]{6}"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ('"A "B LTD","00000001","x","/id/company/00000001"', "00000001"),
        ('"A "B LTD","00000001","x",""', None),  # nothing that says the same
        ("A \udcff LTD,00000001,x,/id/company/00000001", "00000001"),
        ('"A","MORE","00000001","x","/id/company/00000001"', "00000001"),
        ('"A","00000001","MORE","x","/id/company/00000001"', "00000001"),
        ('"00000002","x","/id/company/00000001"', None),  # the number itself is the cell that is missing
        ('"A","00000002","00000001","x","/id/company/00000001"', None),  # two that could be it
        ('"A "B LTD","00000001","x","/id/company/00000002"', None),  # the row contradicts itself
        ('"A","00000001","x","/id/company/00000001""B","00000002","x","/id/company/00000002"', None),
        ('"A","1","x","/id/company/00000001"', None),
        ('"A","00000001', None),
        ("", None),
        ('"', None),
    ],
)
def test_a_key_is_given_only_where_it_is_certain(raw: str, key: str | None) -> None:
    assert sure_key(raw.encode("utf-8", "surrogateescape"), 4, 1, NUMBER) == key


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([b'"', b",", b'","', b"\xff", b"\0", b"x", b""])),
        min_size=1,
        max_size=3,
    ),
    cut=st.booleans(),
)
def test_a_broken_line_never_gives_another_companys_key(edits: list[tuple[float, bytes]], cut: bool) -> None:
    address = "http://business.data.gov.uk/id/company/SC123456"
    content = bytearray(line(list(row(CompanyNumber="SC123456", URI=address).values())).rstrip(b"\r\n"))
    for position, piece in edits:
        at = int(position * len(content))
        content[at : at + (1 if cut else 0)] = piece
    assert sure_key(bytes(content), len(NAMES), 1, NUMBER) in ("SC123456", None)


def test_a_file_that_ends_within_a_record_is_not_whole(tmp_path: Path, declaration: SourceDeclaration) -> None:
    content = bulk(*GOOD)
    for lost in (3, 4, 60, 250):
        outcome = load(tmp_path, declaration, content[:-lost])
        assert outcome.rules == [("cut-off", "error"), ("unreadable-record", "error")]
        assert "ends in the middle of a record, at line 101" in outcome.reading.incomplete["companies"]
        assert len(outcome.rows) == 99
    for whole in (content, content.removesuffix(b"\r\n"), content + b"rubbish\r\n"):
        assert load(tmp_path, declaration, whole).reading.incomplete == {}


# --- nothing is lost -----------------------------------------------------------------------------------

nasty = st.text(st.sampled_from("aZ9 \",;'\\\t=é€😀<\r\n#"), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(nasty, nasty, nasty), max_size=8),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_every_well_formed_record_arrives_as_it_was(
    tmp_path: Path,
    declaration: SourceDeclaration,
    cells: list[tuple[str, str, str]],
    quoting: int,
    ending: str,
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # Python's writer would not quote a lone carriage return
        cells = [tuple(value.replace("\r", "") for value in values) for values in cells]  # type: ignore[misc]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(NAMES)
    for name, county, last in cells:
        given_row = row(CompanyName=name, RegAddress_County=county) | {NAMES[52]: last}
        writer.writerow(given_row.values())
    outcome = load(tmp_path, declaration, text.getvalue().encode())

    def kept(value: str | None) -> str | None:
        return re.sub(r"\s+", " ", value or "").strip(" ") or None

    found = [tuple(map(kept, (f["company_name"], f["county"], f["previous_name_10"]))) for f in outcome.rows]
    assert found == [tuple(kept(value) for value in values) for values in cells]
    assert outcome.findings == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b" ", b'""', b"x", b""]),
        ),
        max_size=6,
    ),
    cut=st.booleans(),
)
@example(edits=[(0.999, b'"')], cut=False)
@example(edits=[(0.0, b"\r")], cut=False)
def test_rows_loaded_and_rows_quarantined_are_all_records(
    tmp_path: Path, declaration: SourceDeclaration, edits: list[tuple[float, bytes]], cut: bool
) -> None:
    start = len(HEADER) + 2
    content = bytearray(bulk(*GOOD[:12]))
    for position, piece in edits:
        at = start + int(position * (len(content) - start))
        content[at : at + (1 if cut else 0)] = piece
    outcome = load(tmp_path, declaration, bytes(content))
    all_records = list(records(io.BytesIO(bytes(content)), len(NAMES)))
    rejected = len(outcome.quarantined)
    assert len(outcome.rows) + rejected == len(all_records)
    assert len({found["_row"] for found in outcome.rows}) == len(outcome.rows)
    # No record without a finger on it is lost: an edit spoils no more than its own line and one it joins.
    assert len(outcome.rows) >= 12 - 2 * len(edits)
    if outcome.was_quick:
        table = outcome.reading.tables["companies"]
        assert isinstance(table, SqlTable)
        assert table.fallback is not None
        slow = Outcome(table.fallback())
        by_row = {found["_row"]: found for found in outcome.rows}
        # DuckDB forgives a space behind a quote; what both ways load is the same, and neither loses a record.
        assert all(by_row[found["_row"]] == found for found in slow.rows)
        assert len(slow.rows) + len(slow.quarantined) == len(outcome.rows)


@pytest.mark.parametrize("spaces", [b" ", b"  ", b"   "])
def test_quotes_behind_spaces_are_no_part_of_a_name(
    tmp_path: Path, declaration: SourceDeclaration, spaces: bytes
) -> None:
    start = len(HEADER) + 2
    content = bytes(bulk(*GOOD[:12]))
    outcome = load(tmp_path, declaration, content[:start] + spaces + content[start:])
    assert [found["company_name"] for found in outcome.rows] == [found["CompanyName"] for found in GOOD[:12]]


# --- the whole way, through dlt ------------------------------------------------------------------------


def test_a_broken_file_goes_the_whole_way(tmp_path: Path, declaration: SourceDeclaration) -> None:
    home = Home(tmp_path / "home")
    path = tmp_path / "BasicCompanyDataAsOneFile-2026-01-01.zip"
    bad = row(CompanyNumber="90000001", IncorporationDate="soon", RegAddress_CareOf="MS B SOMEONE")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("any name.csv", bulk(*GOOD, bad) + b'"MR C SOMEONE\r\n')
    snapshot = pull(PullRequest(home, declaration, str(path), date(2026, 1, 9)))
    assert snapshot.date == date(2026, 1, 1)
    staged = stage(declaration, snapshot, home, read)
    assert staged.rows == {"companies": 101}
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        everything = str(
            connection.execute("FROM findings").fetchall() + connection.execute("FROM quarantine").fetchall()
        )
        files = connection.execute("SELECT DISTINCT _file FROM staged.companies").fetchall()
    assert "SOMEONE" not in everything
    assert "90000001" in everything
    assert files == [(path.name,)]
    assert list(home.temporary.iterdir()) == []


def test_generated_parts_load_like_the_one_file(tmp_path: Path, declaration: SourceDeclaration) -> None:
    home = Home(tmp_path / "home")
    day = date(2026, 2, 1)
    write_register(tmp_path / "one", rows=300, day=day, zipped=True)
    write_register(tmp_path / "parts", rows=300, day=day, parts=3, zipped=True)
    tables = []
    for folder in ("one", "parts"):
        snapshot = pull(PullRequest(home, declaration, str(tmp_path / folder), date(2026, 2, 9)))
        staged = stage(declaration, snapshot, home, read)
        assert staged.rows == {"companies": 300}
        with duckdb.connect(str(staged.path), read_only=True) as connection:
            found = connection.execute(
                "SELECT * EXCLUDE (_file, _row) FROM staged.companies ORDER BY company_number"
            )
            tables.append(found.fetchall())
            assert connection.execute("SELECT count(*) FROM main.findings").fetchone() == (0,)
    assert tables[0] == tables[1]


# --- parts and folders ---------------------------------------------------------------------------------


def test_a_part_that_is_missing_is_said(tmp_path: Path, declaration: SourceDeclaration) -> None:
    parts = [bulk(*GOOD[:10]), bulk(*GOOD[10:20])]
    names = [f"BasicCompanyData-2026-01-01-part{n}_3.csv" for n in (1, 3)]
    outcome = load(tmp_path, declaration, *parts, names=names)
    assert len(outcome.rows) == 20
    assert outcome.rules == [("missing-part", "error")]
    assert outcome.findings[0].message.startswith("Of 3 parts 2 is missing.")
    assert outcome.reading.incomplete == {"companies": "Of 3 parts 2 is missing."}
    broken_part = parts[1] + b"rubbish\r\n"  # the careful way says so too
    outcome = load(tmp_path, declaration, broken_part, names=names[:1])
    assert outcome.rules == [("missing-part", "error"), ("unreadable-record", "error")]
    assert "companies" in outcome.reading.incomplete


def test_of_a_folder_only_the_register_is_taken(tmp_path: Path, declaration: SourceDeclaration) -> None:
    folder = tmp_path / "in"
    write_register(folder, rows=20, day=date(2026, 2, 1))
    (folder / "Accounts_Bulk_Data-2026-11-20.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    snapshot = pull(PullRequest(Home(tmp_path / "home"), declaration, str(folder), date(2026, 12, 1)))
    assert (snapshot.date, len(snapshot.files)) == (date(2026, 2, 1), 1)


@pytest.mark.parametrize(("good", "severity"), [(1, "critical"), (97, "warning")])
def test_lost_zeros_are_called_so(
    tmp_path: Path, declaration: SourceDeclaration, good: int, severity: str
) -> None:
    home = Home(tmp_path / "home")
    path = tmp_path / "in.csv"
    short = [row(CompanyNumber=found["CompanyNumber"].lstrip("0")) for found in GOOD[good:]]
    path.write_bytes(bulk(*GOOD[:good], *short))
    staged = stage(declaration, pull(PullRequest(home, declaration, str(path), date(2026, 1, 9))), home, read)
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        found = connection.execute("SELECT rule, severity, message FROM findings").fetchall()
    count = f"{100 - good} of 100 company numbers have fewer than eight digits"
    assert [(rule, level, message[: len(count)]) for rule, level, message in found] == [
        ("lost-zeros", severity, count)
    ]


def test_a_date_beyond_what_the_data_can_know_is_emptied_and_said(
    tmp_path: Path, declaration: SourceDeclaration
) -> None:
    home = Home(tmp_path / "home")
    path = tmp_path / "BasicCompanyDataAsOneFile-2026-01-01.csv"
    path.write_bytes(
        bulk(
            row(CompanyNumber="00000001", IncorporationDate="31/12/9999"),
            row(CompanyNumber="00000002", IncorporationDate="01/02/2026"),
            row(CompanyNumber="00000003", IncorporationDate="02/02/2026", Accounts_NextDueDate="02/02/2027"),
            row(CompanyNumber="00000004", Accounts_NextDueDate="31/12/2999"),
        )
    )
    staged = stage(declaration, pull(PullRequest(home, declaration, str(path), date(2026, 1, 9))), home, read)
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        cells = connection.execute("SELECT incorporation_date, accounts_next_due_date FROM staged.companies")
        rows = cells.fetchall()
        found = connection.execute(
            "SELECT rule, severity, row_number, column_name, value, row_key FROM findings ORDER BY row_number"
        ).fetchall()
    usual = date(2020, 1, 31)
    assert rows == [(None, None), (date(2026, 2, 1), None), (None, date(2027, 2, 2)), (usual, None)]
    assert found == [
        ("future", "error", 2, "incorporation_date", "9999-12-31", "00000001"),
        ("future", "error", 4, "incorporation_date", "2026-02-02", "00000003"),
        ("future", "warning", 5, "accounts_next_due_date", "2999-12-31", "00000004"),
    ]


def test_the_oldest_date_that_can_be_is_declared(declaration: SourceDeclaration) -> None:
    minimum = declaration.table("companies").field("incorporation_date").constraints.minimum
    assert minimum == date(1231, 1, 1)
