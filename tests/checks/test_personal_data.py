"""Personal data in public text: the cell is held, and no finding, record or name repeats what was seen."""

import json
from datetime import date

import duckdb
import pytest

from checks.personal_data import RULE
from checks.rules import DatasetRules, SourceRules
from checks.verdicts import Before, check_dataset, check_source
from publish.catalogue import load_catalogue
from sources import declarations
from warehouse import ledger
from warehouse.database import opened
from warehouse.declarations import Severity, SourceDeclaration, parse
from warehouse.findings import (
    WITHHELD,
    Finding,
    QuarantinedRow,
    add_findings,
    add_quarantine,
    create_findings_tables,
)
from warehouse.ledger import Verdict, read_findings
from warehouse.staging import Staged

SECRETS = ("matti.meikalainen@firma.fi", "040 123 4567", "131052-308T")
SOURCE = parse(
    SourceDeclaration,
    {
        "name": "pilots",
        "title": "Pilots",
        "publisher": {"name": "somebody", "title": "Somebody"},
        "licence": "CC0-1.0",
        "attribution": "Somebody",
        "cadence": "irregular",
        "tables": [
            {
                "name": "pilots",
                "title": "Pilots",
                "each_row_is_a": "pilot",
                "primaryKey": ["pilot_id"],
                "fields": [
                    {"name": "pilot_id", "title": "Id", "privacy": "public", "constraints": {"required": True}},
                    {
                        "name": "pilot_name",
                        "title": "Name",
                        "privacy": "public",
                        "constraints": {"required": True},
                    },
                    {
                        "name": "description",
                        "title": "Text",
                        "privacy": "public",
                        "constraints": {"maxLength": 40},
                    },
                    {"name": "official_name", "title": "Official", "privacy": "public", "screen": False},
                    {"name": "remark", "title": "Remark"},
                    {"name": "contact", "title": "Contact", "privacy": "personal"},
                ],
            }
        ],
    },
    "test",
)
FIELDS = [field.name for field in SOURCE.tables[0].fields]


def staged(path, rows, findings=(), quarantined=(), file="f.xlsx", sheet="Pilots"):
    with duckdb.connect(str(path)) as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in FIELDS)
        columns += ", _file VARCHAR, _sheet VARCHAR, _row BIGINT"
        connection.execute(f"CREATE SCHEMA staged; CREATE TABLE staged.pilots ({columns})")
        for number, row in enumerate(rows, start=2):
            values = [*(row.get(name) for name in FIELDS), file, sheet, number]
            connection.execute("INSERT INTO staged.pilots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        create_findings_tables(connection)
        add_findings(connection, "pilots", findings)
        add_quarantine(connection, "pilots", quarantined)
    return Staged("pilots", "2026-01-01-abc", path, {"pilots": len(rows)})


def good(number, **values):
    return {"pilot_id": f"p-{number}", "pilot_name": "Pilot", "description": "Tried in 2016-2018", **values}


def judged(one, tmp_path):
    with opened(one.path, temporary=tmp_path) as connection:
        checked = check_source(connection, SOURCE, SourceRules(), Before({}))
    with duckdb.connect(str(one.path), read_only=True) as connection:
        kept = connection.execute("SELECT record, row_key FROM main.quarantine ORDER BY row_number").fetchall()
        cells = connection.execute("SELECT row_id, column_name FROM main.held_cells ORDER BY ALL").fetchall()
        told = connection.execute("SELECT * FROM main.findings").fetchall()
        return checked, read_findings(connection, "main.findings"), kept, cells, repr((kept, told))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_hit_in_an_optional_column_holds_the_cell_and_is_not_repeated(tmp_path, secret):
    one = staged(tmp_path / "s.duckdb", [good(1, description=f"Ask {secret}"), *(good(n) for n in range(2, 5))])
    checked, found, kept, cells, told = judged(one, tmp_path)
    (finding,) = [f for f in found if f.rule == RULE]
    assert (finding.severity, finding.column_name, finding.row_number) == (Severity.ERROR, "description", 2)
    assert (finding.value, finding.row_key) == (WITHHELD, '{"pilot_id":"p-1"}')
    assert cells == [(0, "description")]
    assert kept == []
    assert checked.verdict is Verdict.PARTIAL
    assert secret not in told


def test_a_hit_in_a_required_column_holds_the_row_and_its_record_is_withheld_in_part(tmp_path):
    row = good(1, pilot_name=f"Pilot of {SECRETS[0]}", remark=f"call {SECRETS[1]}", contact="Matti")
    one = staged(tmp_path / "s.duckdb", [row, *(good(n) for n in range(2, 5))])
    checked, _, kept, _, told = judged(one, tmp_path)
    ((record, key),) = kept
    assert json.loads(record) == {
        **dict.fromkeys(FIELDS[:-1]),
        **good(1, pilot_name=WITHHELD, remark=WITHHELD),
    }
    assert key == '{"pilot_id":"p-1"}'
    assert checked.accepted == {"pilots": 3}
    assert not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("secret", ["0401234567", "131052-308T"])
@pytest.mark.parametrize("before", ["Call\n", "Call\t", 'Call "', "Call \\"])
def test_a_record_with_what_json_writes_otherwise_is_withheld_too(tmp_path, before, secret):
    row = good(1, pilot_name=f"Pilot of {SECRETS[0]}", remark=f"{before}{secret}")
    lines = [
        QuarantinedRow("pilots", "f.xlsx", "Pilots", 9, json.dumps([f"{before}{secret}", "x"])),
        QuarantinedRow("pilots", "f.xlsx", "Pilots", 10, f"{before}{secret},x"),
    ]
    one = staged(tmp_path / "s.duckdb", [row, *(good(n) for n in range(2, 5))], quarantined=lines)
    _, _, kept, _, told = judged(one, tmp_path)
    assert len(kept) == 3
    assert secret not in told


def test_nothing_is_made_of_a_value_that_is_a_persons(tmp_path):
    source = SOURCE.model_dump(by_alias=True, exclude_none=True)
    source["tables"][0]["fields"][0]["constraints"]["pattern"] = "[a-z0-9]+(-[a-z0-9]+)*"
    source = parse(SourceDeclaration, {**source, "publisher": {"name": "s", "title": "S"}}, "test")
    rows = [good(1, pilot_id=SECRETS[0]), good(2, pilot_id="Smart Bus"), *(good(n) for n in range(3, 6))]
    one = staged(tmp_path / "s.duckdb", rows)
    with opened(one.path, temporary=tmp_path) as connection:
        check_source(connection, source, SourceRules(), Before({}))
    with duckdb.connect(str(one.path), read_only=True) as connection:
        told = repr(connection.execute("SELECT * FROM main.findings").fetchall())
    assert "Write “smart-bus”" in told
    assert "meikalainen" not in told


def test_a_key_that_is_a_persons_is_nowhere(tmp_path):
    one = staged(tmp_path / "s.duckdb", [good(1, pilot_id=SECRETS[2]), *(good(n) for n in range(2, 5))])
    _, found, kept, _, told = judged(one, tmp_path)
    assert [f.row_key for f in found if f.rule == RULE] == [WITHHELD]
    assert [key for _, key in kept] == [None]
    assert SECRETS[2] not in told


def test_what_other_findings_quote_is_withheld_too(tmp_path):
    long = f"{SECRETS[0]} and a text that is longer than forty characters"
    quoted = [
        Finding("not-a-number", Severity.WARNING, f"'{SECRETS[1]}' is no number.", f"Ask {SECRETS[0]}.", "pilots"),
        Finding("unknown-column", Severity.WARNING, "Unknown.", "Declare it.", "pilots", column_name=SECRETS[0]),
        Finding("unread", Severity.WARNING, "Unread.", "Look.", "pilots", value=SECRETS[2], row_key=SECRETS[2]),
    ]
    line = QuarantinedRow("pilots", "f.csv", None, 9, f"p-9,Pilot,{SECRETS[2]}")
    one = staged(
        tmp_path / "s.duckdb", [good(1, description=long), *(good(n) for n in range(2, 6))], quoted, [line]
    )
    _, found, kept, _, told = judged(one, tmp_path)
    assert not [secret for secret in SECRETS if secret in told]
    assert {f.rule for f in found} >= {"not-a-number", "unknown-column", "unread", "length", RULE}
    assert kept == [(WITHHELD, None)]
    again = judged(one, tmp_path)  # a second check finds and withholds the same
    assert again[1:] == (found, kept, *judged(one, tmp_path)[3:])


def test_columns_that_are_not_published_or_stated_by_a_register_are_not_screened(tmp_path):
    row = good(1, remark=SECRETS[0], contact=SECRETS[1], official_name="CALL 0800 123 4567 LTD")
    _, found, _, cells, _ = judged(staged(tmp_path / "s.duckdb", [row]), tmp_path)
    assert (found, cells) == ([], [])


def test_names_of_files_and_sheets_are_withheld_everywhere(tmp_path):
    file, sheet = f"pilots_{SECRETS[0]}.xlsx", f"Tel {SECRETS[1]}"
    quoted = [
        Finding("unread", Severity.ERROR, f"In {file}.", "Look.", "pilots", file, sheet, 3, "description", "x"),
        Finding("shape", Severity.WARNING, f"Sheet {sheet} is odd.", "Look.", "pilots", file, sheet),
    ]
    rows = [QuarantinedRow("pilots", file, sheet, 9, "a line")]
    one = staged(tmp_path / "s.duckdb", [good(n) for n in range(1, 6)], quoted, rows, file, sheet)
    checked, found, _, cells, told = judged(one, tmp_path)
    assert not [secret for secret in SECRETS if secret in told]
    assert {(f.file, f.sheet) for f in found if f.rule != RULE} == {("file 1", "sheet 1")}
    assert sorted(f.message for f in found if f.rule == RULE) == [
        "The name of a file holds personal data (e-mail address); it is called “file 1” here.",
        "The name of a sheet holds personal data (phone number); it is called “sheet 1” here.",
    ]
    assert cells == [(1, "description")]  # findings and rows still meet
    again = judged(one, tmp_path)
    assert (again[0], again[1]) == (checked, found)


def test_a_dataset_whose_text_holds_a_hit_is_held_and_says_which_column(tmp_path):
    dataset = load_catalogue(sources=declarations())["agile-pilots"]
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        ledger.create_ledger(connection)
        columns = ", ".join(f"{field.name} {field.duckdb_type}" for field in dataset.table.fields)
        connection.execute(f"CREATE SCHEMA curated; CREATE TABLE curated.agile_pilots ({columns})")
        connection.execute(
            "INSERT INTO curated.agile_pilots (pilot_id, pilot_name, description) VALUES ('p-1', 'A', ?)",
            [f"Ask {SECRETS[0]}"],
        )
        checked = check_dataset(connection, dataset, DatasetRules(), date(2026, 1, 1), Before({}))
        found = ledger.findings(connection, "agile-pilots", "2026-01-01")
        told = repr(connection.execute("SELECT * FROM ledger.findings").fetchall())
    assert checked.verdict is Verdict.HELD
    assert [f.column_name for f in found if f.rule == RULE] == ["description"]
    assert SECRETS[0] not in told
