"""A mender that knows nothing: it reads our comments and our list, and does what they say, word by word.

It knows English imperatives and how a workbook is used (a header, a row, a column), but no rule, no declaration
and no finding. What it cannot do for lack of a value or a place is a bad advice: a person would have to guess too.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string
from openpyxl.worksheet.worksheet import Worksheet

from warehouse.text import normalised

_BLOCK = re.compile(
    r"^(CRITICAL|ERROR|WARNING): (.*?)\n-> (.*?)(?=\n(?:CRITICAL|ERROR|WARNING): |\n\.\.\. and |\Z)",
    re.DOTALL | re.MULTILINE,
)
_QUOTED = r"[“\"']([^”\"]+?)[”\"']"


@dataclass(frozen=True)
class Said:
    """What we said of a place: a sheet, a cell of it (row, column; 0: none), what is wrong, what to do."""

    sheet: str
    row: int
    column: int
    severity: str
    message: str
    advice: str

    @property
    def may_stay(self) -> bool:
        """Whether it is to be left where it is right: a person who knows better may know that."""
        is_serious = self.severity in ("CRITICAL", "ERROR")
        return not is_serious and re.search(r"\bleave\b|Nothing to do|Look whether|Show ", self.advice) is not None


@dataclass
class Done:
    """What was made of an instruction; ``how`` is empty where nothing could be done."""

    said: Said
    how: str


@dataclass
class Book:
    """The workbook being mended, and what is to be deleted when no place is needed any more."""

    book: Any
    beside: dict[str, Worksheet] = field(default_factory=dict)  # the sheets of files handed in with it
    rows: set[tuple[str, int]] = field(default_factory=set)
    columns: set[tuple[str, int]] = field(default_factory=set)
    kept: set[tuple[str, int, str]] = field(default_factory=set)

    def sheet(self, name: str) -> Worksheet | None:
        """A sheet by its name; of another file, by the file's name."""
        own = next((one for one in self.book.worksheets if normalised(one.title) == normalised(name)), None)
        if own is not None or not name:
            return own
        return next((one for stem, one in self.beside.items() if normalised(name) in normalised(stem)), None)

    def finish(self) -> None:
        """Delete what is to go, from the end on."""
        for name, row in sorted(self.rows, reverse=True):
            self.book[name].delete_rows(row)
        for name, column in sorted(self.columns, reverse=True):
            self.book[name].delete_cols(column)


# --- reading what we said ------------------------------------------------------------------------------------


def comments(book: Any) -> Iterator[Said]:
    """What the comments of a workbook's cells say."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None:
                    for severity, message, advice in _BLOCK.findall(cell.comment.text):
                        yield Said(sheet.title, cell.row, cell.column, severity, message, " ".join(advice.split()))


def listed(book: Any) -> Iterator[Said]:
    """What our list says: causes with what to do, and below each its places, which may say more of their own."""
    sheet = book.worksheets[0]
    head: dict[str, int] = {}
    lines: list[dict[str, str]] = []
    for row in sheet.iter_rows():
        texts = {str(cell.value): cell.column for cell in row if cell.value is not None}
        if {"Severity", "What is wrong", "What to do"} <= set(texts):
            head = texts
        elif head:
            line = {name: str(sheet.cell(row[0].row, column).value or "") for name, column in head.items()}
            if line["Severity"] or not lines:
                lines.append(line)
            else:  # what had no room in the line above
                lines[-1] = {name: f"{before} {line[name]}".strip() for name, before in lines[-1].items()}
    cause: dict[str, str] = {}
    for line in lines:
        if re.fullmatch("[0-9, ]+ places?", line["Cell"]):
            cause = line
        elif line["Severity"].upper() in ("CRITICAL", "ERROR", "WARNING", "INFO"):
            yield _said_of(line, cause)


def _said_of(line: Mapping[str, str], cause: Mapping[str, str]) -> Said:
    place = re.fullmatch(r"(?:row )?([A-Z]*)([0-9]+)", line["Cell"])
    return Said(
        line["Sheet"],
        int(place[2]) if place else 0,
        column_index_from_string(place[1]) if place and place[1] else 0,
        line["Severity"].upper(),
        line["What is wrong"] or cause.get("What is wrong", ""),
        line["What to do"] or cause.get("What to do", ""),
    )


# --- values that an advice names --------------------------------------------------------------------------------


def _number(text: str) -> float | int:
    value = float(text.replace(",", "").replace("\u00a0", ""))
    return int(value) if value == int(value) else value


def _between(said: Said) -> object | None:
    """A value within the bounds that are named: the lower one, or the upper one where there is no lower."""
    day = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    number = r"(-?[0-9][0-9,\u00a0]*(?:\.[0-9]+)?)"
    for text in (said.advice, said.message):
        for kind, value in ((day, str), (number, _number)):
            for words in (
                rf"between {kind} and",
                rf"at least {kind}",
                rf"from {kind} to",
                rf"(?:at most|up to|no more than) {kind}",
            ):
                if (found := re.search(words, text)) and "character" not in text[found.end() : found.end() + 12]:
                    return value(found[1])
    return None


def _typed(text: str) -> object:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and not text.startswith("0") else text


def _examples(advice: str) -> Iterator[object]:
    """The values that an advice shows."""
    for words in (
        rf"(?:Did you mean|If it is) {_QUOTED}",
        rf"(?:Choose one of|Write|choose|write)(?: one of)?:? {_QUOTED}",
        r"Did you mean ([^?]+?)(?: or [^?]+)?\?",
        r"Choose one of: ([^,.]+)",
        rf"(?:such as|for example|as|like) {_QUOTED}",
        r"(?<!word )(?:such as|for example:?|like) ([^\s,;]+[^\s,;.])",
        r"Choose ([a-z_]+)(?:, | or )",
        r"(?:Write|write) the (?:day|moment|month) (?:as|in) ([0-9][^\s,;]*[0-9])",
        r"beginning with ([^\s,;]+?)[.,]?(?:$|\s)",
    ):
        for found in re.finditer(words, advice):
            yield _typed(found[1].strip() + ("example" if words.startswith("beginning") else ""))
    # "Write planned or actual.", "Write high, medium or low."
    for found in re.finditer(r"(?:^|[.;] )Write ([a-z0-9][^.,;]*?)(?: or | under |, |\.|;|$)", advice):
        if found[1].split()[0] not in ("the", "a", "an", "it", "one", "each", "down", "four", "all", "to", "with"):
            yield _typed(found[1])


# --- actions: each does one thing that an advice may say, and says how, or nothing ---------------------


@dataclass(frozen=True)
class Job:
    """An instruction with the workbook that it is about."""

    said: Said
    book: Book

    @property
    def sheet(self) -> Worksheet | None:
        """The sheet that was named."""
        return self.book.sheet(self.said.sheet)

    def write(self, value: object) -> str:
        """Put a value into the cell."""
        assert self.sheet is not None
        cell = self.sheet.cell(self.said.row, self.said.column)
        cell.value = None
        if not isinstance(value, str) and cell.number_format != "General" and not cell.is_date:
            cell.number_format = "General"
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"
            cell.number_format = "@"
        elif isinstance(value, int | float) and cell.is_date:
            cell.number_format = "General"
        return f"wrote {value!r}"

    def value(self, above: int = 0) -> Any:
        """What stands in the cell, or so many cells above it."""
        assert self.sheet is not None
        return self.sheet.cell(self.said.row - above, self.said.column).value

    @property
    def header(self) -> int:
        """The row of the sheet that has most texts: its header, to whoever looks at it."""
        assert self.sheet is not None
        counts = {
            row[0].row: len({cell.value for cell in row if isinstance(cell.value, str) and len(cell.value) < 60})
            for row in self.sheet.iter_rows(max_row=30)
        }
        return max(counts, key=lambda row: (counts[row], -row))

    def column_named(self, sheet: Worksheet, heading: object) -> int | None:
        """A column by its header."""
        header = Job(Said(sheet.title, 0, 0, "", "", ""), self.book).header
        wanted = normalised(str(heading))
        return next(
            (c.column for c in sheet[header] if c.value is not None and normalised(str(c.value)) == wanted), None
        )


Action = Callable[[Job], str]


def _in_a_cell(action: Action) -> Action:
    return lambda job: action(job) if job.sheet is not None and job.said.row and job.said.column else ""


def _name_the_column(job: Job) -> str:
    """Name the column “X”."""
    found = re.search(
        rf"(?:[Nn]ame it|Name the column|Name the header|Call the column|Rename it(?: to)?) {_QUOTED}",
        job.said.advice,
    )
    if found is None or job.sheet is None:
        return ""
    if job.said.row and job.said.column:
        return job.write(found[1])
    given = re.search(r"Is it [“\"'].*?[”\"'] \(([A-Z]+)\)", job.said.advice)
    if given is None:
        return ""
    job.sheet.cell(job.header, column_index_from_string(given[1])).value = found[1]
    return f"named column {given[1]} {found[1]!r}"


def _add_a_column(job: Job) -> str:
    """Add a column named “X”, filled as the advice shows."""
    found = re.search(rf"[Aa]dd a column (?:named|called) {_QUOTED}", job.said.advice)
    if found is None or job.sheet is None:
        return ""
    header, column = job.header, job.sheet.max_column + 1
    job.sheet.cell(header, column).value = found[1]
    rest = job.said.advice[found.end() :]
    if _may_be_empty(rest):
        return f"added the column {found[1]!r}"
    value = next(_examples(rest), None) or _noun(rest)
    for number, row in enumerate(range(header + 1, job.sheet.max_row + 1)):
        if sum(cell.value is not None for cell in job.sheet[row]) > 2:
            is_own = re.search(r"\bof its own\b|\bunique\b", rest) is not None
            job.sheet.cell(row, column).value = f"{value}-{number}" if is_own else value
    return f"added the column {found[1]!r} with {value!r}"


def _name_the_sheet(job: Job) -> str:
    """Name the sheet “X”; keep a name for one sheet and give the others another."""
    keep = re.search(rf"Keep the name {_QUOTED} for one sheet", job.said.advice)
    if keep:
        alike = [
            one
            for one in job.book.book.worksheets
            if normalised(one.title)
            in {normalised(name) for name in re.findall(_QUOTED, job.said.message + job.said.advice)}
        ]
        for number, sheet in enumerate(alike[1:], start=1):
            sheet.title = f"Other {number}"
        return f"renamed {len(alike) - 1} sheets"
    return ""


def _delete(job: Job) -> str:
    """Delete the row or the column; of copies all but the first."""
    if job.sheet is None:
        return ""
    if (
        re.search(
            r"(?:Delete|Remove|Take out) (?:the (?:copy|other row|row)|one of the two rows)",
            job.said.advice,
        )
        and job.said.row
    ):
        key = (job.sheet.title, job.said.column, repr(job.value()) if job.said.column else "")
        if re.search("copy|one of the two|other row", job.said.advice) and key not in job.book.kept:
            job.book.kept.add(key)
            return "kept the first"
        job.book.rows.add((job.sheet.title, job.said.row))
        return "deleted the row"
    found = re.search(r"(?:Delete|Remove) the column(?: that is not meant,)?(?: ([A-Z]{1,3})\b)?", job.said.advice)
    if found and (found[1] or job.said.column):
        job.book.columns.add(
            (job.sheet.title, column_index_from_string(found[1]) if found[1] else job.said.column)
        )
        return "deleted the column"
    return ""


@_in_a_cell
def _keep_one(job: Job) -> str:
    """Keep row 4. In row 9, write a value that no other row has, or delete the row if it is a copy."""
    found = re.search(
        r"Keep row ([0-9]+)\. In rows? ([0-9, and]+?), write a value that no other row has", job.said.advice
    )
    if found is None:
        return ""
    others = {int(row) for row in re.findall("[0-9]+", found[2])}
    if job.said.row not in others:
        return f"kept row {job.said.row}"
    values = [[cell.value for cell in job.sheet[row]] for row in (int(found[1]), job.said.row)]
    is_copy = len(re.findall(_QUOTED, job.said.message)) > 1 or values[0] == values[1]
    if is_copy and "delete the row" in job.said.advice:  # of several columns nobody says which one to write
        job.book.rows.add((job.sheet.title, job.said.row))
        return "deleted the row"
    return job.write(f"{job.value()}-{job.said.row}")


@_in_a_cell
def _value_of_its_own(job: Job) -> str:
    """Give the row a value of its own: the value with something behind it, but for the first of its kind."""
    if not re.search(r"of its own", job.said.advice) or "only once" in job.said.message or job.value() is None:
        return ""
    if not re.search(r"more than once|twice|two rows|already", job.said.message + job.said.advice):
        return ""
    key = (job.sheet.title, job.said.column, repr(job.value()))
    if key not in job.book.kept:
        job.book.kept.add(key)
        return "kept the first"
    if len(re.findall(_QUOTED, job.said.message)) > 1 and "delete it" in job.said.advice:
        job.book.rows.add((job.sheet.title, job.said.row))  # of several columns nobody says which one to write
        return "deleted the row"
    return job.write(f"{job.value()}-{job.said.row}")


@_in_a_cell
def _from_above(job: Job) -> str:
    """Write the value itself, or that of the cell above."""
    if not re.search("Write the value itself|(?:cell|row) above", job.said.advice):
        return ""
    above = next((job.value(up) for up in range(1, job.said.row) if job.value(up) not in (None, "")), None)
    return job.write(above) if above is not None else ""


@_in_a_cell
def _number_alone(job: Job) -> str:
    """Write the number alone: what is a number in the cell."""
    found = re.search(r"[0-9][0-9 .,]*", str(job.value()))
    if "number alone" not in job.said.advice or found is None:
        return ""
    return job.write(int(re.sub("[^0-9]", "", found[0])))


@_in_a_cell
def _unmerge(job: Job) -> str:
    """Undo the merging, with the value in each cell."""
    if "Undo the merging" not in job.said.advice:
        return ""
    for area in list(job.sheet.merged_cells.ranges):
        if area.min_row <= job.said.row <= area.max_row and area.min_col <= job.said.column <= area.max_col:
            value = job.sheet.cell(area.min_row, area.min_col).value
            job.sheet.unmerge_cells(str(area))
            for row in range(area.min_row, area.max_row + 1):
                job.sheet.cell(row, area.min_col).value = value
    return "undid the merging"


@_in_a_cell
def _result(job: Job) -> str:
    """Replace a formula by its value: what a spreadsheet program would have shown."""
    if not re.search("replace (?:the formula|it) by its value", job.said.advice) or not str(
        job.value()
    ).startswith("="):
        return ""
    sums = re.fullmatch(r"=([0-9]+)\+([0-9]+)", str(job.value()))
    return job.write(int(sums[1]) + int(sums[2])) if sums else ""


@_in_a_cell
def _as_text(job: Job) -> str:
    """Format the cell as text and write again what is meant."""
    if "Format the cell as text" not in job.said.advice:
        return ""
    value = job.value()
    return job.write(f"{value:%d.%m.%Y}" if isinstance(value, date | datetime) else str(value))


@_in_a_cell
def _take_it_out(job: Job) -> str:
    """Take personal data out of a text: whatever looks like it."""
    if not re.match("Take (?:it|the .*?) out", job.said.advice):
        return ""
    words = [word for word in str(job.value()).split() if not re.search(r"[@0-9+]", word)]
    return job.write(" ".join(words) or None)


@_in_a_cell
def _again(job: Job) -> str:
    """Write a text again whose letter was lost."""
    if "stands where a letter was" not in job.said.advice:
        return ""
    return job.write(str(job.value()).replace("\ufffd", "e"))


@_in_a_cell
def _one_of_two(job: Job) -> str:
    """Fill in one of two columns and leave the other one empty."""
    found = re.search(r"Fill in [“]?(.+?)[”]? or [“]?(.+?)[”]? and leave the other", job.said.advice)
    if found is None:
        return ""
    columns = [job.column_named(job.sheet, name) for name in (found[1], found[2])]
    if None in columns:
        return ""
    cells = [job.sheet.cell(job.said.row, column) for column in columns]
    if all(cell.value is None for cell in cells):
        cells[0].value = found[1]
        return f"filled in {found[1]}"
    cells[1].value = None
    return f"emptied {found[2]}"


@_in_a_cell
def _copy_from_sheet(job: Job) -> str:
    """Copy a value from another sheet, from the column of the same header."""
    found = re.search(
        r"(?:from the sheet|as it stands in|as in the sheet|on the sheet) [“]?([^”,.;]+)", job.said.advice
    )
    other = job.book.sheet(found[1]) if found else None
    if other is None:
        return ""
    named = re.search(r"under [“]([^”]+)", job.said.advice)
    heading = named[1] if named else job.sheet.cell(job.header, job.said.column).value
    column = job.column_named(other, heading)
    if column is None:
        return ""
    start = Job(Said(other.title, 0, 0, "", "", ""), job.book).header + 1
    value = next(
        (other.cell(row, column).value for row in range(start, start + 5) if other.cell(row, column).value), None
    )
    return job.write(value) if value is not None else ""


@_in_a_cell
def _within(job: Job) -> str:
    """A value within the bounds that are named."""
    value = _between(job.said)
    return job.write(value) if value is not None else ""


@_in_a_cell
def _shorten(job: Job) -> str:
    """A text of so many characters at most."""
    for text in (job.said.advice, job.said.message):
        if found := re.search(r"(?:at most|up to|to|than) ([0-9,]+) characters", text):
            return job.write(str(job.value())[: int(found[1].replace(",", ""))].strip())
    return ""


@_in_a_cell
def _example(job: Job) -> str:
    """The value that the advice shows."""
    for value in _examples(job.said.advice):
        return job.write(value)
    return ""


_EXACT = re.compile(
    rf"(?:Did you mean|If it is|Write|Choose one of|Choose|Name the \w+) {_QUOTED}|Did you mean|Choose one of"
)


@_in_a_cell
def _exactly(job: Job) -> str:
    """The very value that the advice names, which is more than an example."""
    return _example(job) if _EXACT.search(job.said.advice) else ""


def _may_be_empty(advice: str) -> bool:
    return (
        re.search(
            r"[Ll]eave (?:it|the cell) empty|\bempty (?:if|where|for|it)\b|[Ee]mpty the|take the .*? out", advice
        )
        is not None
    )


@_in_a_cell
def _empty(job: Job) -> str:
    """Leave the cell empty."""
    return job.write(None) if _may_be_empty(job.said.advice) else ""


def _leave_out(job: Job) -> str:
    """Leave the row out."""
    if job.sheet is None or not job.said.row or "leave the row out" not in job.said.advice:
        return ""
    job.book.rows.add((job.sheet.title, job.said.row))
    return "left the row out"


@_in_a_cell
def _noun_phrase(job: Job) -> str:
    """'Write the name the pilot is known by.': any words do, where words are asked for."""
    words = _noun(job.said.advice)
    return job.write(words) if words else ""


def _noun(advice: str) -> str:
    found = re.search(r"(?:Write|Copy|Enter) ((?:the|a|an) [^.,;:]+)|(One sentence)|(A few words)", advice)
    return next(filter(None, found.groups())) if found else ""


ACTIONS: Sequence[Action] = (
    _name_the_column,
    _add_a_column,
    _name_the_sheet,
    _unmerge,
    _result,
    _as_text,
    _take_it_out,
    _again,
    _from_above,
    _keep_one,
    _delete,
    _value_of_its_own,
    _one_of_two,
    _copy_from_sheet,
    _shorten,
    _exactly,
    _empty,
    _leave_out,
    _within,
    _number_alone,
    _example,
    _noun_phrase,
)


_OPENED_AS = {
    b"<fill/>": b"<fill><patternFill/></fill>",
    b"http://purl.oclc.org/ooxml/spreadsheetml/": b"http://schemas.openxmlformats.org/spreadsheetml/2006/",
    b"http://purl.oclc.org/ooxml/officeDocument/": b"http://schemas.openxmlformats.org/officeDocument/2006/",
}


def _opened(path: Path) -> Any:
    """A workbook as openpyxl opens it: it takes no fill without a pattern, nor the names of strict Open XML."""
    whole = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(whole, "w") as copy:
        for part in archive.infolist():
            content = archive.read(part)
            for given, known in _OPENED_AS.items():
                content = content.replace(given, known)
            copy.writestr(part.filename, content)
    return load_workbook(whole)


def mend(marked: Path, own: Path | None, target: Path, beside: Mapping[str, Worksheet]) -> list[Done]:
    """Mend a workbook as our marked copy of it says.

    Args:
        marked: what came back: the copy with comments and the list, or the list alone.
        own: the keeper's own workbook where the list came alone, None where the copy is to be mended.
        target: where the mended workbook goes.
        beside: the sheets of other files that were handed in with it, by the files' names.

    Returns:
        What was made of each instruction; those that may stay as they are, are left out.
    """
    told = _opened(marked)
    wanted = list(comments(told))
    said = {(one.sheet, one.row, one.column) for one in wanted}
    wanted += [one for one in listed(told) if (one.sheet, one.row, one.column) not in said]
    work = Book(_opened(own) if own else told, dict(beside))
    done = []
    for said in wanted:
        if said.severity == "INFO" or said.may_stay:
            continue
        job = Job(said, work)
        done.append(Done(said, next(filter(None, (action(job) for action in ACTIONS)), "")))
    work.finish()
    work.book.save(target)
    return done
