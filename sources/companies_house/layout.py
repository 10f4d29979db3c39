"""What a file's header says: which column is where. Columns are found by name, never by position.

The bulk file's header is unquoted, some names begin with a space, and which ones varies by release (2020-06:
`` CompanyNumber``, `` RegAddress.AddressLine2``, ...); names are compared without spaces, case and punctuation.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration, normalised
from warehouse.findings import Finding
from warehouse.messages import message

_HEADER_LIMIT = 64 << 10
_BOM = b"\xef\xbb\xbf"


# Beyond ASCII what nobody sees; ``sources.loading.UNSEEN`` has the same characters.
_UNSEEN_BYTES = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbf[\xbe\xbf]")
_LINE_ENDS = frozenset(b"\r\n")


class Tally:
    """Counts in a file's bytes as they pass: lines, and signs that it is none for DuckDB's reader."""

    def __init__(self) -> None:
        self._feeds = 0
        self._returns = 0
        self._pairs = 0  # returns before a feed
        self._controls: set[int] = set()
        self._has_unseen = False
        self._last = b"\n"
        self._carried = b""  # the last bytes beyond ASCII: a character may lie across two pieces

    def add(self, piece: bytes) -> None:
        """Count in the next piece."""
        import numpy as np  # a gigabyte in half a second

        codes = np.frombuffer(piece, dtype=np.uint8)
        feeds, returns = piece.count(b"\n"), piece.count(b"\r")
        self._feeds += feeds
        self._returns += returns
        self._pairs += piece.count(b"\r\n") + (self._last == b"\r" and piece[:1] == b"\n")
        if int(np.count_nonzero(codes < 0x20)) != feeds + returns:
            self._controls |= set(codes[codes < 0x20].tolist()) - _LINE_ENDS
        if b"\x7f" in piece:
            self._controls.add(0x7F)
        self._last = piece[-1:] or self._last
        beyond = self._carried + codes[codes >= 0x80].tobytes()
        self._has_unseen = self._has_unseen or _UNSEEN_BYTES.search(beyond) is not None
        self._carried = beyond[-2:]

    @property
    def is_plain(self) -> bool:
        """No NUL, and every line with the same end.

        DuckDB takes a return by itself for an end, and a quote that is open at the end of the file for closed.
        """
        return (
            0 not in self._controls
            and self._pairs == self._returns
            and self._returns in (0, self._feeds)
            and self._last == b"\n"
        )

    @property
    def may_hide(self) -> str | None:
        """The SQL of whether the text ``{column}`` may hold what nobody sees, cheaply; None if no text can.

        Such characters are rare, but there are some in every month of the register.
        """
        controls = self._controls | ({0x0D} if self._pairs != self._returns else set())
        tests = [f"contains({{column}}, chr({code}))" for code in sorted(controls - {0})]
        if self._has_unseen:
            tests.append("strlen({column}) <> length({column})")
        return " OR ".join(tests) or None

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


def may_hide(files: Sequence[CsvFile]) -> str | None:
    """``Tally.may_hide`` of several files."""
    return " OR ".join({test for file in files if (test := file.tally.may_hide)}) or None


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
                    message=message("The column “{heading}” is not known; it was left out.", heading=text[:100]),
                    help=message("If the publisher has added or renamed a column, add it to the declaration."),
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
                    message=message(
                        "The column “{heading}” stands in the header more than once; the first one was read.",
                        heading=text[:100],
                    ),
                    help=message("See which of the two is right, and tell the publisher."),
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
                message=message(
                    "No header was found: of {columns} columns the first line names {named}. It begins with:"
                    " {start}",
                    columns=len(table.fields),
                    named=len(places),
                    start=_without_values(seen),
                ),
                help=message(
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
            message=message("The column “{title}” is missing.", title=(field.source_names or (field.title,))[0]),
            help=message("See whether the publisher has renamed or dropped it, and change the declaration if so."),
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
