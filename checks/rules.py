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

from pydantic import Field, model_validator

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
from warehouse.identifiers import IDENTIFIERS
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
    passes. ``valid_from`` and ``valid_to`` limit the rule to rows whose ``dated_by`` lies between them: rules of
    programmes and laws change, and an old row is judged by the rule of its day.

    Instead of ``holds``, ``spans`` may name a list of ``warehouse/reference/usual_spans.yaml``: the first column's
    value, if above zero, should be what is usual in the row's ``programme`` at its date. ``{span}`` in the message
    becomes what was expected, of whom and when.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    severity: Severity
    columns: tuple[str, ...] = Field(min_length=1)
    holds: str | None = None
    spans: str | None = None
    message: str
    help: str
    source: str  # where the rule comes from
    dated_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> WrittenRule:
        if (self.holds is None) is (self.spans is None):
            raise ValueError(f"rule {self.id}: it needs either holds or spans")
        if self.spans is not None and self.spans not in reference.usual_spans():
            raise ValueError(f"rule {self.id}: warehouse/reference/usual_spans.yaml has no list {self.spans}")
        return self


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
    for key in table.foreign_keys:
        there = key.table.replace("_", " ").capitalize()
        holds = _reference_holds(key.fields, key.references, f"{schema}.{quote(key.table)}")
        message, advice = (
            f"There is no such row in {there}.",
            f"Write it as it stands in {there}, or add it there.",
        )
        rules.append(_unexpected_rows("reference", key.severity, key.fields, message, advice, holds))
    for rule in written:
        if rule.holds is not None:
            holds = _dated(rule, rule.holds)
            rules.append(_unexpected_rows(rule.id, rule.severity, rule.columns, rule.message, rule.help, holds))
        elif rule.spans is not None:
            rules += _usual(rule, reference.usual_spans()[rule.spans])
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


def _usual(rule: WrittenRule, spans: Sequence[reference.UsualSpan]) -> list[Rule]:
    """A rule for each programme that has spans: its words say what is usual there."""
    by_programme: dict[tuple[str, str | None], list[reference.UsualSpan]] = {}
    for span in spans:
        by_programme.setdefault((span.programme, span.matches), []).append(span)
    value = quote(rule.columns[0])
    is_others = " OR ".join(
        f"({_of_programme(span.matches)} AND {_in_time(rule, span)})" for span in spans if span.matches
    )
    found = []
    for number, ((programme, matches), own) in enumerate(by_programme.items()):
        usual = " OR ".join(
            f"({_in_time(rule, span)} AND {value} BETWEEN {span.low or 0} AND {span.high})" for span in own
        )
        in_time = " OR ".join(_in_time(rule, span) for span in own)
        whose = _of_programme(matches) if matches else f"NOT ({is_others or 'false'})"
        words = " or ".join(_in_words(span) for span in own)
        found.append(
            _unexpected_rows(
                rule.id,
                rule.severity,
                rule.columns,
                rule.message.replace("{span}", f"{words} in {programme}"),
                rule.help,
                _dated(rule, f"CASE WHEN {whose} AND ({in_time}) AND {value} > 0 THEN {usual} END"),
                part=str(number),
            )
        )
    return found


def _of_programme(matches: str) -> str:
    return f"coalesce(regexp_matches(programme, {literal(matches)}, 'i'), false)"


def _in_time(rule: WrittenRule, span: reference.UsualSpan) -> str:
    """SQL that is true where a span may hold for the row: one without a date may belong to any time."""
    if rule.dated_by is None:
        return "true"
    day = quote(rule.dated_by)
    first, last = span.valid_from or date.min, span.valid_to or date.max
    return f"({day} IS NULL OR {day} BETWEEN DATE {literal(str(first))} AND DATE {literal(str(last))})"


def _in_words(span: reference.UsualSpan) -> str:
    if span.low is None:
        words = f"at most {span.high:,}"
    else:
        words = f"{span.low:,}" if span.low == span.high else f"{span.low:,} to {span.high:,}"
    years = sorted({day.year for day in (span.valid_from, span.valid_to) if day})
    return f"{words} ({' to '.join(map(str, years))})" if years else words


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
    if limits.check is not None:
        identifier = IDENTIFIERS[limits.check]
        holds = identifier.holds(quote(field.name))
        if limits.pattern is not None:  # a wrong form is that rule's finding: one cell, one fault
            form = f"regexp_full_match({quote(field.name)}, {literal(limits.pattern)})"
            holds = f"CASE WHEN {form} THEN {holds} END"
        rules.append(
            _unexpected_rows(
                "check-digit",
                field.severity,
                (field.name,),
                f"{field.title} {identifier.fault}",
                field.help or identifier.advice,
                holds,
            )
        )
    return rules


def _bound(value: int | float | date | None) -> int | float | datetime | None:
    # Great Expectations compares dates only when the bounds are datetimes.
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


def _unexpected_rows(
    rule_id: str,
    severity: Severity,
    columns: tuple[str, ...],
    message: str,
    advice: str,
    holds: str,
    part: str = "",  # tells expectations of one rule apart
) -> Rule:
    literal_braces = holds.replace("{", "{{").replace("}", "}}")  # {batch} is the only place to be filled in
    query = f"SELECT {ROW_ID} FROM {{batch}} WHERE NOT ({literal_braces})"
    name = f"{rule_id}{part}:{'+'.join(columns)}"
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


def _dated(rule: WrittenRule, holds: str) -> str:
    if rule.dated_by is None or not (rule.valid_from or rule.valid_to):
        return holds
    bounds = [f"{quote(rule.dated_by)} IS NOT NULL"]
    if rule.valid_from:
        bounds.append(f"{quote(rule.dated_by)} >= DATE {literal(rule.valid_from.isoformat())}")
    if rule.valid_to:
        bounds.append(f"{quote(rule.dated_by)} <= DATE {literal(rule.valid_to.isoformat())}")
    return f"CASE WHEN {' AND '.join(bounds)} THEN ({holds}) END"
