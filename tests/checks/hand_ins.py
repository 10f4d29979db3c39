"""A coordinator who hands a workbook in week after week, and what she must be told: planted, not computed.

``Coordinator`` keeps rows in which faults are planted, mends some, breaks others, sorts, inserts, renames.
``Model`` knows only what was planted, and says in plain Python what the life of every fault is. ``Desk`` does the
same with
the house: staging files, ``check_source``, the ledger.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import duckdb

from checks.amendments import Amendments
from checks.plausible import Before
from checks.rules import SourceRules
from checks.verdicts import Checked, check_source
from warehouse import ledger
from warehouse.declarations import Severity, SourceDeclaration, parse
from warehouse.findings import Finding, Heading, add_findings, add_headings, create_findings_tables

FIRST = date(2026, 1, 5)
STRICT, LAX = "strict", "lax"  # two versions of the declaration: the strict one has a rule more


def declared(version: str = LAX) -> SourceDeclaration:
    """The source that is handed in."""
    note = {"constraints": {"pattern": "[a-z ]*"}} if version == STRICT else {}
    return parse(
        SourceDeclaration,
        {
            "name": "offers",
            "title": "Offers",
            "kind": "workbook",
            "publisher": {"name": "somebody", "title": "Somebody"},
            "licence": "CC0-1.0",
            "attribution": "Somebody",
            "cadence": "irregular",
            "tables": [
                {
                    "name": "offers",
                    "title": "Offers",
                    "each_row_is_a": "offer",
                    "primaryKey": ["offer_id"],
                    "rows": {"minimum": 1, "shrink_limit_pct": 40},
                    "fields": [
                        {"name": "offer_id", "title": "Id", "privacy": "public"},
                        {
                            "name": "theme",
                            "title": "Theme",
                            "privacy": "public",
                            "severity": "warning",
                            "constraints": {"enum": ["water", "energy", "waste"]},
                        },
                        {"name": "grant", "type": "integer", "title": "Grant", "constraints": {"minimum": 0}},
                        {
                            "name": "people",
                            "type": "integer",
                            "title": "People",
                            "constraints": {"required": True},
                        },
                        {"name": "note", "title": "Note", "severity": "warning", **note},
                        {
                            "name": "contact",
                            "title": "Contact",
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


COLUMNS = [one.name for one in declared().tables[0].fields]
# Column and what is planted there: the value in the staging table, the rule that finds it, the text as it stood.
FAULTS = {
    "theme": ("colour", "code", None),
    "grant": (-1, "range", None),
    "grant unread": (None, "type", "a lot"),
    "people": (None, "required", None),
    "people unread": (None, "type", "a dozen"),
    "note": ("Odd 1", "pattern", None),  # of the strict version only
    "contact": ("nobody", "pattern", None),
}


@dataclass
class Row:
    """A row of the sheet, with the faults that are planted in it; ``key`` is None where it was lost."""

    key: str | None
    theme: str
    grant: int
    note: str
    faults: set[str] = field(default_factory=set)

    def value(self, column: str) -> object:
        """What stands in the staging table."""
        for fault in self.faults:
            if fault.split()[0] == column:
                return FAULTS[fault][0]
        good = {"offer_id": self.key, "people": 7, "contact": "desk@example.org"}
        return good[column] if column in good else getattr(self, column)


Token = tuple[object, ...]


@dataclass(frozen=True)
class HandIn:
    """A workbook as it was handed in. ``lost``: its header is gone (held); ``unreadable``: no workbook at all."""

    day: date
    number: int
    rows: tuple[Row, ...]
    file: str
    heading: str
    order: tuple[str, ...]
    lost: bool = False
    unreadable: bool = False

    @property
    def id(self) -> str:
        """That of the snapshot."""
        return f"{self.day.isoformat()}-{self.number:04d}"

    def value(self, row: Row, column: str) -> object:
        """What stands in the staging table."""
        return None if self.lost and column == "theme" else row.value(column)

    def planted(self, version: str) -> dict[Token, tuple[int | None, str]]:
        """By token of what must be found: the row's number in the sheet (None: on no row), and the severity."""
        if self.unreadable:
            return {("unreadable",): (None, "critical")}
        found: dict[Token, tuple[int | None, str]] = {}
        if self.lost:
            found["missing-column", "theme"] = (None, "critical")
        keys = Counter(row.key for row in self.rows)
        seen: Counter[Token] = Counter()
        for number, row in enumerate(self.rows, start=2):
            for rule, column, severity in self._faults_of(row, version, keys):
                if row.key is not None and keys[row.key] == 1:
                    token: Token = (rule, column, "key", row.key)
                else:
                    others = [(c, self.value(row, c)) for c in COLUMNS if c not in (column, "contact")]
                    token = (rule, column, "contents", *others)
                seen[token] += 1
                found[*token, seen[token]] = (number, severity)
        return found

    def _faults_of(self, row: Row, version: str, keys: Counter[str | None]) -> list[tuple[str, str, str]]:
        found = []
        for fault in sorted(row.faults):
            column, rule = fault.split()[0], FAULTS[fault][1]
            if (fault == "note" and version == LAX) or (self.lost and fault == "theme"):
                continue
            found.append((rule, column, "error" if column in ("grant", "people") else "warning"))
        if row.key is None:
            found.append(("required", "offer_id", "error"))
        elif keys[row.key] > 1:
            found.append(("unique", "offer_id", "error"))
        return found


@dataclass
class Coordinator:
    """Somebody who keeps a workbook."""

    random: random.Random
    rows: list[Row] = field(default_factory=list)
    made: int = 0
    file: str = "offers.xlsx"
    heading: str = "Grant"
    order: list[str] = field(default_factory=lambda: list(COLUMNS))

    def add(self, count: int) -> None:
        """Rows more, most of them good, anywhere."""
        for _ in range(count):
            self.made += 1
            note = self.random.choice("abcdefgh") * self.random.randint(1, 2)
            row = Row(f"o{self.made}", self.random.choice(["water", "energy"]), self.random.randint(1, 3), note)
            if self.random.random() < 0.3:
                self.break_cell(row)
            self.rows.insert(self.random.randint(0, len(self.rows)), row)

    def break_cell(self, row: Row) -> None:
        """Plant a fault in a cell; in one that has none."""
        free = [one for one in FAULTS if one.split()[0] not in {f.split()[0] for f in row.faults}]
        if free:
            row.faults.add(self.random.choice(free))

    def work(self) -> None:
        """A week's work on the workbook."""
        for row in self.rows:
            self._work_on(row)
        chance = self.random.random
        if chance() < 0.4:
            self.rows.sort(key=lambda row: self.random.choice([row.note, row.theme]) + str(row.key))
        if chance() < 0.3:
            self.rows.pop(self.random.randrange(len(self.rows)))
        if chance() < 0.25:  # a row copied as the beginning of a new one
            one = self.random.choice(self.rows)
            self.rows.insert(0, replace(one, faults=set(one.faults), note=one.note + self.random.choice("xyz")))
        if chance() < 0.3:
            self.file = f"offers {self.random.randint(1, 99)}.xlsx"
        if chance() < 0.2:
            self.heading = self.random.choice(["Grant", "Grant (EUR)", "Avustus"])
        if chance() < 0.2:
            self.random.shuffle(self.order)
        self.add(self.random.randint(0, 2))

    def _work_on(self, row: Row) -> None:
        chance = self.random.random
        if row.faults and chance() < 0.35:
            row.faults.discard(self.random.choice(sorted(row.faults)))
        elif chance() < 0.06:
            self.break_cell(row)
        if row.faults and chance() < 0.1:  # a wrong number becomes one that nobody can read, and back
            fault = self.random.choice(sorted(row.faults))
            other = fault.split()[0] if " " in fault else f"{fault} unread"
            if other in FAULTS:
                row.faults = (row.faults - {fault}) | {other}
        if row.key is None and chance() < 0.4:
            self.made += 1
            row.key = f"o{self.made}"
        elif chance() < 0.03:
            row.key = None

    def hand_in(self, week: int, number: int = 0, **more: bool) -> HandIn:
        """The workbook as it is now."""
        rows = tuple(replace(row, faults=set(row.faults)) for row in self.rows)
        day = FIRST + timedelta(weeks=week)
        return HandIn(day, number, rows, self.file, self.heading, tuple(self.order), **more)


@dataclass
class Spell:
    """From which date to which something was wrong. ``by`` is the hand-in that ended it."""

    opened: date
    opened_by: int
    severity: str
    closed: date | None = None
    closed_by: int | None = None
    dropped: bool = False


@dataclass(frozen=True)
class Accepted:
    """An exception: a fault of a row, accepted until a day."""

    rule: str
    column: str
    key: str
    until: date


@dataclass
class Model:
    """What the life of every fault is."""

    spells: dict[Token, list[Spell]] = field(default_factory=dict)
    looks: int = 0
    accepted: dict[Token, date] = field(default_factory=dict)

    def judge(self, one: HandIn, version: str, exception: Accepted | None, day: date) -> None:
        """A hand-in is judged."""
        self.looks += 1
        found = one.planted(version)
        if exception and one.planted(version) and exception.until < day and self._is_met(exception, found):
            found["acceptance-ran-out",] = (None, "warning")
        for token, (_, severity) in found.items():
            spells = self.spells.setdefault(token, [])
            if spells and spells[-1].closed is None:
                spells[-1].severity = severity
            else:
                spells.append(Spell(one.day, self.looks, severity))
        for token, spells in self.spells.items():
            last = spells[-1]
            if last.closed is not None or token in found:
                continue
            if ending := self._ending(token, one, version):
                last.closed, last.closed_by, last.dropped = one.day, self.looks, ending == "dropped"
        is_met = exception and exception.until >= day
        # where nobody could look, it stays accepted
        unseen = {token for token in self.accepted if token not in found and self.is_open(token)}
        self.accepted = {token: self.accepted[token] for token in unseen if self.accepted[token] >= one.day}
        if is_met and exception:
            self.accepted |= {token: exception.until for token in found if self._is_of(exception, token)}

    @staticmethod
    def _is_of(exception: Accepted, token: Token) -> bool:
        return token[:4] == (exception.rule, exception.column, "key", exception.key)

    def _is_met(self, exception: Accepted, found: dict[Token, tuple[int | None, str]]) -> bool:
        return any(self._is_of(exception, token) for token in found)

    def _ending(self, token: Token, one: HandIn, version: str) -> str:
        """How a fault that is not there any more ended; empty if nobody could look."""
        if one.unreadable:
            return ""
        if token == ("unreadable",):
            return "fixed"
        if one.lost:
            return ""
        if token[:2] == ("pattern", "note") and version == LAX:
            return "dropped"
        is_reading = token[0] in ("type", "missing-column", "acceptance-ran-out")
        if not is_reading:
            key = token[3] if token[2] == "key" else dict(token[3:-1]).get("offer_id")  # type: ignore[arg-type]
            keyed = [row for row in one.rows if row.key is not None and row.key == key]
            if any(f"{token[1]} unread" in row.faults for row in keyed):
                return ""  # what stands there now cannot be read
        return "fixed"

    def is_open(self, token: Token) -> bool:
        """Whether it is there now, as far as anybody knows."""
        return self.spells[token][-1].closed is None

    def lives(self) -> dict[Token, tuple[str, date, int]]:
        """Stage, since when, how often back: of all that is open, and of what the last hand-in fixed."""
        told = {}
        for token, spells in self.spells.items():
            last = spells[-1]
            back = sum(1 for one in spells[:-1] if not one.dropped)
            if last.closed_by == self.looks and not last.dropped:
                told[token] = ("fixed", last.closed, back)
            elif last.closed is None:
                stage = "open" if last.opened_by < self.looks else "back" if back else "new"
                told[token] = ("accepted" if token in self.accepted else stage, last.opened, back)
        return told

    def tally(self, since: date) -> tuple[int, ...]:
        """open_then, fixed, still_open, new, back, accepted."""
        counted = [0] * 6
        for token, spells in self.spells.items():
            last, is_accepted = spells[-1], token in self.accepted
            was_open = any(s.opened <= since and (s.closed is None or s.closed > since) for s in spells)
            is_open = last.closed is None
            was_fixed = any(s.closed is not None and not s.dropped for s in spells)
            counted[0] += was_open and not last.dropped
            counted[1] += was_open and not is_open and not last.dropped
            counted[2] += was_open and is_open and not is_accepted
            counted[3] += not was_open and is_open and not is_accepted and not was_fixed
            counted[4] += not was_open and is_open and not is_accepted and was_fixed
            counted[5] += is_open and is_accepted
        return tuple(counted)


@dataclass
class Desk:
    """The house, as far as lives need it: a ledger, and staging files that last as long as a hand-in."""

    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    rows: int = 0

    def __post_init__(self) -> None:
        ledger.create_ledger(self.connection)

    def judge(self, one: HandIn, version: str, amendments: Amendments) -> Checked | None:
        """Stage, check, and note the verdict, as a night does."""
        run, moment = self.connection.execute, ledger.Moment("offers", one.id, one.day, f"{one.day}.1")
        if one.unreadable:
            problem = Finding("unreadable", Severity.CRITICAL, "It is no workbook.", "", file=one.file)
            ledger.replace_findings(self.connection, "offers", one.id, [problem])
            ledger.move_lives(self.connection, moment)
            return None
        source = declared(version)
        (name,) = run("SELECT current_database()").fetchone() or ("",)
        run("ATTACH ':memory:' AS staging; USE staging")
        self._stage(one, source)
        checked = check_source(self.connection, source, SourceRules(), Before({}), amendments=amendments)
        run(f"USE {name}; BEGIN")
        ledger.take_findings(self.connection, "staging", "offers", one.id)
        ledger.move_lives(self.connection, moment, "staging", source.tables)
        run("COMMIT; DETACH staging")
        assert (checked.verdict is ledger.Verdict.HELD) is one.lost
        return checked

    def _stage(self, one: HandIn, source: SourceDeclaration) -> None:
        kinds = {f.name: f.duckdb_type for f in source.tables[0].fields}
        columns = ", ".join(f'"{name}" {kinds[name]}' for name in one.order)
        run = self.connection.execute
        run(f"CREATE SCHEMA staged; CREATE TABLE staged.offers ({columns}, _file TEXT, _sheet TEXT, _row BIGINT)")
        values = [
            [
                *((None if one.lost and name == "theme" else row.value(name)) for name in one.order),
                one.file,
                "S",
                n,
            ]
            for n, row in enumerate(one.rows, start=2)
        ]
        self.connection.executemany(f"INSERT INTO staged.offers VALUES ({', '.join('?' * 9)})", values)
        create_findings_tables(self.connection)
        found = [
            Finding("type", Severity.ERROR, "It cannot be read.", "Write a number.", "offers", one.file, "S",
                    number, fault.split()[0], FAULTS[fault][2], row.key)
            for number, row in enumerate(one.rows, start=2)
            for fault in sorted(row.faults)
            if FAULTS[fault][2]
        ]  # fmt: skip
        if one.lost:
            words = ("A column is missing.", "Put it back.")
            found.append(
                Finding("missing-column", Severity.CRITICAL, *words, "offers", one.file, "S", None, "theme")
            )
        add_findings(self.connection, "offers", found)
        add_headings(self.connection, [Heading("offers", one.file, "S", "grant", one.heading)])
