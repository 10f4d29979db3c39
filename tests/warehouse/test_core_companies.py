"""core.companies: the newer word of the monthly file and the API, whatever the order in which they are loaded."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sources import declarations
from sources.loading import arrow_schema
from warehouse import reference
from warehouse.archive import Snapshot
from warehouse.curate import load_model
from warehouse.findings import create_findings_tables, key_text
from warehouse.history import create_history, create_views, promote
from warehouse.ledger import SnapshotRecord, Verdict

FILE, API = "companies_house", "companies_house_api"
DECLARED = declarations()
FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=10 * n) for n in range(9)]
NUMBERS = [f"0000000{n}" for n in range(5)]
AREAS = {"E1", "N1"}
MODELS = [load_model("core/district_companies")]

# What the file and the API call the same, written down once more: nothing here reads the code lists.
STATUSES = {
    "active": ["Active"],
    "liquidation": ["Liquidation"],
    "administration": ["In Administration", "ADMINISTRATION ORDER"],
}
KINDS = {"small": "SMALL", "micro-entity": "MICRO ENTITY"}


class Register:
    """A warehouse in memory that takes in snapshots of both sources."""

    def __init__(self):
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("ATTACH ':memory:' AS staging; CREATE SCHEMA staging.staged; USE staging")
        create_findings_tables(self.connection)
        self.connection.execute("USE memory")
        self.loads = {FILE: {}, API: {}}
        reference.create_reference_tables(self.connection, FIRST)
        self.connection.execute("CREATE SCHEMA core")
        for source in self.loads:
            create_history(self.connection, DECLARED[source])

    def take(self, source, day, tables, refused=()):
        """A snapshot: rows by table; the numbers of the refused ones among the first table's."""
        self.connection.execute("DELETE FROM staging.main.quarantine")
        loads = {}
        for table in DECLARED[source].tables:
            rows = [
                {**row, "_file": "f", "_sheet": None, "_row": number}
                for number, row in enumerate(tables.get(table.name, ()), start=2)
            ]
            self.connection.register("given", pa.Table.from_pylist(rows, schema=arrow_schema(table)))
            self.connection.execute(f"CREATE OR REPLACE TABLE staging.staged.{table.name} AS SELECT * FROM given")
            for row in rows:
                if table is DECLARED[source].tables[0] and row["company_number"] in refused:
                    key = key_text({"company_number": row["company_number"]})
                    self.connection.execute(
                        "INSERT INTO staging.main.quarantine VALUES (?, ?, 'f', NULL, ?, '{}', ?)",
                        [source, table.name, row["_row"], key],
                    )
            others = {on: load[table.name] for on, load in self.loads[source].items()}
            snapshot = Snapshot(source, day, "f", (), Path())
            loads[table.name] = promote(self.connection, "staging", table, snapshot, others)
        self.loads[source][day] = loads

    def show(self, as_of):
        """Make what models read, as known at a date."""
        for source, loads in self.loads.items():
            records = [
                SnapshotRecord(source, f"{day}", day, "f", "", Verdict.PASSED, True, "r", tables)
                for day, tables in loads.items()
            ]
            create_views(self.connection, DECLARED[source], records, as_of)
        for model in (*MODELS[0].core, MODELS[0]):
            self.connection.execute(f"CREATE OR REPLACE VIEW core.{model.name} AS {model.sql}")

    def rows(self, relation, columns):
        found = self.connection.execute(f"SELECT {', '.join(columns)} FROM {relation} ORDER BY ALL").fetchall()
        return {row[0]: dict(zip(columns, row, strict=True)) for row in found}


@dataclass(frozen=True)
class State:
    """What is said of a company."""

    name: str
    status: str  # a code of the API
    word: int  # which of the file's words for it
    postcode: str
    made_up: date
    kind: str

    def in_file(self, number):
        words = STATUSES[self.status]
        return {
            "company_number": number,
            "company_name": self.name,
            "company_status": words[self.word % len(words)],
            "company_category": "Private Limited Company",
            "postcode": self.postcode.replace(" ", "   ") if self.word else self.postcode,
            "sic_text_1": "62012 - Business and domestic software development",
            "incorporation_date": FIRST,
            "country_of_origin": "United Kingdom",
            "accounts_last_made_up_date": self.made_up,
            "accounts_category": None if self.kind == "micro-entity" else KINDS[self.kind],
        }

    def in_api(self, number, kind):
        said = {
            "company_number": number,
            "company_name": self.name,
            "company_status_code": self.status,
            "company_type_code": "ltd",
            "postcode": self.postcode,
            "sic_code_1": "62012",
            "incorporation_date": FIRST,
            "has_ended": False,
        }
        more = {
            "jurisdiction": "england-wales",
            "accounts_last_made_up_date": self.made_up,
            "accounts_category_code": self.kind,
        }
        return said | (more if kind == "record" else {})


@dataclass
class Story:
    """What was said when: by the file, by records and by searches. None: that a company is gone."""

    files: dict[date, dict[str, State]] = field(default_factory=dict)
    records: dict[date, dict[str, State | str | None]] = field(default_factory=dict)
    searches: dict[date, dict[str, State | None]] = field(default_factory=dict)

    @staticmethod
    def of(chance):
        """A story by chance: people rename, move out of the district and into it, end and come again."""

        def state():
            return State(
                chance.choice(["ALPHA LTD", "BETA LTD"]),
                chance.choice(list(STATUSES)),
                chance.randrange(2),
                chance.choice(["E1 6AA", "N1 7AA", "SE1 1AA"]),
                chance.choice([date(2025, 1, 1), date(2025, 7, 1)]),
                chance.choice(list(KINDS)),
            )

        def some(share, *others):
            """Some companies, each with a state; ``others`` are what else may be said."""
            asked = [number for number in NUMBERS if chance.random() < share]
            return {number: chance.choice([state(), state(), *others]) for number in asked}

        story = Story()
        for day in DAYS:
            if chance.random() < 0.5:
                story.files[day] = some(0.6)
            if chance.random() < 0.7:
                story.records[day] = some(0.4, None, "unknown")
                story.searches[day] = some(0.2, None)
        return story

    def load(self, register, chance):
        """Into a warehouse, in any order."""
        snapshots = [(FILE, day) for day in self.files] + [(API, day) for day in self.records]
        for source, day in chance.sample(snapshots, len(snapshots)):
            if source == FILE:
                tables = {"companies": [state.in_file(n) for n, state in self.files[day].items()]}
            else:
                tables = {
                    "companies": [_record(n, said) for n, said in self.records[day].items() if said != "unknown"],
                    "answers": [
                        {
                            "company_number": n,
                            "answered_date": day,
                            "answer_code": "ended" if said is None else said if said == "unknown" else "known",
                        }
                        for n, said in self.records[day].items()
                    ],
                    "found": [
                        said.in_api(n, "search") if said else _gone(n) for n, said in self.searches[day].items()
                    ],
                }
            register.take(source, day, tables)

    # --- the same rules, told once more ---------------------------------------------------------------

    def expected(self, number, as_of):
        """The row of a company; None if it has none."""
        listed = {day: said.get(number) for day, said in sorted(self.files.items()) if day <= as_of}
        told = {
            day: said[number]
            for day, said in sorted(self.records.items())
            if day <= as_of and said.get(number, "unknown") != "unknown"
        }
        searched = {
            day: said[number].in_api(number, "search") if said[number] else None
            for day, said in sorted(self.searches.items())
            if day <= as_of and number in said
        }
        found = _runs(searched)
        alive = [(day, 0) for day, state in listed.items() if state]
        gone = [(day, 0) for day, state in listed.items() if not state and any(day > other for other, _ in alive)]
        words = [(day, 2, state) for day, state in told.items()]
        words += [(day, 1, state) for first, last, state in found for day in (first, last)]
        alive += [(day, weight) for day, weight, state in words if state]
        gone += [(day, weight) for day, weight, state in words if not state]
        if not alive:
            return None
        of_file = [(day, state) for day, state in listed.items() if state]
        of_record = [(day, state) for day, state in told.items() if state]
        of_search = [(first, state) for first, _, state in found if state]
        if of_record and (not of_file or of_record[-1][0] >= of_file[-1][0]):
            row = _by_record(of_record[-1][1], of_file[-1][1] if of_file else None)
            row["as_of_date"] = [first for first, _, state in _runs(told) if state][-1]
            if row.pop("is_old"):
                row["as_of_date"] = None
        elif of_file:
            row = {**_shown(of_file[-1][1].in_file(number)), "as_of_date": None}
        else:
            day, said = of_search[-1]
            row = {"as_of_date": day, "accounts_category": None, "country_of_origin": None}
            row |= {"company_name": said["company_name"], "postcode": said["postcode"]}
            row |= {"company_status": STATUSES[said["company_status_code"]][0]}
            row |= {"company_category": "Private Limited Company"}
        first = [*of_file[:1], *of_record[:1], *(found[:1] if of_search else [])]
        return {
            "company_number": number,
            **row,
            "register_source_code": "api" if row["as_of_date"] else "bulk",
            "_first_seen_date": min(one[0] for one in first),
            "_vanished_date": min((day for day, weight in gone if (day, weight) > max(alive)), default=None),
        }


def _runs(words):
    """Words by day as runs of the same: first day, last day, word."""
    runs = []
    for day, word in words.items():
        if runs and runs[-1][2] == word:
            runs[-1] = (runs[-1][0], day, word)
        else:
            runs.append((day, day, word))
    return runs


SHOWN = (
    "company_name",
    "company_status",
    "company_category",
    "country_of_origin",
    "postcode",
    "accounts_category",
)


def _shown(row):
    return {column: row[column] for column in SHOWN}


def _by_record(state, before):
    """A row by a record, after what the file said before."""
    row = {
        "company_name": state.name,
        "company_status": STATUSES[state.status][0],
        "company_category": "Private Limited Company",
        "country_of_origin": "United Kingdom",
        "postcode": state.postcode,
        "accounts_category": KINDS[state.kind],
    }
    if before is None:
        return {**row, "is_old": False}
    of_file = _shown(before.in_file("-"))
    if before.status == state.status:
        row["company_status"] = of_file["company_status"]
    if before.postcode == state.postcode:
        row["postcode"] = of_file["postcode"]
    if before.made_up == state.made_up:
        row["accounts_category"] = of_file["accounts_category"]
    return {**row, "is_old": row == of_file}


def _record(number, said):
    return said.in_api(number, "record") if said else _gone(number)


def _gone(number):
    return {"company_number": number, "company_name": "-", "company_status_code": "dissolved", "has_ended": True}


SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(2, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_publications_in_any_order_make_what_plain_python_makes_of_them(seed):
    chance = random.Random(seed)
    story, register = Story.of(chance), Register()
    story.load(register, chance)
    columns = [
        "company_number",
        *SHOWN,
        "as_of_date",
        "register_source_code",
        "_first_seen_date",
        "_vanished_date",
    ]
    for as_of in DAYS:
        register.show(as_of)
        expected = {number: row for number in NUMBERS if (row := story.expected(number, as_of))}
        assert register.rows("core.companies", columns) == expected
        inside = {n: row for n, row in expected.items() if row["postcode"].split()[0] in AREAS}
        assert register.rows("core.district_companies", columns) == inside


STATE = State("ALPHA LTD", "active", 0, "E1 6AA", date(2025, 1, 1), "small")
COLUMNS = ["company_number", "company_name", "_told_by", "_held_since_date", "_vanished_date"]


def answered(number, state, day, code="known"):
    return {
        "companies": [_record(number, state)],
        "answers": [{"company_number": number, "answered_date": day, "answer_code": code}],
    }


def only(register, as_of):
    register.show(as_of)
    (row,) = register.rows("core.companies", COLUMNS).values()
    return tuple(row[column] for column in COLUMNS[1:])


def test_what_cannot_be_used_marks_the_row_only_while_nothing_newer_is_known():
    register, number = Register(), NUMBERS[0]
    register.take(FILE, DAYS[0], {"companies": [STATE.in_file(number)]})
    register.take(API, DAYS[1], answered(number, STATE, DAYS[1]))
    register.take(API, DAYS[2], answered(number, STATE, DAYS[2]), refused=[number])
    assert only(register, DAYS[1]) == ("ALPHA LTD", "record", None, None)
    assert only(register, DAYS[2]) == ("ALPHA LTD", "record", DAYS[2], None)
    register.take(FILE, DAYS[3], {"companies": [STATE.in_file(number)]})
    assert only(register, DAYS[3]) == ("ALPHA LTD", "file", None, None)
    register.take(FILE, DAYS[4], {"companies": [STATE.in_file(number)]}, refused=[number])
    assert only(register, DAYS[4]) == ("ALPHA LTD", "file", DAYS[4], None)
    register.take(API, DAYS[5], answered(number, STATE, DAYS[5]))
    assert only(register, DAYS[5]) == ("ALPHA LTD", "record", None, None)


def test_words_that_no_list_has_are_shown_as_they_came():
    register, number = Register(), NUMBERS[0]
    strange = {**STATE.in_api(number, "record"), "company_status_code": "asleep", "company_type_code": "guild"}
    register.take(API, DAYS[0], {**answered(number, STATE, DAYS[0]), "companies": [strange]})
    register.show(DAYS[0])
    (row,) = register.rows("core.companies", ["company_number", "company_status", "company_category"]).values()
    assert (row["company_status"], row["company_category"]) == ("asleep", "guild")


@pytest.mark.parametrize(
    ("more", "status", "category"),
    [
        ({"company_status_detail_code": "active-proposal-to-strike-off"}, "Active - Proposal to Strike off", None),
        ({"company_status_detail_code": "converted-to-plc"}, "Active", None),
        ({"company_subtype_code": "community-interest-company"}, "Active", "Community Interest Company"),
        ({"company_subtype_code": "private-fund-limited-partnership"}, "Active", "Private Limited Company"),
    ],
)
def test_details_count_where_the_file_has_words_for_them(more, status, category):
    register, number = Register(), NUMBERS[0]
    record = {**STATE.in_api(number, "record"), **more}
    register.take(API, DAYS[0], {**answered(number, STATE, DAYS[0]), "companies": [record]})
    register.show(DAYS[0])
    (row,) = register.rows("core.companies", ["company_number", "company_status", "company_category"]).values()
    assert row["company_status"] == status
    assert row["company_category"] == (category or "Private Limited Company")
