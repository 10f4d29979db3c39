"""What the lists of several countries share: their lines, their headers, cells, and what is found in them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from warehouse.declarations import (
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    normalised,
)
from warehouse.findings import Finding, QuarantinedRow
from warehouse.messages import in_languages, message
from warehouse.text import without_controls

MAX_BYTES = 200 << 20
"""A list has a line a project, at most a few ten thousand: more bytes than this are no list."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What a list gave: rows by declared name with their place, findings, and records set aside."""

    rows: Sequence[Row] = ()
    findings: Sequence[Finding] = field(default=())
    quarantined: Sequence[QuarantinedRow] = field(default=())

    def joined(self, other: Found) -> Found:
        """This and another file of the same list."""
        return Found(
            [*self.rows, *other.rows],
            [*self.findings, *other.findings],
            [*self.quarantined, *other.quarantined],
        )


def lines_of(path: Path) -> tuple[list[str], list[Finding]]:
    """A file's lines without their ends, and what is wrong with the file as a whole.

    UTF-8 with or without BOM, else Windows-1252. Where a list was decoded with the wrong table before it came,
    the quotes and dashes of Windows-1252 stand in it as control characters (U+0091, U+0092, ...), which mean
    nothing in a text: they become what they were.
    """
    findings = []
    if path.stat().st_size > MAX_BYTES:
        what = message(
            "The file has {bytes} bytes; a list has less than {most}.", bytes=path.stat().st_size, most=MAX_BYTES
        )
        advice = message("See what it is, and fetch it again.")
        return [], [_of_file(path, "too-large", Severity.CRITICAL, what, advice)]
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        what = message("The file is not UTF-8; it was read as Windows-1252.")
        findings.append(_of_file(path, "encoding", Severity.INFO, what, message("Save it as CSV UTF-8.")))
    debris = len(_DEBRIS.findall(text))
    if debris:
        text = _DEBRIS.sub(_meant, text)
        what = message(
            "{count} quotes, dashes and bullets were damaged when the list was made (Windows-1252 taken for"
            " Latin-1)."
            " They were put right.",
            count=debris,
        )
        findings.append(_of_file(path, "damaged-characters", Severity.INFO, what, message("Tell the publisher.")))
    lines = re.split("\r\n|\n|\r", text)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines, findings


_DEBRIS = re.compile("[\u0080-\u009f]")


def _meant(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("cp1252", errors="ignore")


def _of_file(path: Path, rule: str, severity: Severity, what: str, advice: str) -> Finding:
    return Finding(rule=rule, severity=severity, message=what, help=advice, file=path.name)


def table_of(header: str, declaration: SourceDeclaration) -> TableDeclaration | None:
    """The declared table of which a header line names most columns, if it names at least half of them."""
    cells = {normalised(cell) for cell in header.rstrip(";").split(",")}
    hits = {
        table.name: sum(bool(_names(field) & cells) for field in table.fields if field.source_names)
        for table in declaration.tables
    }
    name = max(hits, key=lambda one: hits[one])
    listed = sum(bool(field.source_names) for field in declaration.table(name).fields)
    return declaration.table(name) if hits[name] * 2 >= listed else None


def _names(field: FieldDeclaration) -> set[str]:
    return {normalised(name) for name in field.source_names}


def places_of(header: Sequence[str], table: TableDeclaration) -> dict[str, int]:
    """Where each declared field's column stands in a header; fields that it lacks are left out."""
    cells = [normalised(cell) for cell in header]
    return {
        field.name: next(place for place, cell in enumerate(cells) if cell in _names(field))
        for field in table.fields
        if _names(field) & set(cells)
    }


def lacking(name: str, places: Mapping[str, int], table: TableDeclaration) -> list[Finding]:
    """A critical finding for every column that the header should have and has not."""
    return [
        Finding(
            rule="missing-column",
            severity=Severity.CRITICAL,
            message=message("The column “{title}” is missing.", title=field.source_names[0]),
            help=message(
                "Hand in the list as its publisher gives it; if the column has another name now, tell us."
            ),
            table_name=table.name,
            file=name,
            column_name=field.name,
        )
        for field in table.fields
        if field.source_names and field.presence == "mandatory" and field.name not in places
    ]


def clean(text: str) -> str | None:
    """A cell's text on one line, without what nobody sees; None for an empty one."""
    return re.sub(r"\s+", " ", without_controls(text).replace("\u00a0", " ")).strip() or None


def with_commas(text: str) -> str:
    """A name in which a bar stands in place of a comma, as it was."""
    return re.sub(r"\s*\|\s*", ", ", text)


class Cells:
    """One record's cells on their way into a row: what cannot be read is left empty, with a finding."""

    def __init__(self, file: str, row: int, table: TableDeclaration, key: str | None = None) -> None:
        self._place = {"file": file, "row_number": row, "table_name": table.name, "row_key": key}
        self._table = table
        self.findings: list[Finding] = []

    def note(self, name: str, rule: str, severity: Severity, what: str, value: str | None = None) -> None:
        """A finding at a cell."""
        field = self._table.field(name)
        self.findings.append(
            Finding(
                rule=rule,
                severity=severity,
                message=what,
                help=in_languages(field.help, finnish=field.help_fi) or message("Look it up at the publisher."),
                column_name=name,
                value=value,
                **self._place,  # type: ignore[arg-type]
            )
        )

    def unreadable(self, name: str, text: str, expected: str) -> None:
        """The finding on a cell that cannot be read."""
        field = self._table.field(name)
        what = message(
            "{heading} cannot be read: expected is {expected}.",
            heading=in_languages(field.title, finnish=field.title_fi),
            expected=expected,
        )
        self.note(name, "unreadable", field.severity, what, text.strip()[:200])

    def date(self, name: str, text: str, found: date | None, expected: str) -> date | None:
        """A date as it was read; a finding where there is a text but no date."""
        if found is None and text.strip():
            self.unreadable(name, text, expected)
        return found

    def amount(self, name: str, text: str, *, decimal_comma: bool = False) -> Decimal | None:
        """An amount of digits, with two decimals behind the list's own sign at most."""
        given = text.strip()
        pattern = r"-?[0-9]{1,13}(?:,[0-9]{1,2})?" if decimal_comma else r"-?[0-9]{1,13}(?:\.[0-9]{1,2})?"
        if re.fullmatch(pattern, given):
            return Decimal(given.replace(",", "."))
        if given:
            expected = (
                message("a sum in digits, with a decimal comma if any")
                if decimal_comma
                else message("a sum in digits, with a decimal point if any")
            )
            self.unreadable(name, text, expected)
        return None


def last_of_month(year: int, month: int) -> date:
    """The month's last day."""
    return date(year, month, calendar.monthrange(year, month)[1])


def at(found: Finding, **place: Any) -> Finding:
    """A finding at another place."""
    return replace(found, **place)
