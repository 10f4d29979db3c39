"""The register's bulk file: every quirk of the real one, and every way in which a file can be broken."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dev.synthetic_register import HEADER, write_register
from sources import PullRequest, Reading, SqlTable, declarations
from sources.companies_house import careful, pull, read
from sources.companies_house.careful import records
from sources.loading import stage
from warehouse.archive import RawFile, Snapshot
from warehouse.declarations import Privacy, SourceDeclaration
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
            found = connection.execute(table.query)
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
        if table.number_rows:  # as the loader does
            seen: dict[str, int] = {}
            for found_row in rows:
                assert found_row["_row"] is None
                seen[found_row["_file"]] = found_row["_row"] = seen.get(found_row["_file"], 1) + 1
        return rows

    @property
    def rules(self) -> list[tuple[str, str]]:
        return [(finding.rule, finding.severity.value) for finding in self.reading.findings]


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
    assert [(found["_file"], found["_row"]) for found in outcome.rows] == [
        ("file0.csv", 2),
        ("file0.csv", 3),
        ("file2.csv", 2),
    ]


# --- headers -------------------------------------------------------------------------------------------


def test_a_missing_column_is_critical_and_the_rest_is_read(tmp_path: Path, declaration: SourceDeclaration) -> None:
    names = [name for name in NAMES if name != "CompanyStatus"]
    outcome = load(tmp_path, declaration, bulk({name: ROW[name] for name in names}, header=",".join(names)))
    assert outcome.rules == [("missing-column", "critical")]
    assert outcome.reading.findings[0].column_name == "company_status"
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
    assert "SOMEONE" not in outcome.reading.findings[0].message


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
    (finding,) = outcome.reading.findings
    assert (finding.rule, finding.severity.value, finding.row_number) == ("unreadable-record", "error", at + 2)
    assert said in finding.message
    assert f"Line {at + 2} " in finding.message
    (quarantined,) = outcome.reading.quarantined
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
    assert len(outcome.rows) == 103
    by_number = {found["company_number"]: found for found in outcome.rows}
    assert by_number["90000002"]["accounts_next_due_date"] is None
    assert by_number["90000003"]["mortgage_charges_count"] is None
    assert by_number["90000004"]["mortgage_charges_count"] == 7
    said = [(f.column_name, f.severity.value, f.value, f.row_key, f.row_number) for f in outcome.reading.findings]
    assert said == [
        ("accounts_next_due_date", "warning", "31/02/2020", "90000002", 103),
        ("mortgage_charges_count", "warning", "5.6", "90000003", 104),
        ("incorporation_date", "error", "2020-01-31", "90000001", 102),
    ]
    (quarantined,) = outcome.reading.quarantined
    record = json.loads(quarantined.record)
    assert (record["company_number"], record["incorporation_date"]) == ("90000001", "2020-01-31")
    assert "SOMEONE" not in quarantined.record


def test_breaks_within_quotes_and_blank_lines_lose_nothing(tmp_path: Path, declaration: SourceDeclaration) -> None:
    inner = row(CompanyNumber="00000002", RegAddress_AddressLine1="UNIT 1\r\nA ROAD")
    content = bulk(ROW) + b"\r\n" + line(list(inner.values())) + b"\r\n\r\n" + line(list(ROW.values()))
    outcome = load(tmp_path, declaration, content)
    assert [(found["company_number"], found["_row"]) for found in outcome.rows] == [
        ("00000001", 2),
        ("00000002", 4),
        ("00000001", 7),
    ]
    assert outcome.rows[1]["address_line_1"] == "UNIT 1\nA ROAD"


def test_too_many_rejects_become_one_critical_finding(tmp_path: Path, declaration: SourceDeclaration) -> None:
    few = bulk(*GOOD) + b"rubbish\r\n" * 20
    outcome = load(tmp_path, declaration, few)
    assert (len(outcome.reading.quarantined), outcome.rules[0]) == (20, ("unreadable-record", "error"))
    outcome = load(tmp_path, declaration, bulk(*GOOD) + b"rubbish\r\n" * 30)
    assert outcome.rules[0] == ("too-many-rejected", "critical")
    assert "30 of 130 records" in outcome.reading.findings[0].message
    assert len(outcome.rows) == 100
    assert len(outcome.reading.quarantined) == careful.FEW == len(outcome.reading.findings) - 1


def test_a_column_in_another_form_is_one_critical_finding(tmp_path: Path, declaration: SourceDeclaration) -> None:
    given_rows = [found | {"Accounts.NextDueDate": "2026-01-01"} for found in GOOD]
    outcome = load(tmp_path, declaration, bulk(*given_rows))
    assert outcome.rules[0] == ("too-many-unreadable", "critical")
    assert len(outcome.rows) == 100
    assert len(outcome.reading.findings) == 1 + careful.FEW


def test_hundreds_of_thousands_of_rejects_stay_small(
    tmp_path: Path, declaration: SourceDeclaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(careful, "MOST_REJECTED", 50)
    given_rows = [found | {"IncorporationDate": "x"} for found in GOOD] + GOOD * 50
    outcome = load(tmp_path, declaration, bulk(*given_rows))
    assert outcome.rules[0] == ("too-many-rejected", "critical")
    assert "100 of 5,100" in outcome.reading.findings[0].message
    assert len(outcome.rows) == 5000


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

    def kept(value: str) -> str | None:
        return value.replace("\r\n", "\n").strip(" ") or None

    found = [
        tuple(
            value and value.replace("\r\n", "\n")
            for value in (f["company_name"], f["county"], f["previous_name_10"])
        )
        for f in outcome.rows
    ]
    assert found == [tuple(kept(value) for value in values) for values in cells]
    assert outcome.reading.findings == []


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
    rejected = len(outcome.reading.quarantined)
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
        assert len(slow.rows) + len(slow.reading.quarantined) == len(outcome.rows)


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
    assert staged.rows == {"companies": 100}
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
