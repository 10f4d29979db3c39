"""Rules: what a table's declaration demands, and what ``checks/rules/<stem>.yaml`` adds to it.

Both become the same thing, a ``Rule``: a Great Expectations expectation with our severity, the column it marks,
and words for the person who has to mend the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from checks.expected import Expected
from warehouse import reference
from warehouse.declarations import (
    Declared,
    FieldDeclaration,
    Severity,
    TableDeclaration,
    literal,
    parse,
    quote,
    read_yaml,
)
from warehouse.staging import SCHEMA

_FOLDER = Path(__file__).parent / "rules"
ROW_ID = "_id"


@dataclass(frozen=True)
class Rule:
    """One rule on one table. ``columns`` are the cells that break it, the first one is marked."""

    id: str
    severity: Severity
    columns: tuple[str, ...]
    message: str
    help: str
    expected: Expected

    @property
    def is_about_rows(self) -> bool:
        """False for rules about the table as a whole."""
        return self.expected.type != "expect_table_row_count_to_be_between"


class WrittenRule(Declared):
    """A rule as a rules file has it.

    ``holds`` is an SQL condition over the row's columns: true for good rows, and a row it cannot judge (NULL)
    passes. ``valid_from`` and ``valid_to`` limit the rule to rows whose ``dated_by`` lies between them: rules
    of programmes and laws change, and an old row is judged by the rule of its day.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    severity: Severity
    columns: tuple[str, ...] = Field(min_length=1)
    holds: str
    message: str
    help: str
    source: str  # where the rule comes from
    dated_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class RulesFile(Declared):
    """``checks/rules/<stem>.yaml``: rules on a source's tables, and on the dataset of the same stem."""

    tables: Mapping[str, tuple[WrittenRule, ...]] = {}
    dataset: tuple[WrittenRule, ...] = ()


def load_rules(stem: str, folder: Path = _FOLDER) -> RulesFile:
    """The rules file of a source or a dataset; an empty one if there is none."""
    path = folder / f"{stem}.yaml"
    return parse(RulesFile, read_yaml(path), path) if path.exists() else RulesFile()


def fingerprint(table: TableDeclaration, written: Sequence[WrittenRule]) -> str:
    """SHA-256 of a table's declaration and rules: another one means that a verdict has to be made anew."""
    parts = [table.model_dump_json(), *(rule.model_dump_json() for rule in written), reference.fingerprint()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compile_rules(
    table: TableDeclaration, written: Sequence[WrittenRule] = (), schema: str = SCHEMA
) -> list[Rule]:
    """All rules on a table: those of its declaration, then the written ones.

    Args:
        table: the table's declaration.
        written: rules from a rules file.
        schema: where the tables stand that foreign keys refer to.
    """
    rules = [_row_count(table)]
    for field in table.fields:
        of_key = field.name in table.primary_key
        is_sole_key = table.primary_key == (field.name,)
        # A key has to be there; and that it is unique is the table's rule, not once more the field's.
        limits = {
            "required": field.constraints.required or of_key,
            "unique": not is_sole_key and field.constraints.unique,
        }
        rules += _of_field(field.model_copy(update={"constraints": field.constraints.model_copy(update=limits)}))
    rules.append(_key(table))
    rules += [
        _unexpected_rows(
            "reference",
            key.severity,
            key.fields,
            f"There is no such row in {key.table}.",
            f"Write it as it stands in {key.table}, or add it there.",
            _reference_holds(key.fields, key.references, f"{schema}.{quote(key.table)}"),
        )
        for key in table.foreign_keys
    ]
    rules += [
        _unexpected_rows(rule.id, rule.severity, rule.columns, rule.message, rule.help, _dated(rule))
        for rule in written
    ]
    return rules


def row_columns(table: TableDeclaration, written: Sequence[WrittenRule] = ()) -> frozenset[str]:
    """The columns in which a wrong value costs the row: without it nobody knows what the row says.

    They are those of the key and of foreign keys, the required ones, and those that a rule of error severity
    judges the row by. A wrong value in any other column costs that cell alone.
    """
    judged = [rule for rule in written if rule.severity is Severity.ERROR]
    return frozenset(
        {
            *table.primary_key,
            *(field.name for field in table.fields if field.constraints.required),
            *(name for key in table.foreign_keys for name in key.fields),
            *(name for rule in judged for name in rule.columns),
            *(rule.dated_by for rule in judged if rule.dated_by),
        }
    )


def _row_count(table: TableDeclaration) -> Rule:
    # Changes may be few or none; only what is delivered whole has a floor.
    low, high = table.rows.minimum if table.delivery == "full" else 0, table.rows.maximum
    span = f"at least {low:,}" if high is None else f"between {low:,} and {high:,}"
    return Rule(
        "row-count",
        Severity.CRITICAL,
        (),
        f"The table should have {span} rows.",
        "Find out whether the file is whole; if it is, tell whoever runs the programme's data desk.",
        Expected("row-count", "expect_table_row_count_to_be_between", {"min_value": low, "max_value": high}),
    )


def _key(table: TableDeclaration) -> Rule:
    columns = table.primary_key
    if len(columns) == 1:
        expected = Expected("unique", "expect_column_values_to_be_unique", {"column": columns[0]})
    else:
        expected = Expected("unique", "expect_compound_columns_to_be_unique", {"column_list": list(columns)})
    return Rule(
        "unique",
        max((table.field(name).severity for name in columns), key=lambda severity: -severity.rank),
        columns,
        f"{' + '.join(table.field(name).title for name in columns)} identifies a row, and is here more than once.",
        "Remove the copy, or give the other row a value of its own.",
        expected,
    )


def _of_field(field: FieldDeclaration) -> list[Rule]:
    limits = field.constraints
    column = {"column": field.name}
    rules: list[Rule] = []

    def add(rule_id: str, kind: str, kwargs: Mapping[str, Any], message: str, advice: str) -> None:
        rules.append(
            Rule(
                rule_id,
                field.severity,
                (field.name,),
                message,
                field.help or advice,
                Expected(f"{rule_id}:{field.name}", kind, {**column, **kwargs}),
            )
        )

    if limits.required:
        add("required", "expect_column_values_to_not_be_null", {}, f"{field.title} is missing.", "Fill it in.")
    if limits.unique:
        add(
            "unique",
            "expect_column_values_to_be_unique",
            {},
            f"{field.title} stands here more than once.",
            "Give each row a value of its own.",
        )
    if limits.pattern is not None:
        add(
            "pattern",
            "expect_column_values_to_match_regex",
            {"regex": f"^(?:{limits.pattern})$"},
            f"{field.title} does not have the form expected.",
            f"Expected is the form {limits.pattern}.",
        )
    codes = list(limits.enum or ())
    if limits.code_list:
        codes = list(reference.code_lists()[limits.code_list].codes)
    if codes:
        add(
            "code",
            "expect_column_values_to_be_in_set",
            {"value_set": codes},
            f"{field.title} is not on the list.",
            f"Choose one of: {', '.join(codes)}.",
        )
    if limits.minimum is not None or limits.maximum is not None:
        low, high = _bound(limits.minimum), _bound(limits.maximum)
        span = " and ".join(
            part
            for part in (
                f"at least {limits.minimum}" if limits.minimum is not None else "",
                f"at most {limits.maximum}" if limits.maximum is not None else "",
            )
            if part
        )
        unit = f" {field.unit}" if field.unit else ""
        add(
            "range",
            "expect_column_values_to_be_between",
            {"min_value": low, "max_value": high},
            f"{field.title} should be {span}{unit}.",
            "Correct the value.",
        )
    if limits.min_length is not None or limits.max_length is not None:
        add(
            "length",
            "expect_column_value_lengths_to_be_between",
            {"min_value": limits.min_length, "max_value": limits.max_length},
            f"{field.title} is too long or too short.",
            f"Its length is {limits.min_length or 0} to {limits.max_length or 'any number of'} characters.",
        )
    if limits.check == "business_id_fi":
        holds = business_id_holds(quote(field.name))
        if limits.pattern is not None:  # a wrong form is that rule's finding: one cell, one fault
            form = f"regexp_full_match({quote(field.name)}, {literal(limits.pattern)})"
            holds = f"CASE WHEN {form} THEN {holds} END"
        rules.append(
            _unexpected_rows(
                "check-digit",
                field.severity,
                (field.name,),
                f"{field.title} has a wrong check digit, so it is nobody's.",
                field.help or "Look the company up at ytj.fi and copy its id.",
                holds,
            )
        )
    return rules


def _bound(value: int | float | date | None) -> int | float | datetime | None:
    # Great Expectations compares dates only when the bounds are datetimes.
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


def _unexpected_rows(
    rule_id: str, severity: Severity, columns: tuple[str, ...], message: str, advice: str, holds: str
) -> Rule:
    literal_braces = holds.replace("{", "{{").replace("}", "}}")  # {batch} is the only place to be filled in
    query = f"SELECT {ROW_ID} FROM {{batch}} WHERE NOT ({literal_braces})"
    name = f"{rule_id}:{'+'.join(columns)}"
    expected = Expected(name, "unexpected_rows_expectation", {"unexpected_rows_query": query})
    return Rule(rule_id, severity, columns, message, advice, expected)


def _reference_holds(fields: Sequence[str], references: Sequence[str], target: str) -> str:
    given = " AND ".join(f"{quote(name)} IS NOT NULL" for name in fields)
    if len(fields) == 1:
        found = f"{quote(fields[0])} IN (SELECT {quote(references[0])} FROM {target})"
    else:
        own = ", ".join(quote(name) for name in fields)
        theirs = ", ".join(quote(name) for name in references)
        found = f"({own}) IN (SELECT ({theirs}) FROM {target})"
    return f"CASE WHEN {given} THEN coalesce({found}, false) END"


def _dated(rule: WrittenRule) -> str:
    if rule.dated_by is None:
        return rule.holds
    bounds = [f"{quote(rule.dated_by)} IS NOT NULL"]
    if rule.valid_from:
        bounds.append(f"{quote(rule.dated_by)} >= DATE {literal(rule.valid_from.isoformat())}")
    if rule.valid_to:
        bounds.append(f"{quote(rule.dated_by)} <= DATE {literal(rule.valid_to.isoformat())}")
    return f"CASE WHEN {' AND '.join(bounds)} THEN ({rule.holds}) END"


def business_id_holds(column: str) -> str:
    """SQL that is true for a Finnish business id with the right check digit, NULL for NULL.

    Weights 7, 9, 10, 5, 8, 4, 2; with the check digit itself at weight 1 the sum is divisible by 11. A remainder
    of 1 would need the digit 10, so such numbers are never given out. Source: the Finnish register's rule,
    which held for all 19,670 companies of Tampere in October 2024.
    """
    digits = [f"CAST(substr({column}, {place}, 1) AS INTEGER)" for place in (1, 2, 3, 4, 5, 6, 7, 9)]
    weighed = " + ".join(
        f"{weight} * {digit}" for weight, digit in zip((7, 9, 10, 5, 8, 4, 2, 1), digits, strict=True)
    )
    return (
        f"CASE WHEN {column} IS NULL THEN NULL"
        f" WHEN NOT regexp_full_match({column}, '[0-9]{{7}}-[0-9]') THEN false"
        f" ELSE ({weighed}) % 11 = 0 END"
    )
