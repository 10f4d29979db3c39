"""An export of LimeSurvey as a table of texts: one row a response, one column a question.

The dialect, as the tool's users know it (none was seen live): a header of question codes (``Q1``, ``Q2[SQ001]``),
or of codes and questions (``Q1. How satisfied ...``); before them ``id``, ``submitdate``, ``lastpage``,
``startlanguage`` and what else the survey was told to keep (times, addresses, tokens); comma, semicolon or tab;
UTF-8, mostly with a mark. ``submitdate`` is empty where a response was begun and never submitted, and the first of
January 1980 where the survey is anonymous.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sources import SourceError

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


def read_export(path: Path) -> Export:
    """The export in a file.

    Raises:
        SourceError: it is no such export; the message says what is missing.
    """
    import pandas as pd

    if path.stat().st_size > MAX_BYTES:
        raise SourceError(f"{path.name} is larger than {MAX_BYTES >> 20} MB. Is it the export of one survey?")
    rows = _rows(path)
    header = [_named(text) for text in next(rows, [])]
    lacking = [name for name in (ID, SUBMITTED) if name not in header]
    if lacking:
        raise SourceError(
            f"{path.name} has no column {' and no column '.join(lacking)}. Export the responses from LimeSurvey as"
            " CSV with question codes as headings, with the response's id and the date it was submitted."
        )
    if doubled := sorted({name for name in header if header.count(name) > 1}):
        raise SourceError(f"{path.name} has two columns {doubled[0]!r}. Export with question codes as headings.")
    good: list[list[str]] = []
    misfits = []
    for number, row in enumerate(rows, start=2):
        if len(row) == len(header):
            good.append([*(cell.strip() for cell in row), str(number)])
        elif any(row):
            misfits.append(number)
    return Export(pd.DataFrame(good, columns=[*header, LINE], dtype=str), misfits)


def _rows(path: Path) -> Iterator[list[str]]:
    """The file's records. A quotation mark that is missing joins records into one, whose length is then wrong: it
    is set aside, and as nobody knows whose it is, no response counts as gone.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise SourceError(f"{path.name} is no CSV file: {error}. Export the responses again.") from error


def _named(text: str) -> str:
    """A column by its question's code, or by the tool's own name for it."""
    text = text.strip()
    if (own := _NAMES.get(text.lower(), text.lower())) in (ID, SUBMITTED):
        return own
    found = _CODE.fullmatch(text)
    return found[1].replace(" ", "") if found else text
