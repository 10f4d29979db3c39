"""The list of beneficiaries of the structural and investment funds in England, 2014-2020.

A CSV file with quotes where they belong, saved by a German spreadsheet: days as ``01. Nov 15`` and ``31. Dez 18``,
a few as months only (``Feb 16``), decimal commas. Its header says "£m", its amounts are pounds: which of the two,
the amounts themselves decide, and a finding says so.
"""

from __future__ import annotations

import csv
import hashlib
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from sources.structural_funds.lists import Cells, Found, Row, at, clean, lacking, last_of_month, places_of
from warehouse import reference
from warehouse.declarations import Severity, TableDeclaration, normalised
from warehouse.findings import Finding, QuarantinedRow
from warehouse.messages import message
from warehouse.organisation_names import may_be_person

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mrz mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"),
        start=1,
    )
    for name in names.split()
}
_WORDED = re.compile(r"(?:([0-9]{1,2})[. -]+)?([A-Za-zÄä]{3})[a-zä]*\.?[ -]+([0-9]{4}|[0-9]{2})")
_DIGITS = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_SHARE = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,4})?)\s*%")
_AMOUNTS = ("eu_gbp", "total_cost_gbp")

# What a project of the funds costs: between a thousand pounds and a thousand million. A typical one of less than a
# thousand is counted in millions, a typical one of ten thousand or more in pounds; between them it is not certain.
_MILLIONS_BELOW = 1_000
_POUNDS_FROM = 10_000


def read_list(name: str, lines: Sequence[str], table: TableDeclaration) -> Found:
    """The list's projects."""
    records = list(_records(lines))
    header = records[0][1] if records else []
    places = places_of(header, table)
    if findings := lacking(name, places, table):
        return Found(findings=findings)
    findings, rows, quarantined = [], [], []
    withheld = 0
    for number, record in records[1:]:
        if len(record) != len(header):
            quarantined.append(QuarantinedRow(table.name, name, None, number, ",".join(record)[:2_000]))
            findings.append(_broken(name, number, len(record), len(header), table))
            continue
        cells = Cells(name, number, table)
        row = _row({column: record[place] for column, place in places.items()}, cells)
        withheld += row["recipient_kind_code"] == "withheld"
        rows.append(row | {"_file": name, "_sheet": None, "_row": number})
        findings += cells.findings
    findings += _units(name, [header[places[column]] for column in _AMOUNTS], rows, table)
    _number(rows)
    keys = {row["_row"]: row["project_ref"] for row in rows}
    findings = [at(one, row_key=keys.get(one.row_number)) if one.row_number else one for one in findings]
    if withheld:
        findings.append(_withheld(name, withheld, table))
    return Found(rows, findings, quarantined)


def _records(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The records with the number of their first line; blank lines are none."""
    reader = csv.reader(f"{line}\n" for line in lines)
    first = 1
    for record in reader:
        if any(cell.strip() for cell in record):
            yield first, record
        first = reader.line_num + 1


def _row(given: dict[str, str], cells: Cells) -> Row:
    """A record's cells as values; amounts as they stand, in whatever unit."""
    row: Row = {name: clean(given.get(name, "")) for name in ("project_name", "summary", "lep_area", "country")}
    row["postcode"] = _postcode(given.get("postcode", ""))
    row["focus_text"] = clean(given.get("focus_text", ""))
    row["fund_code"] = _fund(given["fund_code"])
    if row["fund_code"] is None and given["fund_code"].strip():
        cells.unreadable("fund_code", given["fund_code"], message("ERDF or ESF"))
    for side in ("start", "end"):
        found, precision = day_of(given[f"{side}_date"], is_end=side == "end")
        expected = message("a day such as {example}", example="01. Nov 15")
        row[f"{side}_date"] = cells.date(f"{side}_date", given[f"{side}_date"], found, expected)
        row[f"{side}_precision_code"] = precision
    for name in _AMOUNTS:
        row[name] = cells.amount(name, given[name], decimal_comma=True)
    row |= _share(given["eu_share_pct"], cells)
    recipient = clean(given["recipient_name"])
    kind = "not_stated" if recipient is None else "withheld" if may_be_person(recipient) else "organisation"
    row |= {"recipient_name": recipient, "recipient_kind_code": kind}
    row["recipient_organisation"] = recipient if kind == "organisation" else None
    return row


def _fund(text: str) -> str | None:
    """The fund; "ESF (inc YEI)" and "ESF [ inc YEI]" are one."""
    return reference.code_lists()["structural_funds"].code_of(normalised(text))


def _postcode(text: str) -> str | None:
    """A postcode with its space before the last three signs; anything else as it stands."""
    plain = re.sub(r"\s+", "", text).upper()
    if re.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}", plain):
        return f"{plain[:-3]} {plain[-3:]}"
    return clean(text)


def day_of(text: str, *, is_end: bool) -> tuple[date | None, str | None]:
    """A day and how exact it is: ``day``, or ``month`` for its first or, of an end, its last day."""
    given = text.strip()
    try:
        if found := _DIGITS.fullmatch(given):
            return date(int(found[3]), int(found[2]), int(found[1])), "day"
        found = _WORDED.fullmatch(given)
        month = _MONTHS.get(found[2].casefold()) if found else None
        if found is None or month is None:
            return None, None
        year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
        if found[1]:
            return date(year, month, int(found[1])), "day"
        return (last_of_month(year, month) if is_end else date(year, month, 1)), "month"
    except ValueError:
        return None, None


def _share(text: str, cells: Cells) -> Row:
    """The share that the EU pays; two shares for two kinds of region are a text and no number."""
    given = clean(text)
    if given is None:
        return {"eu_share_pct": None, "eu_share_text": None}
    if found := _SHARE.fullmatch(given):
        return {"eu_share_pct": Decimal(found[1].replace(",", ".")), "eu_share_text": None}
    if len(_SHARE.findall(given)) < 2:
        cells.unreadable("eu_share_pct", given, message("a share such as 60%"))
    return {"eu_share_pct": None, "eu_share_text": given}


def _units(name: str, headers: Sequence[str], rows: Sequence[Row], table: TableDeclaration) -> list[Finding]:
    """Bring the amounts into pounds, and say what they were."""
    amounts = [abs(row["total_cost_gbp"]) for row in rows if row["total_cost_gbp"]]
    if not amounts:
        return []
    middle = statistics.median(amounts)
    says_millions = any(re.search(r"(?i)£\s*m\b|million", header) for header in headers)
    if middle < _MILLIONS_BELOW:
        for row in rows:
            for column in _AMOUNTS:
                row[column] = row[column] * 1_000_000 if row[column] is not None else None
        return (
            [] if says_millions else [_unit(name, middle, message("millions of pounds"), Severity.WARNING, table)]
        )
    if middle >= _POUNDS_FROM:
        return [_unit(name, middle, message("pounds"), Severity.INFO, table)] if says_millions else []
    for row in rows:
        row.update(dict.fromkeys(_AMOUNTS))
    return [_unit(name, middle, None, Severity.CRITICAL, table)]


def _unit(name: str, middle: Decimal, unit: str | None, severity: Severity, table: TableDeclaration) -> Finding:
    decided = (
        message("so they are {unit}, and were read so", unit=unit)
        if unit
        else message("so nobody can say whether they are pounds or £m")
    )
    return Finding(
        rule="unit-of-amounts",
        severity=severity,
        message=message(
            "Half of the projects cost more than {middle} in the unit of the list, whatever its header says:"
            " {decided}.",
            middle=f"{middle:,.2f}",
            decided=decided,
        ),
        help=message("Ask the publisher to correct the header.")
        if unit
        else message("Ask the publisher in which unit the amounts are."),
        table_name=table.name,
        file=name,
        column_name="total_cost_gbp" if unit else None,
    )


def _number(rows: Sequence[Row]) -> None:
    """Give each project a reference of its own.

    The list has no codes. The reference is made of what a project is called, who carries it out, where, and when
    it began, so it stays when its amounts are corrected; projects alike in all of these are numbered by amount.
    """
    seen: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: (row["eu_gbp"] or 0, row["total_cost_gbp"] or 0, row["_row"])):
        parts = (
            row["recipient_organisation"],
            row["project_name"],
            row["fund_code"],
            row["lep_area"],
            row["start_date"],
        )
        text = "\n".join(normalised(str(part or "")) for part in parts)
        found = hashlib.sha256(text.encode()).hexdigest()[:10]
        seen[found] += 1
        row["project_ref"] = found if seen[found] == 1 else f"{found}-{seen[found]}"


def _broken(name: str, number: int, found: int, wanted: int, table: TableDeclaration) -> Finding:
    return Finding(
        rule="unreadable-record",
        severity=Severity.ERROR,
        message=message("The record has {found} cells where the header has {wanted}.", found=found, wanted=wanted),
        help=message("Compare it with its neighbours in the list; if it is broken there, tell the publisher."),
        table_name=table.name,
        file=name,
        row_number=number,
    )


def _withheld(name: str, count: int, table: TableDeclaration) -> Finding:
    return Finding(
        rule="withheld-recipient",
        severity=Severity.INFO,
        message=message("{count} names of recipients are withheld: they may be persons.", count=count),
        help=message("Nothing: this is as it should be."),
        table_name=table.name,
        file=name,
        column_name="recipient_organisation",
    )
