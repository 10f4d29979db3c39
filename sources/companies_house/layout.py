"""What a file's header says: which column is where. Columns are found by name, never by position.

The bulk file's header is unquoted, some names begin with a space, and which ones varies by release (2020-06:
`` CompanyNumber``, `` RegAddress.AddressLine2``, ...); names are compared without spaces, case and punctuation.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration, normalised
from warehouse.findings import Finding

_HEADER_LIMIT = 64 << 10
_BOM = b"\xef\xbb\xbf"


# Beyond ASCII what nobody sees: C1 controls, marks that turn the direction of writing, and what is no character.
_HIDDEN_BYTES = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbf[\xbe\xbf]")


class Tally:
    """Counts in a file's bytes as they pass: lines, and signs that it is none for DuckDB's reader."""

    def __init__(self) -> None:
        self._feeds = 0
        self._returns = 0
        self._pairs = 0  # returns before a feed
        self._controls = 0
        self._has_hidden = False
        self._last = b"\n"
        self._carried = b""  # the last bytes beyond ASCII: a character may lie across two pieces

    def add(self, piece: bytes) -> None:
        """Count in the next piece."""
        import numpy as np  # a gigabyte in half a second

        codes = np.frombuffer(piece, dtype=np.uint8)
        self._feeds += piece.count(b"\n")
        self._returns += piece.count(b"\r")
        self._pairs += piece.count(b"\r\n") + (self._last == b"\r" and piece[:1] == b"\n")
        self._controls += int(np.count_nonzero(codes < 0x20)) + piece.count(b"\x7f")
        self._last = piece[-1:] or self._last
        beyond = self._carried + codes[codes >= 0x80].tobytes()
        self._has_hidden = self._has_hidden or _HIDDEN_BYTES.search(beyond) is not None
        self._carried = beyond[-2:]

    @property
    def is_plain(self) -> bool:
        """No control or hidden character, and every line with the same end.

        DuckDB takes a return by itself for an end, and a quote that is open at the end of the file for closed.
        """
        return not self.has_hidden and self._returns in (0, self._feeds) and self._last == b"\n"

    @property
    def has_hidden(self) -> bool:
        """Whether there is a control character that ends no line, or another that nobody sees."""
        return self._has_hidden or self._controls != self._feeds + self._pairs

    @property
    def lines(self) -> int:
        """The lines so far; the last one counts whether or not a line feed ends it."""
        return self._feeds + (self._last != b"\n")


@dataclass(frozen=True)
class CsvFile:
    """A CSV that can be read. ``name`` is that of the archived file, ``width`` the number of its columns."""

    path: Path
    name: str
    width: int
    places: Mapping[str, int]  # declared name -> position in the file, from 0
    tally: Tally


def describe(path: Path, name: str, tally: Tally, table: TableDeclaration) -> tuple[CsvFile | None, list[Finding]]:
    """Read a file's header. None in place of the file where there is no header to go by.

    Args:
        path: the CSV.
        name: the name its rows are to carry.
        tally: what was counted in it.
        table: the declared table.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER_LIMIT)
    line = start.removeprefix(_BOM).partition(b"\n")[0].rstrip(b"\r")
    try:
        header = [text.strip() for text in next(csv.reader([line.decode("utf-8")]), [])]
    except (UnicodeDecodeError, csv.Error):
        header = []
    places: dict[str, int] = {}
    findings = []
    known = _names(table)
    for position, text in enumerate(header):
        field = known.get(normalised(text))
        if field is None:
            findings.append(
                Finding(
                    rule="unknown-column",
                    severity=Severity.WARNING,
                    message=f"The column '{text[:100]}' is not known; it was left out.",
                    help="If the publisher has added or renamed a column, add it to the declaration.",
                    table_name=table.name,
                    file=name,
                    column_name=text[:100],
                )
            )
        elif field.name in places:
            findings.append(
                Finding(
                    rule="duplicate-column",
                    severity=Severity.WARNING,
                    message=f"The column '{text}' stands in the header more than once; the first one was read.",
                    help="See which of the two is right, and tell the publisher.",
                    table_name=table.name,
                    file=name,
                    column_name=field.name,
                )
            )
        else:
            places[field.name] = position
    if len(places) * 2 < len(table.fields):
        seen = ", ".join(header[:5]) or line[:60].decode("utf-8", errors="replace")
        return None, [
            Finding(
                rule="missing-header",
                severity=Severity.CRITICAL,
                message=(
                    f"No header was found: of {len(table.fields)} columns the first line names {len(places)}."
                    f" It begins with: {_without_values(seen)}"
                ),
                help=(
                    "The file must be the publisher's CSV in UTF-8, its first line the names of the columns,"
                    " separated by commas."
                ),
                table_name=table.name,
                file=name,
            )
        ]
    findings += [
        Finding(
            rule="missing-column",
            severity=Severity.CRITICAL,
            message=f"The column '{(field.source_names or (field.title,))[0]}' is missing.",
            help="See whether the publisher has renamed or dropped it, and change the declaration if so.",
            table_name=table.name,
            file=name,
            column_name=field.name,
        )
        for field in table.fields
        if field.name not in places and field.presence == "mandatory"
    ]
    return CsvFile(path, name, len(header), places, tally), findings


def _names(table: TableDeclaration) -> dict[str, FieldDeclaration]:
    """Every text by which a column may be called; the publisher's own names win over ours."""
    ours = {normalised(text): field for field in table.fields for text in (field.title, field.name)}
    theirs = {normalised(text): field for field in table.fields for text in field.source_names}
    return ours | theirs


def _without_values(text: str) -> str:
    """The start of what may be a row of data: only its shape, for it could hold anything."""
    shapes = ("x" if c.isalpha() else "9" if c.isdigit() else c if c.isprintable() else "?" for c in text[:60])
    return "".join(shapes)
