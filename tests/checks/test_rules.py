"""Rules as people rely on them: each finds its bad rows, all of them, and no other."""

import json
from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules import (
    compile_rules,
    load_dataset_rules,
    load_source_rules,
    row_columns,
    rules_of_datasets,
    rules_of_sources,
)
from checks.rules.demands import Code, Condition, Key, Pattern, Range, Required, RowCount
from checks.verdicts import Before, check_source
from warehouse.database import opened
from warehouse.declarations import DeclarationError, Severity, SourceDeclaration, parse
from warehouse.findings import (
    WITHHELD,
    Finding,
    QuarantinedRow,
    add_findings,
    add_quarantine,
    create_findings_tables,
)
from warehouse.identifiers import business_id_holds
from warehouse.ledger import Verdict, read_findings
from warehouse.staging import Staged

SOURCE = parse(
    SourceDeclaration,
    {
        "name": "agile_pilots",
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
                    {"name": "pilot_id", "title": "Id", "privacy": "public"},
                    {"name": "theme_code", "title": "Theme", "constraints": {"codeList": "themes"}},
                    {"name": "programme", "title": "Programme"},
                    {"name": "round_id", "title": "Round"},
                    {"name": "organisation", "title": "Company"},
                    {"name": "start_date", "type": "date", "title": "Starts"},
                    {"name": "end_date", "type": "date", "title": "Ends"},
                    {"name": "date_precision_code", "title": "Precision"},
                    {"name": "actual_end_date", "type": "date", "title": "Really ended"},
                    {
                        "name": "grant_eur",
                        "type": "number",
                        "decimals": 2,
                        "title": "Grant",
                        "unit": "EUR",
                        "constraints": {"minimum": 0},
                    },
                    {
                        "name": "contact_email",
                        "title": "E-mail",
                        "privacy": "personal",
                        "severity": "warning",
                        "constraints": {"pattern": "[^@]+@[^@]+"},
                    },
                ],
            }
        ],
    },
    "test",
)
COLUMNS = [field.name for field in SOURCE.tables[0].fields]
GOOD = {
    "theme_code": "mobility",
    "programme": "Smart Kalasatama Agile Piloting",
    "start_date": date(2018, 1, 1),
    "end_date": date(2018, 6, 30),
    "grant_eur": 8000,
    "contact_email": "desk@example.org",
}


def staged(path, rows, findings=(), quarantined=()):
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA staged")
        columns = ", ".join(f"{f.name} {f.duckdb_type}" for f in SOURCE.tables[0].fields)
        connection.execute(f"CREATE TABLE staged.pilots ({columns}, _file VARCHAR, _sheet VARCHAR, _row BIGINT)")
        for number, row in enumerate(rows, start=2):
            values = [row.get(name) for name in COLUMNS]
            connection.execute(
                f"INSERT INTO staged.pilots VALUES ({'?, ' * len(COLUMNS)} 'f.xlsx', 'Pilots', {number})", values
            )
        create_findings_tables(connection)
        add_findings(connection, "agile_pilots", findings)
        add_quarantine(connection, "agile_pilots", quarantined)
    return Staged("agile_pilots", "s", path, {"pilots": len(rows)})


def check(tmp_path, rows, previous=None, **more):
    given_staged = staged(tmp_path / "snapshot.duckdb", rows, **more)
    before = Before({"pilots": previous} if previous else {})
    with opened(given_staged.path, temporary=tmp_path) as connection:
        checked = check_source(connection, SOURCE, load_source_rules("agile_pilots"), before)
    with duckdb.connect(str(given_staged.path)) as connection:
        found = read_findings(connection, "main.findings")
        kept = connection.execute("SELECT row_number, record FROM main.quarantine ORDER BY ALL").fetchall()
    return checked, found, kept


def held_cells(tmp_path):
    """The cells that are to be emptied, as row number and column."""
    with duckdb.connect(str(tmp_path / "snapshot.duckdb")) as connection:
        return connection.execute(
            "SELECT _row, column_name FROM main.held_cells JOIN staged.pilots AS s ON s.rowid = row_id"
            " ORDER BY ALL"
        ).fetchall()


def rows_with(*changes):
    return [{**GOOD, "pilot_id": f"p{number}", **change} for number, change in enumerate(changes)]


@pytest.mark.parametrize(
    ("change", "rule", "column", "severity"),
    [
        ({"theme_code": "blockchain"}, "code", "theme_code", "error"),
        ({"end_date": date(2017, 12, 31)}, "ends-after-start", "end_date", "error"),
        ({"end_date": date(2018, 7, 2)}, "at-most-six-months", "end_date", "error"),
        ({"grant_eur": -1}, "range", "grant_eur", "error"),
        ({"grant_eur": 999.99}, "usual-grant", "grant_eur", "warning"),
        ({"grant_eur": 10000.01}, "usual-grant", "grant_eur", "warning"),
        ({"grant_eur": 60000}, "below-procurement-threshold", "grant_eur", "error"),
        ({"pilot_id": None}, "required", "pilot_id", "error"),
        ({"pilot_id": "p0"}, "unique", "pilot_id", "error"),
        ({"contact_email": "nobody"}, "pattern", "contact_email", "warning"),
    ],
)
def test_each_rule_finds_its_cell(tmp_path, change, rule, column, severity):
    checked, found, kept = check(tmp_path, rows_with({}, {}, change, {}, {}))
    hit = [one for one in found if one.rule == rule]
    assert 4 in {one.row_number for one in hit}
    assert {(one.column_name, str(one.severity), one.file, one.sheet) for one in hit} == {
        (column, severity, "f.xlsx", "Pilots")
    }
    assert all(one.message and one.help for one in found)
    is_held = severity == "error" and column == "theme_code"  # optional, and no rule of the row depends on it
    assert held_cells(tmp_path) == ([(4, "theme_code")] if is_held else [])
    assert (4 in {row for row, _ in kept}) is (severity == "error" and not is_held)
    assert checked.verdict is (Verdict.PARTIAL if severity == "error" else Verdict.PASSED)


@pytest.mark.parametrize(
    "change",
    [
        {"grant_eur": 0},
        {"grant_eur": 5000},
        {"grant_eur": 10000},
        {"grant_eur": None},
        {"end_date": date(2018, 7, 1)},  # six months to the day
        {"end_date": date(2018, 1, 1)},
        {"end_date": date(2018, 12, 31), "date_precision_code": "year"},
        {"start_date": None, "end_date": None},
        {"theme_code": None},
    ],
)
def test_what_is_allowed_or_unknown_is_no_finding(tmp_path, change):
    checked, found, _ = check(tmp_path, rows_with({}, change))
    assert (checked.verdict, found) == (Verdict.PASSED, [])


@pytest.mark.parametrize(("start", "is_found"), [(date(2016, 12, 31), True), (date(2017, 1, 1), False)])
def test_a_dated_rule_judges_the_rows_of_its_time(tmp_path, start, is_found):
    rows = rows_with({"start_date": start, "end_date": None, "grant_eur": 40000})
    _, found, _ = check(tmp_path, rows)
    assert ("below-procurement-threshold-2016" in {one.rule for one in found}) is is_found


def test_personal_values_stand_in_neither_findings_nor_quarantine(tmp_path):
    _, found, kept = check(tmp_path, rows_with({}, {"contact_email": "Ann Other", "grant_eur": -1}))
    assert [one.value for one in found if one.column_name == "contact_email"] == [WITHHELD]
    ((_, record),) = kept
    assert json.loads(record)["grant_eur"] == -1
    assert "Ann Other" not in record
    assert "contact_email" not in record


def test_a_cell_that_could_not_be_read_is_not_also_missing(tmp_path):
    unread = Finding(
        "type", Severity.ERROR, "no id", "write one", "pilots", "f.xlsx", "Pilots", 3, "pilot_id", "?"
    )
    _, found, kept = check(tmp_path, rows_with({}, {"pilot_id": None}), findings=[unread])
    assert [one.rule for one in found] == ["type"]
    assert [row for row, _ in kept] == [3]


def test_checking_again_gives_the_same(tmp_path):
    lost = QuarantinedRow("pilots", "f.xlsx", "Pilots", 9, "{}")
    checked, found, kept = check(
        tmp_path, rows_with({}, {"grant_eur": -1}, {"theme_code": "x"}), quarantined=[lost]
    )
    cells = held_cells(tmp_path)
    with opened(tmp_path / "snapshot.duckdb", temporary=tmp_path) as connection:
        again = check_source(connection, SOURCE, load_source_rules("agile_pilots"), Before({}))
    with duckdb.connect(str(tmp_path / "snapshot.duckdb")) as connection:
        assert read_findings(connection, "main.findings") == found
        assert len(connection.execute("FROM main.quarantine").fetchall()) == len(kept) == 2
    assert again == checked
    assert held_cells(tmp_path) == cells == [(4, "theme_code")]


def test_an_empty_table_is_held_and_that_is_said_once(tmp_path):
    checked, found, _ = check(tmp_path, [])
    assert checked.verdict is Verdict.HELD
    assert [one.rule for one in found] == ["row-count"]


def test_what_reading_says_of_the_table_has_no_echo(tmp_path):
    unread = Finding("missing-column", Severity.CRITICAL, "no Id", "add it", "pilots", column_name="pilot_id")
    rows = rows_with(*[{"pilot_id": None, "start_date": None}] * 3)
    checked, found, _ = check(tmp_path, rows, previous=100, findings=[unread])
    assert checked.verdict is Verdict.HELD
    assert [one.rule for one in found] == ["missing-column"]


@pytest.mark.parametrize(("good", "verdict"), [(0, "held"), (1, "held"), (2, "partial")])
def test_where_most_rows_are_refused_the_rest_is_not_trusted_either(tmp_path, good, verdict):
    checked, found, _ = check(tmp_path, rows_with({"grant_eur": -1}, {"grant_eur": -2}, *[{}] * good))
    assert checked.verdict == verdict
    critical = [one.rule for one in found if one.severity is Severity.CRITICAL]
    assert critical == (["mostly-refused"] if verdict == "held" else [])


def test_a_line_that_never_became_a_row_counts_as_refused(tmp_path):
    lines = [QuarantinedRow("pilots", "f.csv", None, number, "x") for number in range(100, 103)]
    checked, _, _ = check(tmp_path, rows_with({}, {}), quarantined=lines)
    assert checked.verdict is Verdict.HELD


def unreadable(row, column):
    return Finding("type", Severity.ERROR, "no date", "write one", "pilots", "f.xlsx", "Pilots", row, column, "?")


def test_where_most_of_an_optional_column_is_unreadable_the_column_is_emptied(tmp_path):
    rows = rows_with({"theme_code": None}, {"theme_code": None}, {}, *[{"theme_code": None}] * 9)
    checked, found, kept = check(
        tmp_path, rows, findings=[unreadable(2, "theme_code"), unreadable(3, "theme_code")]
    )
    assert (checked.verdict, kept) == (Verdict.PARTIAL, [])
    assert held_cells(tmp_path) == [(2, "theme_code"), (3, "theme_code"), (4, "theme_code")]
    assert "2 of 3" in next(one.message for one in found if one.rule == "mostly-unreadable")


def test_where_most_of_a_column_that_costs_the_row_is_unreadable_its_other_rows_are_held(tmp_path):
    rows = rows_with({"end_date": None}, {"end_date": None}, {}, *[{"end_date": None}] * 9)
    _, _, kept = check(tmp_path, rows, findings=[unreadable(2, "end_date"), unreadable(3, "end_date")])
    assert [row for row, _ in kept] == [2, 3, 4]


def test_a_row_whose_key_is_itself_wrong_is_nobodys(tmp_path):
    wrong = Finding(
        "pattern", Severity.ERROR, "no id", "write one", "pilots", "f.xlsx", "Pilots", 3, "pilot_id", "p1"
    )
    check(tmp_path, rows_with({}, {}, {"grant_eur": -1}, {}, {}, {"pilot_id": "p4"}, {}), findings=[wrong])
    with duckdb.connect(str(tmp_path / "snapshot.duckdb")) as connection:
        keys = connection.execute("SELECT row_number, row_key FROM main.quarantine ORDER BY ALL").fetchall()
    assert keys == [
        (3, None),
        (4, '{"pilot_id":"p2"}'),
        (6, '{"pilot_id":"p4"}'),
        (7, '{"pilot_id":"p4"}'),
    ]


def test_refused_rows_are_not_shrinkage(tmp_path):
    rows = rows_with(*[{}] * 25, *[{"grant_eur": -1}] * 20)
    checked, _, _ = check(tmp_path, rows, previous=50)
    assert checked.verdict is Verdict.PARTIAL


@pytest.mark.parametrize(("previous", "verdict"), [(12, "passed"), (50, "passed"), (51, "held"), (400, "held")])
def test_a_table_that_shrank_by_more_than_a_fifth_is_held(tmp_path, previous, verdict):
    checked, _, _ = check(tmp_path, rows_with(*[{}] * 40), previous=previous)
    assert checked.verdict == verdict


def test_finding_ids_stay_the_same_when_rows_move(tmp_path):
    def ids(folder, rows):
        folder.mkdir()
        check(folder, rows)
        with duckdb.connect(str(folder / "snapshot.duckdb")) as connection:
            return {row[0] for row in connection.execute("SELECT finding_id FROM findings").fetchall()}

    rows = rows_with({}, {}, {"theme_code": "x"}, {"grant_eur": 1})
    assert ids(tmp_path / "a", rows) == ids(tmp_path / "b", list(reversed(rows)))


def check_digit(seven):
    remainder = sum(int(d) * w for d, w in zip(seven, (7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {0: 0, 1: None}.get(remainder, 11 - remainder)


@given(st.lists(st.tuples(st.from_regex(r"[0-9]{7}", fullmatch=True), st.integers(0, 9)), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_the_finnish_check_digit(numbers):
    with duckdb.connect() as connection:
        for seven, digit in numbers:
            sql = f"SELECT {business_id_holds('x')} FROM (SELECT ? AS x)"
            (holds,) = connection.execute(sql, [f"{seven}-{digit}"]).fetchone()
            assert holds is (check_digit(seven) == digit)


def test_the_check_digit_of_a_real_company_and_of_none():
    with duckdb.connect() as connection:
        sql = (
            f"SELECT {business_id_holds('x')} FROM (VALUES ('2170029-2'), ('2170029-3'), ('rubbish'), (NULL)) t(x)"
        )
        assert [row[0] for row in connection.execute(sql).fetchall()] == [True, False, False, None]


def test_every_rules_file_fits_the_declared_columns():
    import sources

    for source in sources.declarations().values():
        rules = load_source_rules(source.name)
        for table, written in rules.tables.items():
            names = {field.name for field in source.table(table).fields}
            for rule in written:
                read = {*rule.columns, *filter(None, (rule.dated_by, rule.programme_in))}
                assert read <= names, rule.id
            assert compile_rules(source.table(table), written)


WRITTEN = """
    - id: nobody
      severity: error
      columns: [pilot_id]
      holds: pilot_id <> 'p0'
      message: It is nobody.
      help: Find out.
      source: A test.
"""


def test_a_rules_file_is_of_a_source_or_of_a_dataset(tmp_path):
    (tmp_path / "agile_pilots.yaml").write_text(f"tables:\n  pilots:{WRITTEN}")
    declared = {"agile_pilots": SOURCE}
    assert [rule.id for rule in rules_of_sources(declared, tmp_path)["agile_pilots"].on(SOURCE.tables[0])] == [
        "nobody"
    ]
    with pytest.raises(DeclarationError, match="tables"):
        load_dataset_rules("agile_pilots", tmp_path)
    (tmp_path / "agile_pilots.yaml").write_text(f"rules:{WRITTEN}")
    assert [rule.id for rule in load_dataset_rules("agile_pilots", tmp_path).rules] == ["nobody"]
    with pytest.raises(DeclarationError, match="rules"):
        load_source_rules("agile_pilots", tmp_path)


@pytest.mark.parametrize(
    ("content", "name"), [("tables: {}", "agile_pilot"), ("tables: {pilot: []}", "agile_pilots")]
)
def test_rules_that_would_be_applied_to_nothing_are_an_error(tmp_path, content, name):
    (tmp_path / f"{name}.yaml").write_text(content)
    with pytest.raises(DeclarationError, match=rf"{name}\.yaml: .*(no source agile_pilot|no table pilot)"):
        rules_of_sources({"agile_pilots": SOURCE}, tmp_path)
    if name == "agile_pilot":
        with pytest.raises(DeclarationError, match="no dataset agile_pilot"):
            rules_of_datasets({}, tmp_path)


def test_a_rule_says_what_it_demands():
    rules = compile_rules(SOURCE.tables[0], load_source_rules("agile_pilots").tables["pilots"][:1])
    row_count, key, code, grant, email, unique, written = (rule.demand for rule in rules)
    assert (row_count, key, unique) == (RowCount(1, None), Required(), Key())
    assert isinstance(code, Code)
    assert "mobility" in code.allowed
    assert (grant, email) == (Range(0, None, "EUR"), Pattern("[^@]+@[^@]+"))
    assert isinstance(written, Condition)
    assert [rule.is_about_rows for rule in rules] == [False, True, True, True, True, True, True]
    assert row_columns(rules) == {"pilot_id", "start_date", "end_date"}
