"""Which source a file is of: by a template's mark, else by its sheets and headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.messages import counted, in_languages, listed, message, sentences
from warehouse.sheets import (
    Book,
    Header,
    SheetError,
    find_header,
    is_own_sheet,
    match_tables,
    open_book,
    template_mark,
)

_LEAST = 0.5  # a file that is less like every source is of none
_APART = 0.1  # the second likeliest has to be so much less likely
_NEAREST, _NEAR = 3, 0.15  # sources that are told where none is taken: so many, and so much alike
_LACKING = 6  # columns that are told of those a file lacks


@dataclass(frozen=True)
class Candidate:
    """A source that a file may be of: how alike they are (0 to 1), and why, with what the file lacks for it."""

    source: str
    title: str
    likeness: float
    why: str


@dataclass(frozen=True)
class Recognised:
    """The source a file is of, and a sentence on why."""

    source: str
    why: str


class UnclearSourceError(ValueError):
    """Nobody can tell which source a file is of; ``candidates`` are the nearest, with what is missing."""

    def __init__(self, words: str, candidates: Sequence[Candidate] = ()) -> None:
        """``words`` may be a message; it is the error's first argument."""
        super().__init__(words)
        self.words = words
        self.candidates = tuple(candidates)


def source_of(paths: Sequence[Path], declared: Mapping[str, SourceDeclaration]) -> Recognised:
    """Which of the declared sources that people keep a workbook of the files are.

    A file that was made from a template says so itself. Else its sheets and headers are compared with those of
    every such source (``likeness``: the Dice coefficient of the columns that a file has and that a source asks
    for), and one is taken that stands apart from the others.

    Raises:
        UnclearSourceError: a file cannot be opened, none is alike, or two are equally so.
    """
    keepers = {name: source for name, source in declared.items() if source.kind == "workbook"}
    tables = [table for source in keepers.values() for table in source.tables]
    books = [_opened(path, tables) for path in paths]
    for book in books:
        mark = template_mark(book)
        if mark is not None and mark.source in keepers:
            title = _title(keepers[mark.source])
            return Recognised(mark.source, message("It was made from the template of {title}.", title=title))
    candidates = sorted((_candidate(books, source) for source in keepers.values()), key=lambda one: -one.likeness)
    nearest = [one for one in candidates[:_NEAREST] if one.likeness >= _NEAR]
    best = candidates[0] if candidates else None
    if best is None or best.likeness < _LEAST:
        raise UnclearSourceError(
            message("The sheets and headers of {file} are not those of any source.", file=_names(paths)), nearest
        )
    rivals = [one for one in candidates if one.likeness > best.likeness - _APART]
    if len(rivals) > 1:
        raise UnclearSourceError(
            message(
                "{file} is equally like {sources}.",
                file=_names(paths),
                sources=listed([one.title for one in rivals]),
            ),
            rivals,
        )
    return Recognised(best.source, best.why)


def _names(paths: Sequence[Path]) -> str:
    return listed([path.name for path in paths])


def _title(source: SourceDeclaration) -> str:
    return in_languages(source.title, finnish=source.title_fi)


def _opened(path: Path, tables: Sequence[TableDeclaration]) -> Book:
    try:
        return open_book(path, tables)
    except SheetError as error:
        raise UnclearSourceError(
            message("{file} cannot be opened: {why}.", file=path.name, why=error.args[0])
        ) from error


@dataclass(frozen=True)
class _Likeness:
    """What of a source's tables is found in a file."""

    recognised: int  # columns
    headers: int  # cells of the header rows in which they stand
    asked: int  # columns that are mandatory, and those recognised beside them
    lacking: tuple[str, ...]  # titles

    @property
    def score(self) -> float:
        """Dice's coefficient: 0 for nothing in common, 1 for the same."""
        return 2 * self.recognised / (self.headers + self.asked) if self.recognised else 0.0


def _candidate(books: Sequence[Book], source: SourceDeclaration) -> Candidate:
    found = _likeness(books, source)
    why = counted(
        "{recognised} of {count} header is a column of {title}.",
        "{recognised} of {count} headers are columns of {title}.",
        found.headers,
        recognised=found.recognised,
        title=_title(source),
    )
    lacking = message("Missing: {columns}.", columns=_shortened(found.lacking)) if found.lacking else ""
    return Candidate(source.name, _title(source), found.score, sentences(why, lacking))


def _shortened(titles: Sequence[str]) -> str:
    left = len(titles) - _LACKING
    if left < 2:
        return listed(titles)
    return listed([*titles[:_LACKING], counted("{count} more", "{count} more", left)])


def _likeness(books: Sequence[Book], source: SourceDeclaration) -> _Likeness:
    headers = {name: header for book in books for name, header in _headers(book, source).items()}
    recognised = cells = asked = 0
    lacking: list[str] = []
    # Each table is a file of its own in CSV, and one of them alone is a file of the source, too.
    is_whole = any(book.kind == "xlsx" for book in books)
    for table in source.tables:
        header = headers.get(table.name)
        mandatory = {one.name: one for one in table.fields if one.presence == "mandatory"}
        if header is None:
            if is_whole and table.presence == "mandatory":
                asked += len(mandatory)
                lacking.append(
                    message("the sheet {sheet}", sheet=in_languages(table.title, finnish=table.title_fi))
                )
            continue
        recognised += len(header.columns)
        cells += len(header.columns) + len(header.unknown)
        asked += len(mandatory.keys() | header.columns.keys())
        lacking += [
            in_languages(one.title, finnish=one.title_fi)
            for name, one in mandatory.items()
            if name not in header.columns
        ]
    return _Likeness(recognised, cells, asked, tuple(lacking))


def _headers(book: Book, source: SourceDeclaration) -> dict[str, Header]:
    """By table, the header most like it: in the sheet that a night would read, else in any that is left."""
    matching = match_tables(book, source.tables)
    found: dict[str, Header] = {}
    for match in matching.tables:
        if match.header is not None:
            found.setdefault(match.table.name, match.header)
    for sheet in matching.others:
        first = sheet.rows.get(1, {}).get(1)
        if sheet.is_hidden or is_own_sheet(sheet.name, first.value if first else None):
            continue
        fits = [
            (len(header.columns), table.name, header)
            for table in source.tables
            if table.name not in found and (header := find_header(sheet, table)) is not None
        ]
        if fits:
            _, name, header = max(fits, key=lambda one: one[0])
            found[name] = header
    return found
