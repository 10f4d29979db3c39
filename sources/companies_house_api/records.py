"""What the API's answers say, as rows: of a company's own record, and of an item of a search.

An optional member is simply not there when it is empty. Numbers come as texts, padded ("02"); dates as ISO texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.findings import Finding, shown
from warehouse.messages import in_languages, message
from warehouse.text import without_controls

ENDED = frozenset({"dissolved", "removed", "closed", "converted-closed"})
"""The statuses of companies that have left the register."""

Path = tuple[str | int, ...]

_ADDRESS: Mapping[str, Sequence[Path]] = {
    column: [("registered_office_address", member)]
    for column, member in {
        "care_of": "care_of",
        "po_box": "po_box",
        "premises": "premises",
        "address_line_1": "address_line_1",
        "address_line_2": "address_line_2",
        "post_town": "locality",
        "county": "region",
        "country": "country",
        "postcode": "postal_code",
    }.items()
}

_COMMON: Mapping[str, Sequence[Path]] = {
    "company_number": [("company_number",)],
    "company_name": [("company_name",)],
    "company_status_code": [("company_status",)],
    "incorporation_date": [("date_of_creation",)],
    "cessation_date": [("date_of_cessation",)],
    **_ADDRESS,
    **{f"sic_code_{n}": [("sic_codes", n - 1)] for n in range(1, 5)},
}

PROFILE: Mapping[str, Sequence[Path]] = {
    **_COMMON,
    "company_status_detail_code": [("company_status_detail",)],
    "company_type_code": [("type",)],
    "company_subtype_code": [("subtype",)],
    "jurisdiction": [("jurisdiction",)],
    "country_of_origin": [("foreign_company_details", "originating_registry", "country")],
    "accounts_ref_day": [("accounts", "accounting_reference_date", "day")],
    "accounts_ref_month": [("accounts", "accounting_reference_date", "month")],
    "accounts_next_due_date": [("accounts", "next_accounts", "due_on"), ("accounts", "next_due")],
    "accounts_last_made_up_date": [
        ("accounts", "last_accounts", "period_end_on"),
        ("accounts", "last_accounts", "made_up_to"),
    ],
    "accounts_category_code": [("accounts", "last_accounts", "type")],
    "returns_next_due_date": [("annual_return", "next_due")],
    "returns_last_made_up_date": [("annual_return", "last_made_up_to")],
    "confirmation_statement_next_due_date": [("confirmation_statement", "next_due")],
    "confirmation_statement_last_made_up_date": [("confirmation_statement", "last_made_up_to")],
}
"""Where a column of ``companies`` stands in a company's own record: the first place that is filled counts."""

FOUND: Mapping[str, Sequence[Path]] = {
    **_COMMON,
    "company_type_code": [("company_type",)],
    "company_subtype_code": [("company_subtype",)],
}
"""Where a column of ``found`` stands in an item of a search."""

_MOST_NAMES = 10  # as in the bulk file


@dataclass
class Rows:
    """The rows of a table while they are read, and what could not be read of them."""

    table: TableDeclaration
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, record: Mapping[str, Any], places: Mapping[str, Sequence[Path]], file: str, row: int) -> None:
        """A record's row; a value that cannot be read stays empty, with a finding at it."""
        said = {name: _first(record, places[name]) for name in places}
        said |= _previous_names(record)
        status = said["company_status_code"]
        made: dict[str, Any] = {"_file": file, "_sheet": None, "_row": row, "has_ended": status in ENDED}
        number = said["company_number"]
        key = str(number) if number is not None else None
        for column in self.table.fields:
            value = said.get(column.name)
            if column.name in made or value is None:
                continue
            try:
                made[column.name] = _read(value, column)
            except (ValueError, TypeError):
                self.findings.append(_unreadable(self.table, column, value, file, row, key))
        self.rows.append(made)


def _first(record: object, places: Sequence[Path]) -> Any:
    for place in places:
        found: Any = record
        for step in place:
            if isinstance(step, int):
                found = found[step] if isinstance(found, list) and len(found) > step else None
            else:
                found = found.get(step) if isinstance(found, dict) else None
        if found not in (None, ""):
            return found
    return None


def _previous_names(record: Mapping[str, Any]) -> dict[str, Any]:
    """The names a company had, the latest first, as the bulk file numbers them."""
    listed = record.get("previous_company_names")
    names = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    latest_first = sorted(names, key=lambda one: str(one.get("ceased_on") or ""), reverse=True)
    said = {}
    for number, one in enumerate(latest_first[:_MOST_NAMES], start=1):
        said[f"previous_name_{number}"] = one.get("name")
        said[f"previous_name_{number}_date"] = one.get("ceased_on")
    return said


def _read(value: object, column: FieldDeclaration) -> object:
    if isinstance(value, dict | list):
        raise ValueError(value)
    if column.type == "date":
        return date.fromisoformat(str(value))
    if column.type == "integer":
        if not str(value).strip().isdecimal():
            raise ValueError(value)
        return int(str(value))
    return without_controls(str(value)).strip() or None


def _unreadable(
    table: TableDeclaration, column: FieldDeclaration, value: object, file: str, row: int, key: str | None
) -> Finding:
    kinds = {"date": message("an ISO date"), "integer": message("a whole number")}
    return Finding(
        rule="unreadable",
        severity=column.severity,
        message=message(
            "{heading} is not {kind}.",
            heading=in_languages(column.title, finnish=column.title_fi),
            kind=kinds.get(column.type) or message("a text"),
        ),
        help=message("The register's answer is not as its specification has it: see what has changed there."),
        table_name=table.name,
        file=file,
        row_number=row,
        column_name=column.name,
        value=shown(value, column),
        row_key=key,
    )
