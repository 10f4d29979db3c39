"""What checks measure of small generated tables, against a model that looks at every cell in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from checks.rules import DatasetRules, SourceRules
from checks.verdicts import Before, check_dataset, check_source
from warehouse import ledger
from warehouse.declarations import CatalogueEntry, DatasetDeclaration, Severity, SourceDeclaration
from warehouse.findings import Finding, add_findings, create_findings_tables
from warehouse.ledger import SnapshotRecord, Verdict
from warehouse.quality import DimensionsOf, dimensions

FIELDS: list[dict[str, Any]] = [
    {"name": "thing_id", "title": "Id", "constraints": {"pattern": "[A-Z][0-9]+"}},
    {"name": "thing_name", "title": "Name", "constraints": {"required": True}},
    {"name": "kind_code", "title": "Kind", "constraints": {"enum": ["x", "y"]}},
    {"name": "size_count", "type": "integer", "title": "Size", "constraints": {"minimum": 0, "maximum": 10}},
    {"name": "business_id", "title": "Business ID", "constraints": {"check": "business_id_fi"}},
    {"name": "start_date", "type": "date", "title": "Start"},
    {"name": "end_date", "type": "date", "title": "End"},
]
NAMES = [field["name"] for field in FIELDS]
RULE = {
    "id": "ends-after-start",
    "severity": "warning",
    "columns": ["end_date", "start_date"],
    "holds": "end_date >= start_date",
    "message": "It ends before it starts.",
    "help": "Look at both.",
    "source": "test",
}
TABLE: dict[str, Any] = {
    "name": "things",
    "title": "Things",
    "each_row_is_a": "thing",
    "primaryKey": ["thing_id"],
    "fields": FIELDS,
}
UNREADABLE = "?"  # in the place of a number or a date that could not be read
DAY = date(2026, 11, 2)
Row = Mapping[str, Any]


def source(*, about_people: bool = False) -> SourceDeclaration:
    return SourceDeclaration.model_validate(
        {
            "name": "things_source",
            "title": "Things",
            "publisher": {"name": "somebody", "title": "Somebody"},
            "licence": "CC0-1.0",
            "attribution": "Somebody",
            "cadence": "irregular",
            "tables": [{**TABLE, "about_people": about_people}],
        }
    )


RULES = SourceRules.model_validate({"tables": {"things": [RULE]}})
DAYS = st.one_of(st.none(), st.just(UNREADABLE), st.integers(0, 3).map(lambda n: DAY + timedelta(days=n)))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "thing_id": st.sampled_from([None, "A1", "A2", "A3", "B1", "B2", "b", "1"]),
            "thing_name": st.sampled_from([None, "one", "two"]),
            "kind_code": st.sampled_from([None, "x", "y", "z"]),
            "size_count": st.one_of(st.none(), st.just(UNREADABLE), st.integers(-2, 12)),
            "business_id": st.sampled_from([None, "0112038-9", "0112038-8", "2732108-2", "2732108-1"]),
            "start_date": DAYS,
            "end_date": DAYS,
        }
    ),
    max_size=25,
)


def has_right_digit(business_id: str) -> bool:
    """By the register's own rule: weights 7, 9, 10, 5, 8, 4, 2; 11 less the rest."""
    rest = sum(int(one) * weight for one, weight in zip(business_id, (7, 9, 10, 5, 8, 4, 2), strict=False)) % 11
    return rest != 1 and int(business_id[-1]) == (11 - rest) % 11


@dataclass
class Model:
    """The dimensions by looking at every cell."""

    rows: Sequence[Row]

    def filled(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows if row[name] is not None]

    @property
    def completeness(self) -> float:
        cells = [row[name] for row in self.rows for name in ("thing_id", "thing_name")]
        return 1 - cells.count(None) / len(cells)

    @property
    def uniqueness(self) -> float:
        times = Counter(self.filled("thing_id"))
        return 1 - sum(n for n in times.values() if n > 1) / len(self.rows)

    @property
    def consistency(self) -> float:
        broken = 0
        for row in self.rows:
            start, end = row["start_date"], row["end_date"]
            broken += isinstance(start, date) and isinstance(end, date) and end < start
        return (1 + 1 - broken / len(self.rows)) / 2  # the other rule is on the number of rows

    @property
    def validity(self) -> float:
        cells = [(name, value) for name in NAMES for value in self.filled(name)]
        return 1 - sum(not self.is_valid(*cell) for cell in cells) / (len(cells) + len(self.rows))

    @property
    def accuracy(self) -> float | None:
        given = self.filled("business_id")
        return sum(has_right_digit(one) for one in given) / len(given) if given else None

    @staticmethod
    def is_valid(name: str, value: Any) -> bool:
        if value == UNREADABLE:
            return False
        if name == "thing_id":
            return bool(value[0].isupper())
        if name == "size_count":
            return 0 <= value <= 10
        return name != "kind_code" or value in ("x", "y")


def staged(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    """The rows as reading leaves them: what it could not read is empty, and has a finding."""
    declared = source().tables[0]
    columns = ", ".join(f"{field.name} {field.duckdb_type}" for field in declared.fields)
    connection.execute(
        f"CREATE SCHEMA staged; CREATE TABLE staged.things ({columns}, _file VARCHAR, _sheet VARCHAR, _row BIGINT)"
    )
    create_findings_tables(connection)
    found = []
    for number, row in enumerate(rows, start=2):
        values = [None if row[name] == UNREADABLE else row[name] for name in NAMES]
        marks = ", ".join("?" * len(NAMES))
        connection.execute(f"INSERT INTO staged.things VALUES ({marks}, 'f.xlsx', 'Things', {number})", values)
        found += [
            Finding("type", Severity.WARNING, "m", "h", "things", "f.xlsx", "Things", number, name, UNREADABLE)
            for name in NAMES
            if row[name] == UNREADABLE
        ]
    add_findings(connection, "things_source", found)


def measured(rows: Sequence[Row], *, about_people: bool = False, times: int = 1) -> tuple[DimensionsOf, int]:
    """The dimensions of a checked table, by way of the ledger; and how many measures were kept."""
    declared = source(about_people=about_people)
    with duckdb.connect() as connection:
        staged(connection, rows)
        ledger.create_ledger(connection)
        for _ in range(times):
            check_source(connection, declared, RULES, Before({}))
        record = SnapshotRecord("things_source", "s", DAY, "here", "f", Verdict.PASSED, True, "r")
        ledger.record_snapshot(connection, record)
        connection.execute("INSERT INTO ledger.measures BY NAME SELECT 's' AS snapshot_id, * FROM main.measures")
        (kept,) = connection.execute("SELECT count(*) FROM ledger.measures").fetchone() or (0,)
        (found,) = dimensions(connection, "things_source", declared)
        return found, int(kept)


@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.generate))  # to shrink takes minutes
@given(rows=ROWS)
def test_the_dimensions_of_a_source_are_those_of_its_cells(rows: list[Row]) -> None:
    found, _ = measured(rows)
    if not rows:
        assert (found.completeness, found.uniqueness, found.validity) == (None, None, None)
        return
    model = Model(rows)
    for name in ("completeness", "uniqueness", "consistency", "validity", "accuracy"):
        assert getattr(found, name) == pytest.approx(getattr(model, name)), name
    assert found.timeliness is None


GOOD = {
    "thing_id": "A1",
    "thing_name": "one",
    "kind_code": "x",
    "size_count": 1,
    "business_id": "0112038-9",
    "start_date": DAY,
    "end_date": DAY,
}


def test_a_clean_table_is_whole_and_checking_again_measures_the_same() -> None:
    rows = [{**GOOD, "thing_id": f"A{n}"} for n in range(5)]
    found, kept = measured(rows)
    shares = (found.completeness, found.uniqueness, found.consistency, found.validity, found.accuracy)
    assert shares == (1, 1, 1, 1, 1)
    assert measured(rows, times=2) == (found, kept)


def test_of_people_nothing_is_measured() -> None:
    found, kept = measured([GOOD, {**GOOD, "size_count": -1}], about_people=True)
    assert kept == 0
    assert (found.completeness, found.validity) == (None, None)


def test_the_dimensions_of_a_dataset_are_those_of_its_cells() -> None:
    rows = [
        {**GOOD, "thing_id": "A1"},
        {**GOOD, "thing_id": "A1", "size_count": -1},
        {**GOOD, "thing_id": "A2", "kind_code": "z", "size_count": 99, "end_date": DAY - timedelta(days=1)},
        {**GOOD, "thing_id": None, "thing_name": None, "business_id": "0112038-8"},
    ]
    declared = source()
    entry = {
        "name": "things",
        "title": "Things",
        "description": "Things.",
        "each_row_is_a": "thing",
        "publisher": "opendistrict",
        "licence": "CC0-1.0",
        "attribution": "Somebody",
        "keywords": ["things"],
        "theme": "TECH",
        "frequency": "IRREG",
        "primaryKey": ["thing_id"],
        "fields": FIELDS,
    }
    dataset = DatasetDeclaration(CatalogueEntry.model_validate(entry), declared.tables[0])
    with duckdb.connect() as connection:
        ledger.create_ledger(connection)
        staged(connection, rows)
        connection.execute("CREATE SCHEMA curated; CREATE TABLE curated.things AS FROM staged.things")
        rules = DatasetRules.model_validate({"rules": [RULE]})
        for _ in range(2):
            check_dataset(connection, dataset, rules, DAY, Before({}))
        record = ledger.CurationRecord("things", DAY, "", Verdict.HELD, 4, None, "r")
        ledger.record_curation(connection, record)
        (found,) = dimensions(connection, "things", dataset)
    model = Model(rows)
    for name in ("completeness", "uniqueness", "consistency", "validity", "accuracy"):
        assert getattr(found, name) == pytest.approx(getattr(model, name)), name


def test_groups_other_sources_and_freshness_are_judged_as_what_they_are(tmp_path: Path) -> None:
    words = {"message": "m", "help": "h", "source": "test", "severity": "warning"}
    elsewhere = {"source": "register", "table": "companies", "columns": ["business_id"]}
    rules = SourceRules.model_validate(
        {
            "tables": {
                "things": [
                    {"id": "two", "columns": ["kind_code"], "each": ["kind_code"], "measure": "count(*)",
                     "minimum": 2, "when": "size_count > 0", **words},
                    {"id": "known", "columns": ["business_id"], "refers_to": elsewhere, **words},
                    {"id": "fresh", "columns": ["end_date"], "newest_days": 3, **words},
                    {"id": "unasked", "columns": ["size_count"], "drift_pct": 5, **words},
                ]
            }
        }
    )  # fmt: skip
    rows = [
        {**GOOD, "thing_id": f"A{n}", "kind_code": kind, "business_id": number}
        for n, (kind, number) in enumerate(
            [("x", "0112038-9"), ("x", None), ("y", "2732108-2"), (None, "0112038-9")]
        )
    ]
    rows.append({**GOOD, "thing_id": "A9", "kind_code": "y", "size_count": 0})
    companies = tmp_path / "companies.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT '0112038-9' AS business_id) TO '{companies}'")
        staged(connection, rows)
        before = Before({}, day=DAY + timedelta(days=10), elsewhere={"register.companies": companies})
        check_source(connection, source(), rules, before)
        found = connection.execute(
            "SELECT rule, dimension, judged, failed FROM main.measures"
            " WHERE rule IN ('two', 'known', 'fresh', 'unasked') ORDER BY rule"
        ).fetchall()
    assert found == [
        ("fresh", "timeliness", 1, 1),
        ("known", "accuracy", 4, 1),
        ("two", "consistency", 2, 1),
    ]
