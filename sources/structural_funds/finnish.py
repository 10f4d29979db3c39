"""The Finnish list of projects ("projektilista"), 2014-2020.

Thirteen columns with commas between them. The list as it is exported is damaged: names hold commas that nobody
quoted, lines end with a semicolon, some with two empty cells more, and a few stand in quotes as a whole. Such a
line is taken apart by what cannot be mistaken: the project's code and the fund at its start, the standing with
its two dates in the middle, the number of the priority axis between two names, and four amounts at the end. Where
that can be done in one way only, it is the record as it was; where it can be done in several ways or in none, the
line goes to quarantine under its code. That rests on one thing the list keeps: its amounts are never empty
(nothing paid is 0).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product

from sources.structural_funds.lists import Cells, Found, Row, clean, lacking, places_of, with_commas
from warehouse import reference
from warehouse.declarations import Severity, TableDeclaration
from warehouse.findings import Finding, QuarantinedRow, key_text
from warehouse.messages import message
from warehouse.organisation_names import is_organisation

COLUMNS = (
    "project_code",
    "fund_code",
    "project_name",
    "priority_axis",
    "authority",
    "status_code",
    "start_date",
    "end_date",
    "lead_name",
    "granted_eu_state_eur",
    "paid_eu_state_eur",
    "planned_public_eur",
    "realised_public_eur",
)
"""The declared names of the list's columns, in its order."""

_AMOUNTS = COLUMNS[-4:]
_WIDTH = len(COLUMNS)
_CODE = re.compile(r"[A-Z][0-9]{5}")
_AXIS = re.compile(r"[0-9]{1,2}")
_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_AMOUNT = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,2})?")
_KEY = re.compile(r'"?([A-Z][0-9]{5}),')
_PADDING = (0, 2)  # empty cells that stand behind the last column

_MOST_CELLS = 60  # a line that falls into more pieces than this is no record of which anything is certain


def read_list(name: str, lines: Sequence[str], table: TableDeclaration) -> Found:
    """The list's projects."""
    header = next(csv.reader([lines[0].rstrip().rstrip(";")]), [])
    places = places_of(header, table)
    findings = lacking(name, places, table)
    if not findings and [places[column] for column in COLUMNS] != list(range(_WIDTH)):
        findings = [_reordered(name, table)]
    if findings:
        return Found(findings=findings)
    rows, quarantined = [], []
    notes = _Notes(name, table)
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        record, is_recovered, reason = take_apart(line)
        if record is None:
            quarantined.append(_set_aside(name, number, line, table))
            findings.append(_quarantined(name, number, line, reason, table))
            continue
        notes.recovered += is_recovered
        cells = Cells(name, number, table, record[0].strip() or None)
        rows.append(_row(record, cells, notes) | {"_file": name, "_sheet": None, "_row": number})
        findings += cells.findings
    return Found(rows, [*findings, *notes.findings(len(rows))], quarantined)


def _reordered(name: str, table: TableDeclaration) -> Finding:
    return Finding(
        rule="other-order",
        severity=Severity.CRITICAL,
        message=message(
            "The columns stand in another order than the list is known by, so damaged lines cannot be told apart."
        ),
        help=message("Hand in the list as its publisher gives it."),
        table_name=table.name,
        file=name,
    )


def take_apart(line: str) -> tuple[list[str] | None, bool, str]:
    """A line's thirteen cells, whether the line was damaged, and why there are none.

    Returns:
        The cells, or None; True if the line was not thirteen cells as it stood; the reason where there are none.
    """
    plain = _unwrapped(line)
    if plain is None:
        return None, False, message("has a quote that is never closed")
    cells = _quoted(plain)
    if cells is not None and _is_in_place(cells):
        return cells, plain != line, ""
    ways = []
    for way in _ways(plain):
        if way not in ways:
            ways.append(way)
    if len(ways) == 1:
        return ways[0], True, ""
    if ways:
        return None, False, message("can be taken apart in {ways} ways", ways=len(ways))
    why = message("cannot be taken apart: code, standing, dates or amounts are not where they belong")
    return None, False, why


def _unwrapped(line: str) -> str | None:
    """A line without what was put around it: the semicolon at its end, quotes around the whole of it."""
    text = line.rstrip()
    text = text[:-1].rstrip() if text.endswith(";") else text
    if not text.startswith('"'):
        return text
    inner = text[1:-1]
    # As a whole, or its first cell only: the code is never quoted by itself together with what follows.
    if text.endswith('"') and len(text) > 1 and _KEY.match(inner) and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return text if text.count('"') % 2 == 0 else None


def _quoted(text: str) -> list[str] | None:
    """The cells of a line that is as CSV should be: thirteen, of which those with commas are quoted."""
    pieces = text.split(",")
    if len(pieces) == _WIDTH and '"' not in text:
        return pieces
    if '"' not in text or re.search(r'(?:^|,)"', text) is None:
        return None
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None
    is_padded = len(cells) - _WIDTH in _PADDING and not any(cells[_WIDTH:])
    return cells[:_WIDTH] if is_padded else None


def _is_in_place(cells: Sequence[str]) -> bool:
    """Whether what cannot be mistaken stands where it belongs, and no date or amount in the other's place.

    A line may have thirteen pieces by chance: a comma too many, and a cell too few.
    """
    given = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))
    return (
        _CODE.fullmatch(given["project_code"]) is not None
        and _code_of("structural_funds", given["fund_code"]) is not None
        and _AXIS.fullmatch(given["priority_axis"]) is not None
        and _code_of("project_status", given["status_code"]) is not None
        and not any(_AMOUNT.fullmatch(given[name]) for name in ("start_date", "end_date"))
        and not any(_DAY.fullmatch(given[name]) for name in _AMOUNTS)
    )


def _ways(text: str) -> Iterator[list[str]]:
    """All ways in which a line with commas too many is a record."""
    pieces = text.split(",")
    if len(pieces) > _MOST_CELLS or not _CODE.fullmatch(pieces[0]) or pieces[1:2] == []:
        return
    if _code_of("structural_funds", pieces[1]) is None:
        return
    for padding in _PADDING:
        if padding and pieces[-padding:] != [""] * padding:
            continue
        cut = pieces[: len(pieces) - padding]
        if len(cut) < _WIDTH or not all(_AMOUNT.fullmatch(piece.strip()) for piece in cut[-4:]):
            continue
        standing = [place for place in range(5, len(cut) - 7) if _is_standing(cut, place)]
        axis = [place for place in range(3, len(cut)) if _AXIS.fullmatch(cut[place].strip())]
        for at, between in product(standing, axis):
            if between < at - 1:
                yield _joined(cut, between, at)


def _is_standing(pieces: Sequence[str], place: int) -> bool:
    """Whether a standing stands there, with two dates after it, which may be empty."""
    dates = [piece.strip() for piece in pieces[place + 1 : place + 3]]
    return _code_of("project_status", pieces[place]) is not None and all(
        not piece or _DAY.fullmatch(piece) for piece in dates
    )


def _joined(pieces: Sequence[str], axis: int, standing: int) -> list[str]:
    return [
        *pieces[:2],
        ",".join(pieces[2:axis]),
        pieces[axis],
        ",".join(pieces[axis + 1 : standing]),
        *pieces[standing : standing + 3],
        ",".join(pieces[standing + 3 : -4]),
        *pieces[-4:],
    ]


def _code_of(code_list: str, text: str) -> str | None:
    return reference.code_lists()[code_list].code_of(text.strip())


def _row(record: Sequence[str], cells: Cells, notes: _Notes) -> Row:
    """A record's cells as values."""
    given = dict(zip(COLUMNS, record, strict=True))
    row: Row = {"project_code": given["project_code"].strip()}
    for name, code_list in (("fund_code", "structural_funds"), ("status_code", "project_status")):
        row[name] = _code_of(code_list, given[name])
        if row[name] is None and given[name].strip():
            cells.unreadable(name, given[name], message("a word of the list"))
    row["priority_axis"] = None
    if _AXIS.fullmatch(axis := given["priority_axis"].strip()):
        row["priority_axis"] = int(axis)
    elif axis:
        cells.unreadable("priority_axis", axis, message("a number of one or two digits"))
    for name in ("start_date", "end_date"):
        expected = message("a day such as {example}", example="1.3.2015")
        row[name] = cells.date(name, given[name], day_of(given[name]), expected)
    for name in _AMOUNTS:
        row[name] = cells.amount(name, given[name])
    notes.bars += "|" in given["project_name"]
    row["project_name"] = clean(with_commas(given["project_name"].replace('""', '"')))
    row["authority"] = _authority(given["authority"])
    return row | _lead(given["lead_name"], row, cells, notes)


def _authority(text: str) -> str | None:
    """An authority's name; where its comma was taken out ("elinkeino-  liikenne- ja"), it is put back."""
    found = clean(text)
    return re.sub(r"(?i)(elinkeino-),? (liikenne-)", r"\1, \2", found) if found else None


def _lead(text: str, row: Row, cells: Cells, notes: _Notes) -> Row:
    """Who carries the project out: public where it is certainly an organisation, else for nobody's eyes."""
    lead = clean(with_commas(text))
    if lead is not None and _AMOUNT.fullmatch(lead):
        cells.unreadable("lead_organisation", lead, message("a name"))
        lead = None
    if lead is None:
        return {"lead_name": None, "lead_organisation": None, "lead_kind_code": "not_stated"}
    if is_organisation(lead):
        return {"lead_name": lead, "lead_organisation": lead, "lead_kind_code": "organisation"}
    notes.withheld += 1
    # A sole trader's project is often called like the trader.
    words = set(re.findall(r"\w{3,}", lead.casefold()))
    named = set(re.findall(r"\w{3,}", (row["project_name"] or "").casefold()))
    if words & named:
        row["project_name"] = None
        notes.names_withheld += 1
    return {"lead_name": lead, "lead_organisation": None, "lead_kind_code": "withheld"}


def day_of(text: str) -> date | None:
    """A day such as ``1.3.2015``; None where there is no such day."""
    found = _DAY.fullmatch(text.strip())
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


def _set_aside(name: str, number: int, line: str, table: TableDeclaration) -> QuarantinedRow:
    key = _KEY.match(line)
    known = key_text({"project_code": key[1]}) if key else None
    return QuarantinedRow(table.name, name, None, number, _shown(line), known)


def _shown(line: str) -> str:
    """A line as a quarantine may keep it: without who carries the project out, since that may be a person.

    What stands behind the standing's dates is a name up to the amounts; of a line that could not be taken apart
    nobody knows how far, so all words there go. Of a line without a standing only the start is kept.
    """
    pieces = line[:_SHOWN].split(",")
    standing = next((place for place, piece in enumerate(pieces) if _code_of("project_status", piece)), 2)
    behind = ["(withheld)" if re.search(r"[^\W\d]", piece) else piece for piece in pieces[standing + 1 :]]
    return ",".join([*pieces[: standing + 1], *behind])


_SHOWN = 2_000


def _quarantined(name: str, number: int, line: str, reason: str, table: TableDeclaration) -> Finding:
    key = _KEY.match(line)
    return Finding(
        rule="unreadable-record",
        severity=Severity.ERROR,
        message=message("The line {reason}.", reason=reason),
        help=message(
            "Look the project up by its code at the publisher's service; if the line is broken there, tell them."
        ),
        table_name=table.name,
        file=name,
        row_number=number,
        row_key=key[1] if key else None,
    )


class _Notes:
    """What was put right in many places, counted and said once."""

    def __init__(self, file: str, table: TableDeclaration) -> None:
        self._file = file
        self._table = table
        self.recovered = 0
        self.bars = 0
        self.withheld = 0
        self.names_withheld = 0

    def findings(self, rows: int) -> list[Finding]:
        """A finding for each kind that there was."""
        found = []
        if self.recovered:
            what = message(
                "{count} of {rows} lines were damaged (commas that nobody quoted, cells or semicolons at the"
                " end) and"
                " could be read in one way only.",
                count=self.recovered,
                rows=rows,
            )
            advice = message("Nothing: see the quarantine for those that could not.")
            found.append(self._one("recovered", what, None, advice))
        if self.bars:
            what = message(
                "In {count} names a bar stood in place of a comma; it was read as a comma.", count=self.bars
            )
            advice = message("Nothing, if the names read well.")
            found.append(self._one("bar-for-comma", what, "project_name", advice))
        if self.withheld:
            what = message(
                "{count} names of leads are withheld: they may be persons (sole traders), and the list does not"
                " say."
                " So are {projects} names of their projects that repeat them.",
                count=self.withheld,
                projects=self.names_withheld,
            )
            advice = message("Nothing: this is as it should be.")
            found.append(self._one("withheld-lead", what, "lead_organisation", advice))
        return found

    def _one(self, rule: str, what: str, column: str | None, advice: str) -> Finding:
        return Finding(
            rule=rule,
            severity=Severity.INFO,
            message=what,
            help=advice,
            table_name=self._table.name,
            file=self._file,
            column_name=column,
        )
