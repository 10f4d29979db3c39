"""What is known of a workbook that is handed in before its cells are read: whose it is, and of which template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sources
from sources.workbooks.template.making import column_names, fingerprint
from sources.workbooks.words import table_title, title_of
from warehouse.declarations import DeclarationError, Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.messages import listed, message, sentences
from warehouse.sheets import Book, Matching, TemplateMark, match_tables, template_mark

# A workbook without a mark is another source's where less than half of its own columns is there and nearly all of
# the other's, and that by its sheets' names or by many more columns: sources of one kind share most of theirs.
_OWN_AT_MOST = 0.5
_OTHER_AT_LEAST = 0.9
_MORE_COLUMNS = 1.5


@dataclass(frozen=True)
class Refusal:
    """Why a workbook is not read at all."""

    finding: Finding
    reason: str


def look_at(
    book: Book, matching: Matching, declaration: SourceDeclaration
) -> tuple[Refusal | None, tuple[Finding, ...]]:
    """What is to be said of a workbook as a whole: why it is not read, or of which older template it is.

    Args:
        book: what was handed in.
        matching: the tables found in it.
        declaration: the source it was handed in for.
    """
    mark = template_mark(book)
    if mark is not None and mark.source != declaration.name:
        return _of_another(book, declaration, mark), ()
    if mark is None:
        return _looks_like_another(book, matching, declaration), ()
    if matching.tables and not any(_has_rows(book, matching)):
        return _empty(book, declaration), ()
    older = mark.fingerprint != fingerprint(declaration)
    return None, (_older(book, declaration, mark),) if older else ()


def _has_rows(book: Book, matching: Matching) -> list[bool]:
    headers = {match.sheet.name: match.header for match in matching.tables}
    own = {sheet.name: sheet for sheet in book.sheets}
    return [
        header is None or any(number > header.row for number in own[name].rows) for name, header in headers.items()
    ]


def _of_another(book: Book, declaration: SourceDeclaration, mark: TemplateMark) -> Refusal:
    other = _others(declaration).get(mark.source, mark.source)
    return _elsewhere(book, declaration, other, is_marked=True)


def _looks_like_another(book: Book, matching: Matching, declaration: SourceDeclaration) -> Refusal | None:
    """Whether a workbook's headers are another source's; asked only where they are not this one's."""
    if _fit(matching, declaration) >= _OWN_AT_MOST:
        return None
    for _, other in sorted(_others(declaration).items()):
        theirs = match_tables(book, other.tables)
        if _fit(theirs, other) >= _OTHER_AT_LEAST and _is_clear(theirs, matching):
            return _elsewhere(book, declaration, other, is_marked=False)
    return None


def _is_clear(theirs: Matching, own: Matching) -> bool:
    """Whether the tables that another source finds in a workbook are found there better than this one's."""
    if any(match.by_name for match in own.tables):
        return False
    return all(match.by_name for match in theirs.tables) or _recognised(theirs) >= _MORE_COLUMNS * _recognised(own)


def _recognised(matching: Matching) -> int:
    return sum(len(match.header.columns) for match in matching.tables if match.header)


def _others(declaration: SourceDeclaration) -> Mapping[str, SourceDeclaration]:
    """The other workbooks that people keep."""
    try:
        declared = sources.declarations()
    except DeclarationError:  # somebody else's fault, and told elsewhere
        return {}
    return {name: one for name, one in declared.items() if one.kind == "workbook" and name != declaration.name}


def _fit(matching: Matching, declaration: SourceDeclaration) -> float:
    """Which part of the columns that have to be there is there."""
    wanted = {
        (table.name, field.name)
        for table in declaration.tables
        if table.presence == "mandatory"
        for field in table.fields
        if field.presence == "mandatory"
    }
    there = {
        (match.table.name, name) for match in matching.tables if match.header for name in match.header.columns
    }
    return len(wanted & there) / len(wanted) if wanted else 1.0


def _elsewhere(
    book: Book, declaration: SourceDeclaration, other: SourceDeclaration | str, *, is_marked: bool
) -> Refusal:
    """Why a workbook of another source is not read. Of one that is declared no more, only the name is known."""
    file, here = book.path.name, declaration.title
    name, there = (other, other) if isinstance(other, str) else (other.name, other.title)
    return Refusal(
        Finding(
            "wrong-place",
            Severity.CRITICAL,
            message(
                "{file} is a workbook of “{there}”, and was handed in for “{here}”. Nothing of it was read.",
                file=file,
                there=there,
                here=here,
            )
            if is_marked
            else message(
                "{file} has the columns of “{there}”, and was handed in for “{here}”. Nothing of it was read.",
                file=file,
                there=there,
                here=here,
            ),
            message(
                "Hand it in at {place} (inbox/{place}), and the workbook of “{here}” here.", place=name, here=here
            ),
            file=file,
        ),
        message("{file} is of another source", file=file),
    )


def _empty(book: Book, declaration: SourceDeclaration) -> Refusal:
    file = book.path.name
    return Refusal(
        Finding(
            "empty-template",
            Severity.CRITICAL,
            message(
                "{file} is the empty template of “{source}”: no row is filled in.",
                file=file,
                source=declaration.title,
            ),
            message(
                "Fill in the rows below the headers and hand it in again; what was handed in before still counts."
            ),
            file=file,
        ),
        message("{file} is an empty template", file=file),
    )


def _older(book: Book, declaration: SourceDeclaration, mark: TemplateMark) -> Finding:
    """What has changed since the template was made."""
    new = f"opendistrict template {declaration.name} --language {mark.language} -o {declaration.name}-new.xlsx"
    return Finding(
        "older-template",
        Severity.INFO,
        sentences(
            message(
                "{file} was made from an older template of “{source}”.",
                file=book.path.name,
                source=declaration.title,
            ),
            *_since(declaration, mark),
        ),
        message(
            "It was read as it is. Whoever runs the program can make the new one ({command}); copy your rows into"
            " it.",
            command=new,
        ),
        file=book.path.name,
    )


def _since(declaration: SourceDeclaration, mark: TemplateMark) -> Sequence[str]:
    if mark.columns is None:
        return [message("Which columns it had can no longer be told.")]
    now = column_names(declaration)
    titles = {
        f"{table.name}.{field.name}": message(
            "“{column}” on the sheet “{sheet}”", column=title_of(field), sheet=table_title(table)
        )
        for table in declaration.tables
        for field in table.fields
    }
    added = [titles[name] for name in titles if name not in mark.columns]
    gone = sorted(mark.columns - now)
    said = [message("New since: {columns}.", columns=listed(added, "comma"))] if added else []
    said += [message("Gone since: {columns}.", columns=listed(gone, "comma"))] if gone else []
    return said or [message("The columns are the same; what some of them may hold has changed.")]
