"""Loading through dlt: what is declared arrives as declared, and a failed load leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sources import Reading, SourceError, SqlTable
from sources.loading import columns_of, fingerprint, stage
from warehouse.archive import Archive, Snapshot
from warehouse.declarations import Severity, SourceDeclaration, parse
from warehouse.findings import Finding, QuarantinedRow
from warehouse.home import Home
from warehouse.staging import staging_path

TYPES = {
    "code": {"type": "string"},
    "people": {"type": "integer"},
    "share": {"type": "number"},
    "grant_eur": {"type": "number", "decimals": 2},
    "is_open": {"type": "boolean"},
    "start_date": {"type": "date"},
    "seen_at": {"type": "datetime"},
    "year": {"type": "year"},
    "secret": {"type": "string", "privacy": "personal"},
}


def declared(name: str = "things", tables: tuple[str, ...] = ("things", "others")) -> SourceDeclaration:
    fields = [{"name": field, "title": field.title(), **kind} for field, kind in TYPES.items()]
    return parse(
        SourceDeclaration,
        {
            "name": name,
            "title": name,
            "publisher": {"name": "nobody", "title": "Nobody"},
            "licence": "CC0-1.0",
            "attribution": "Nobody",
            "cadence": "irregular",
            "tables": [
                {
                    "name": table,
                    "title": table.title(),
                    "each_row_is_a": "thing",
                    "primaryKey": ["code"],
                    "fields": fields,
                }
                for table in tables
            ],
        },
        "test",
    )


ROW = {
    "code": "007",
    "people": 5,
    "share": 0.5,
    "grant_eur": Decimal("10.25"),
    "is_open": True,
    "start_date": date(2026, 1, 31),
    "seen_at": datetime(2026, 1, 31, 23, 59, 59),
    "year": 2026,
    "secret": "someone",
    "_file": "in.csv",
    "_sheet": None,
    "_row": 2,
}


def arrow(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows]) for name in ROW})


def query(declaration: SourceDeclaration, rows: int = 1000, code: str = "lpad(i::VARCHAR, 5, '0')") -> str:
    nulls = {name: f"CAST(NULL AS {kind})" for name, kind in columns_of(declaration.tables[0]).items()}
    given = nulls | {"code": code, "people": "i", "_file": "'in.csv'", "_row": "i + 2"}
    columns = ", ".join(f'{value} AS "{name}"' for name, value in given.items())
    return f"SELECT {columns} FROM range({rows}) AS t(i)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def snapshot_of(home: Home, name: str = "things", content: str = "raw", file: str = "in.csv") -> Snapshot:
    with home.workspace("test") as workspace:
        built = workspace / "files"
        built.mkdir()
        (built / file).write_text(content)
        return Archive(home, name).keep(built, [file], day=date(2026, 1, 1), origin="test")


def rows_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_both_ways_in_give_the_declared_types_and_order(home: Home) -> None:
    declaration = declared()

    def read(*_: Any) -> Reading:
        return Reading({"things": SqlTable(query(declaration)), "others": arrow(ROW, {**ROW, "code": "008"})})

    staged = stage(declaration, snapshot_of(home), home, read)
    assert staged.rows == {"things": 1000, "others": 2}
    assert staged.path == staging_path(home, snapshot_of(home))
    expected = list(columns_of(declaration.tables[0]).items())
    assert [kind for _, kind in expected] == [
        "VARCHAR", "BIGINT", "DOUBLE", "DECIMAL(18,2)", "BOOLEAN", "DATE", "TIMESTAMP", "SMALLINT", "VARCHAR",
        "VARCHAR", "VARCHAR", "BIGINT",
    ]  # fmt: skip
    for table in ("things", "others"):
        found = rows_of(staged.path, f"DESCRIBE staged.{table}")
        assert [(row[0], row[1]) for row in found] == expected
    assert rows_of(staged.path, "FROM staged.others LIMIT 1") == [tuple(ROW.values())]
    assert rows_of(staged.path, "SELECT code, _row FROM staged.things WHERE people = 999") == [("00999", 1001)]


def test_a_missing_table_is_critical_and_empty(home: Home) -> None:
    staged = stage(declared(), snapshot_of(home), home, lambda *_: Reading({"things": arrow(ROW)}))
    assert staged.rows == {"things": 1, "others": 0}
    assert rows_of(staged.path, "SELECT table_name, severity, rule FROM findings") == [
        ("others", "critical", "missing-table")
    ]
    assert rows_of(staged.path, "SELECT count(*) FROM staged.others") == [(0,)]


def test_an_empty_or_all_null_arrow_table_takes_the_declared_types(home: Home) -> None:
    nothing = {name: pa.nulls(1) for name in ROW}

    def read(*_: Any) -> Reading:
        return Reading({"things": pa.table(nothing), "others": pa.table(nothing).slice(0, 0)})

    assert stage(declared(), snapshot_of(home), home, read).rows == {"things": 1, "others": 0}


def test_what_could_not_be_read_stands_beside_the_tables(home: Home) -> None:
    finding = Finding("rule", Severity.ERROR, "wrong", "mend it", "things", "in.csv", None, 7, "code", "x")
    row = QuarantinedRow("things", "in.csv", None, 7, '{"code": "x"}')

    def read(*_: Any) -> Reading:
        return Reading({"things": arrow(ROW), "others": arrow(ROW)}, [finding], [row])

    path = stage(declared(), snapshot_of(home), home, read).path
    assert rows_of(path, "SELECT subject, rule, row_number FROM findings") == [("things", "rule", 7)]
    assert rows_of(path, "SELECT table_name, record FROM quarantine") == [("things", '{"code": "x"}')]


def test_a_staging_file_is_used_again_until_something_it_depends_on_changes(home: Home) -> None:
    calls = []

    def read(*_: Any) -> Reading:
        calls.append(1)
        return Reading({"things": arrow(ROW), "others": arrow(ROW)})

    declaration, snapshot = declared(), snapshot_of(home)
    first = stage(declaration, snapshot, home, read)
    assert stage(declaration, snapshot, home, read) == first
    assert len(calls) == 1
    changed = declaration.model_copy(update={"title": "Other"})
    assert fingerprint(changed, read) != fingerprint(declaration, read)
    stage(changed, snapshot, home, read)
    assert len(calls) == 2
    first.path.write_bytes(b"half a file")
    assert stage(changed, snapshot, home, read).rows == first.rows
    assert len(calls) == 3


def test_a_failed_load_says_why_keeps_the_old_file_and_spoils_no_later_one(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    declaration, snapshot = declared(), snapshot_of(home)
    good = lambda *_: Reading({"things": arrow(ROW), "others": arrow(ROW)})  # noqa: E731
    path = stage(declaration, snapshot, home, good).path
    before = path.read_bytes()
    changed = declaration.model_copy(update={"title": "Other"})
    broken = SqlTable(query(declaration, code="CAST(CAST('hunter2' AS BIGINT) AS VARCHAR)"))
    bad = Reading({"things": broken, "others": arrow(ROW)})
    with pytest.raises(SourceError, match=r"things: dlt could not load.*Conversion Error") as caught:
        stage(changed, snapshot, home, lambda *_: bad)
    assert path.read_bytes() == before
    assert list(home.temporary.iterdir()) == []
    assert "hunter2" not in str(caught.value) + "".join(capfd.readouterr())
    assert stage(changed, snapshot, home, good).rows == {"things": 1, "others": 1}


def test_a_refused_or_miscounted_query_falls_back(home: Home) -> None:
    declaration, snapshot = declared(), snapshot_of(home)

    def carefully() -> Reading:
        return Reading({"things": arrow(ROW), "others": arrow(ROW)}, [Finding("slow", Severity.INFO, "m", "h")])

    for title, quick in (
        ("refused", SqlTable(query(declaration, code="CAST(CAST('x' AS BIGINT) AS VARCHAR)"), 1000, carefully)),
        ("miscounted", SqlTable(query(declaration), 1001, carefully)),
    ):
        changed = declaration.model_copy(update={"title": title})
        given = Reading({"things": quick, "others": arrow(ROW)})
        staged = stage(changed, snapshot, home, lambda *_, given=given: given)
        assert staged.rows["things"] == 1
        assert rows_of(staged.path, "SELECT rule FROM findings") == [("slow",)]
    counted = Reading({"things": SqlTable(query(declaration), 1001), "others": arrow(ROW)})
    with pytest.raises(SourceError, match="1,000 rows where"):
        stage(declaration, snapshot, home, lambda *_: counted)


def test_rows_are_numbered_in_each_file_when_the_query_leaves_it_to_the_loader(home: Home, tmp_path: Path) -> None:
    declaration = declared(tables=("things",))
    parts = []
    for part, rows in enumerate((300_000, 200_000)):
        path = tmp_path / f"{part}.csv"
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT i + 2 AS i FROM range({rows}) AS t(i)) TO '{path}' (FORMAT csv)")
        columns = {name: f"CAST(NULL AS {kind})" for name, kind in columns_of(declaration.tables[0]).items()}
        columns |= {"people": "i", "_file": f"'{part}'"}
        listed = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
        parts.append(f"SELECT {listed} FROM read_csv('{path}', header = true, columns = {{'i': 'BIGINT'}})")
    names = ", ".join(f'"{name}"' for name in columns_of(declaration.tables[0]))
    given = SqlTable(f"SELECT {names} FROM ({' UNION ALL '.join(parts)}) AS p", rows=500_000, number_rows=True)
    staged = stage(declaration, snapshot_of(home), home, lambda *_: Reading({"things": given}))
    wrong = rows_of(staged.path, "SELECT count(*) FROM staged.things WHERE _row IS DISTINCT FROM people")
    assert (staged.rows["things"], wrong) == (500_000, [(0,)])


def test_faults_of_a_reader_are_told_apart_from_those_of_a_file(home: Home) -> None:
    snapshot = snapshot_of(home)
    with pytest.raises(ValueError, match="undeclared tables: nonsense"):
        stage(declared(), snapshot, home, lambda *_: Reading({"nonsense": arrow(ROW)}))
    more = arrow(ROW).append_column("extra", pa.array([1]))
    with pytest.raises(ValueError, match="differ in extra"):
        stage(declared(), snapshot, home, lambda *_: Reading({"things": more}))


def test_two_sources_load_side_by_side(home: Home) -> None:
    names = [f"source_{number}" for number in range(4)]
    snapshots = {name: snapshot_of(home, name, name) for name in names}

    def load(name: str) -> Mapping[str, int]:
        declaration = declared(name)
        rows = 1000 + int(name[-1])

        def read(*_: Any) -> Reading:
            code = "CAST(CAST('x' AS BIGINT) AS VARCHAR)" if name == "source_3" else f"'{name}'"
            return Reading(
                {"things": SqlTable(query(declaration, rows, code)), "others": arrow({**ROW, "code": name})}
            )

        return stage(declaration, snapshots[name], home, read).rows

    with ThreadPoolExecutor(4) as pool:
        futures = {name: pool.submit(load, name) for name in names}
    for number, name in enumerate(names[:3]):
        assert futures[name].result() == {"things": 1000 + number, "others": 1}
        path = staging_path(home, snapshots[name])
        assert rows_of(path, "SELECT DISTINCT code FROM staged.things UNION SELECT code FROM staged.others") == [
            (name,)
        ]
    assert isinstance(futures["source_3"].exception(), SourceError)


@pytest.fixture
def bare_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


def test_nothing_is_printed_and_nothing_left_outside(
    home: Home, bare_home_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stage(declared(), snapshot_of(home), home, lambda *_: Reading({"things": arrow(ROW), "others": arrow(ROW)}))
    assert "".join(capfd.readouterr()) == ""
    assert list(bare_home_folder.rglob("*")) == []
    assert list(home.temporary.iterdir()) == []
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"


def test_a_file_that_is_called_otherwise_has_a_finding(home: Home) -> None:
    snapshot = snapshot_of(home, file="name-withheld-1.csv")
    staged = stage(declared(), snapshot, home, lambda *_: Reading({"things": arrow(ROW), "others": arrow(ROW)}))
    found = rows_of(staged.path, "SELECT rule, severity, file FROM main.findings")
    assert found == [("personal-data", "warning", "name-withheld-1.csv")]
