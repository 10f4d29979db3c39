"""An export of LimeSurvey as a table of texts: one row a response, one column a question.

The dialect, as the tool's users know it (none was seen live): a header of question codes (``Q1``, ``Q2[SQ001]``),
or of codes and questions (``Q1. How satisfied ...``); before them ``id``, ``submitdate``, ``lastpage``,
``startlanguage`` and what else the survey was told to keep (times, addresses, tokens); comma, semicolon or tab;
UTF-8, mostly with a mark. ``submitdate`` is empty where a response was begun and never submitted, and the first of
January 1980 where the survey is anonymous.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sources import SourceError
from warehouse.messages import listed, message

if TYPE_CHECKING:
    import pandas as pd

ID, SUBMITTED = "id", "submitdate"
LINE = "_row"  # the row in the file, its header being row 1
MAX_BYTES = 200 << 20
_NAMES = {"response id": ID, "date submitted": SUBMITTED, "submitted": SUBMITTED}
_CODE = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*(?:\s?\[[^\]]*\])*)(?:[.:\s].*)?", re.DOTALL)


@dataclass(frozen=True)
class Export:
    """The responses as texts, by the questions' codes; and the rows with more or fewer cells than the header."""

    responses: pd.DataFrame
    misfits: Sequence[int]


@dataclass(frozen=True)
class Record:
    """A record of an export: its cells as they stand, and where its bytes begin and end in the file."""

    cells: Sequence[str]
    start: int
    end: int


def read_export(path: Path) -> Export:
    """The export in a file.

    Raises:
        SourceError: it is no such export; the message says what is missing.
    """
    import pandas as pd

    rows = (record.cells for record in records(path))
    header = header_of(path, next(rows, []))
    good: list[list[str]] = []
    misfits = []
    for number, row in enumerate(rows, start=2):
        if len(row) == len(header):
            good.append([*(cell.strip() for cell in row), str(number)])
        elif any(row):
            misfits.append(number)
    return Export(pd.DataFrame(good, columns=[*header, LINE], dtype=str), misfits)


def header_of(path: Path, cells: Sequence[str]) -> list[str]:
    """The questions' codes, and the tool's own names, from the first record of an export.

    Raises:
        SourceError: it is no header of such an export.
    """
    header = [_named(text) for text in cells]
    lacking = [name for name in (ID, SUBMITTED) if name not in header]
    if lacking:
        raise SourceError(
            message(
                "{file} has no column {columns}. Export the responses from LimeSurvey as CSV with question"
                " codes as"
                " headings, with the response's id and the date it was submitted.",
                file=path.name,
                columns=listed(lacking),
            )
        )
    if doubled := sorted({name for name in header if header.count(name) > 1}):
        raise SourceError(
            message(
                "{file} has two columns “{column}”. Export with question codes as headings.",
                file=path.name,
                column=doubled[0],
            )
        )
    return header


def records(path: Path) -> Iterator[Record]:
    """The file's records. A quotation mark that is missing joins records into one, whose length is then wrong: it
    is set aside, and as nobody knows whose it is, no response counts as gone.

    Raises:
        SourceError: it is too large, or no CSV file.
    """
    if path.stat().st_size > MAX_BYTES:
        raise SourceError(
            message(
                "{file} is larger than {most} MB. Is it the export of one survey?",
                file=path.name,
                most=MAX_BYTES >> 20,
            )
        )
    content = path.read_bytes()
    at = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    try:
        text = content.decode("utf-8-sig")
        bytes_in: Callable[[str], int] = _utf8_bytes_in
    except UnicodeDecodeError:
        # A byte a character, whatever it stands for: the mark before it is then three of them.
        at, text, bytes_in = 0, content.decode("cp1252", errors="replace"), len
    lines = _Lines(text, bytes_in)
    reader = csv.reader(lines, delimiter=delimiter_of(text))
    try:
        for cells in reader:
            yield Record(cells, at, at + lines.bytes)
            at, lines.bytes = at + lines.bytes, 0
    except csv.Error as error:
        raise SourceError(
            message(
                "{file} is no CSV file: {error}. Export the responses again.", file=path.name, error=str(error)
            )
        ) from error


def delimiter_of(text: str) -> str:
    """What stands most often in the first line, of what may stand between cells."""
    return max(",;\t", key=text.partition("\n")[0].count)


class _Lines:
    """The lines of a text with their ends; ``bytes`` is how many bytes were given since it was set to 0."""

    def __init__(self, text: str, bytes_in: Callable[[str], int]) -> None:
        self._lines, self._bytes_in, self.bytes = io.StringIO(text, newline=""), bytes_in, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.bytes += self._bytes_in(line)
        return line


def _utf8_bytes_in(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _named(text: str) -> str:
    """A column by its question's code, or by the tool's own name for it."""
    text = text.strip()
    if (own := _NAMES.get(text.lower(), text.lower())) in (ID, SUBMITTED):
        return own
    found = _CODE.fullmatch(text)
    return found[1].replace(" ", "") if found else text
