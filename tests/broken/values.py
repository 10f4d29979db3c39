"""Good rows of a source's tables, from what their declaration says of each column.

Only what rules files demand of several columns together cannot be read off a declaration: ``FITTING`` has it, and
the proof that clean workbooks have no finding says when a new rule needs a line there.
"""

from __future__ import annotations

import random
import re
import re._parser as regex  # the standard library's own reading of a pattern
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from warehouse import reference
from warehouse.declarations import FieldDeclaration, SourceDeclaration, TableDeclaration

ROWS = 12
PARENTS = 6  # rows of a table that others refer to; the last ones are referred to by nobody
REFERRED = 3
DAYS_APART = 100  # so that no year has more than four

Row = dict[str, object]


def _statements(metric: str, unit: str, value: float) -> Mapping[str, object]:
    return {
        "metric_code": metric,
        "unit_code": unit,
        "kind_code": "planned",
        "value": value,
        "statement_year": 2018,
        "target_year": 2030,
        "qualifier_code": None,
    }


# What rules over several columns demand, by source and table: values, or a function of the row's number.
FITTING: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("agile_pilots", "pilots"): {"grant_eur": 5000, "programme": "Smart Example Programme"},
    ("agile_pilots", "rounds"): {"programme": "Smart Example Programme", "offers_count": 30, "selected_count": 4},
    ("future_fifty", "cohorts"): {"programme": "Future Fifty", "new_count": 24, "existing_count": 26},
    ("future_fifty", "memberships"): {"status_code": "graduated"},
    ("here_east", "tenants"): {
        "status_code": "tenant",
        "status_year": 2019,
        "opened_year": 2015,
        "unit_code": "sqft",
        "qualifier_code": None,
    },
    ("here_east", "indicators"): _statements("jobs", "jobs", 5300),
    ("innovators_club", "attendance"): {"attendance_count": 30, "first_timers_count": 7},
    ("innovators_club", "meetings"): {"meeting_kind_code": "meeting"},
    ("kalasatama", "statements"): _statements("residents", "people", 25000),
    ("pilot_followups", "followups"): {"outcome_code": "bought", "reason_code": "met_a_need", "places_count": 3},
    ("plexal", "indicators"): _statements("jobs", "jobs", 800),
    ("tech_nation", "indicators"): _statements("jobs", "jobs", 800) | {"programme": None, "hub": "London"},
}


def check_digit(number: str) -> str | None:
    """The check digit of a Finnish business id; None where no such number is given out."""
    rest = sum(weight * int(digit) for weight, digit in zip((7, 9, 10, 5, 8, 4, 2), number, strict=True)) % 11
    return None if rest == 1 else str((11 - rest) % 11)


def _business_id(number: int) -> str:
    body = next(str(n) for n in range(2_000_000 + 37 * number, 2_999_999) if check_digit(str(n)) is not None)
    return f"{body}-{check_digit(body)}"


IDENTIFIERS: Mapping[str, Callable[[int], str]] = {
    "business_id_fi": _business_id,
    "company_number_uk": lambda number: f"0{4_000_000 + 311 * number}",
    "org_id": lambda number: f"GB-COH-0{4_000_000 + 311 * number}",
}


def of_pattern(pattern: str, rng: random.Random) -> str:
    """A text of the whole of which a pattern holds."""

    return "".join(_some(regex.parse(pattern), rng))


def _some(parsed, rng: random.Random) -> Iterator[str]:
    for kind, detail in parsed:
        name = str(kind)
        if name == "LITERAL":
            yield chr(detail)
        elif name == "IN":
            yield _one_of(detail, rng)
        elif name == "MAX_REPEAT":
            least, most, inner = detail
            for _ in range(rng.randint(least, min(int(most), least + 2))):
                yield from _some(inner, rng)
        elif name in ("SUBPATTERN", "BRANCH"):
            yield from _some(detail[3] if name == "SUBPATTERN" else rng.choice(detail[1]), rng)
        else:
            yield {"NOT_LITERAL": "b", "ANY": "a"}[name]  # a KeyError says what to teach this generator


def _one_of(members, rng: random.Random) -> str:
    if str(members[0][0]) == "NEGATE":
        wrong = {chr(detail) for kind, detail in members[1:] if str(kind) == "LITERAL"}
        return rng.choice([letter for letter in "abcdefghkmnpr" if letter not in wrong])
    kind, detail = rng.choice(members)
    return chr(detail) if str(kind) == "LITERAL" else chr(rng.randint(*detail))


def _texts(table: TableDeclaration, field: FieldDeclaration, number: int, rng: random.Random) -> str:
    limits = field.constraints
    if limits.check:
        return IDENTIFIERS[limits.check](number)
    if limits.pattern is None:
        return f"{field.title} {number}"[: limits.max_length]
    likely = (
        f"{table.name.replace('_', '-')}-{number}",
        f"https://example.org/page-{number}",
        f"helsinki:a{number}",
    )
    return next((text for text in likely if re.fullmatch(limits.pattern, text)), None) or of_pattern(
        limits.pattern, rng
    )


def _number(field: FieldDeclaration, number: int) -> int:
    low, high = field.constraints.minimum, field.constraints.maximum
    wanted = 10 + number
    wanted = max(wanted, int(low)) if low is not None else wanted
    return min(wanted, int(high)) if high is not None else wanted


def good_value(table: TableDeclaration, field: FieldDeclaration, number: int, rng: random.Random) -> object:
    """A value that keeps all that is demanded of the column alone; ``number`` is the row's, from 1."""
    limits = field.constraints
    codes = list(reference.code_lists()[limits.code_list].codes) if limits.code_list else list(limits.enum or ())
    if any(other.precision_in == field.name for other in table.fields):
        return "day"
    if codes:
        return codes[number % len(codes)]
    if field.type in ("date", "datetime"):
        later = [other.name for other in table.fields if other.type == field.type].index(field.name)
        day = date(2016, 1, 4) + timedelta(days=DAYS_APART * (number - 1) + 30 * later)
        low, high = (bound or day for bound in (limits.minimum, limits.maximum))
        return min(max(day, low), high)
    if field.type == "year":
        return max(2010 + number % 9, int(limits.minimum or 0))
    if field.type in ("integer", "number"):
        return _number(field, number)
    if field.type == "boolean":
        return number % 2 == 0
    return _texts(table, field, number, rng)


def _may_be_empty(source: str, table: TableDeclaration, field: FieldDeclaration) -> bool:
    fitted = FITTING.get((source, table.name), {})
    in_key = field.name in table.primary_key or any(field.name in key.fields for key in table.foreign_keys)
    says_how_exact = any(other.precision_in == field.name for other in table.fields)
    may_not = field.constraints.required or in_key or says_how_exact or field.name in fitted
    return field.type == "string" and not may_not


def _parents(source: SourceDeclaration) -> list[TableDeclaration]:
    """The tables, those that others refer to first."""
    referred = {key.table for table in source.tables for key in table.foreign_keys}
    return sorted(source.tables, key=lambda table: table.name not in referred)


def good_tables(source: SourceDeclaration, rng: random.Random, rows: int = ROWS) -> dict[str, list[Row]]:
    """Good rows of all tables of a source. Of a table that others refer to only the first ones are referred to."""
    made: dict[str, list[Row]] = {}
    referred = {key.table for table in source.tables for key in table.foreign_keys}
    for table in _parents(source):
        made[table.name] = [
            _good_row(source, table, number, made, rng)
            for number in range(1, (PARENTS if table.name in referred else rows) + 1)
        ]
    return {table.name: made[table.name] for table in source.tables}


def _good_row(
    source: SourceDeclaration,
    table: TableDeclaration,
    number: int,
    made: Mapping[str, list[Row]],
    rng: random.Random,
) -> Row:
    row: Row = {field.name: good_value(table, field, number, rng) for field in table.fields}
    for field in table.fields:
        if _may_be_empty(source.name, table, field) and rng.random() < 0.2:
            row[field.name] = None
    row |= FITTING.get((source.name, table.name), {})
    for key in table.foreign_keys:
        parent = made[key.table][(number - 1) % REFERRED]
        row |= {own: parent[theirs] for own, theirs in zip(key.fields, key.references, strict=True)}
    return row
