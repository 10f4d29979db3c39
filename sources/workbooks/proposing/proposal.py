"""A source's declaration as it can be guessed from a workbook, each guess with what it rests on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sources import SourceError
from sources.workbooks.proposing.finding import FoundColumn, FoundTable, find_tables
from sources.workbooks.proposing.keys import Key, KeyColumn, KeyedTable, key_of, references
from sources.workbooks.proposing.kinds import Kind, kind_of
from sources.workbooks.proposing.naming import apart, name_of, slug_of, title_of
from sources.workbooks.proposing.privacy import privacy_of
from sources.workbooks.proposing.texts import Texts, texts_of
from sources.workbooks.proposing.vocabulary import count_of, is_only, says
from warehouse.declarations import FieldDeclaration, ForeignKey, Privacy, RowBounds, TableDeclaration, parse
from warehouse.personal import find_personal
from warehouse.sheets import SheetError, open_book

_FLOOR, _CEILING = 0.8, 2  # of the rows that were seen
_MOST_UNREADABLE = 0.5
_PER_CENT = {"minimum": 0, "maximum": 100}


@dataclass(frozen=True)
class ProposedField:
    """A column: its declaration, its place, what the guess rests on, what a person should look at."""

    declaration: FieldDeclaration
    letters: str
    evidence: str
    doubt: str = ""


@dataclass(frozen=True)
class ProposedTable:
    """A table: its declaration, its sheets and its records, what the key rests on, what was left out."""

    declaration: TableDeclaration
    sheets: tuple[str, ...]
    records: int
    fields: tuple[ProposedField, ...]
    key: Key
    left_out: tuple[str, ...]
    references: Mapping[str, str]  # by column, what says that it refers to another sheet


@dataclass(frozen=True)
class Proposal:
    """What a workbook seems to hold. ``main`` is the table that others explain, ``others`` are no tables."""

    name: str
    title: str
    is_finnish: bool
    tables: tuple[ProposedTable, ...]
    others: tuple[str, ...]

    @property
    def main(self) -> ProposedTable:
        """The table with most references to others, of equals the one with most cells."""
        return max(self.tables, key=lambda table: (len(table.references), table.records * len(table.fields)))


def propose(path: Path, name: str) -> Proposal:
    """A declaration for the workbook at ``path``.

    Args:
        path: an .xlsx or .csv file.
        name: the source's name.

    Raises:
        SourceError: no table is found in it, or one that cannot be declared; the message says what is there.
    """
    try:
        book = open_book(path, ())
    except SheetError as error:
        raise SourceError(f"{path.name} cannot be read: {error}.") from error
    found, others = find_tables(book)
    if not found:
        raise SourceError(
            f"{path.name} has no table that could be proposed: {'; '.join(others) or 'it is empty'}."
        )
    drafts: list[_Draft] = []
    for table in found:
        drafts.append(_draft(table, name, [draft.name for draft in drafts]))
    linked = references([KeyedTable(draft.name, draft.columns, draft.key) for draft in drafts])
    headers = " ".join(column.header for table in found for column in table.columns)
    return Proposal(
        name,
        (name if find_personal(path.stem) else path.stem).replace("_", " ").strip().capitalize() or name,
        count_of("finnish", headers) > 1,
        tuple(_proposed(draft, linked) for draft in drafts),
        tuple(others),
    )


@dataclass(frozen=True)
class _Draft:
    name: str
    found: FoundTable
    fields: tuple[ProposedField, ...]
    columns: tuple[KeyColumn, ...]
    key: Key
    left_out: tuple[str, ...]


def _draft(found: FoundTable, source: str, taken: Sequence[str]) -> _Draft:
    """A table's columns and key."""
    fields: list[ProposedField] = []
    columns: list[KeyColumn] = []
    left_out = list(found.doubtful)
    partial: set[str] = set()  # columns of dates that may be months or years
    for column in found.columns:
        kind = kind_of(found, column)
        if len(kind.unread) > _MOST_UNREADABLE * kind.filled:
            left_out.append(f"{column.header!r} holds what cannot be read as any type, such as times or errors")
            continue
        texts = texts_of(column.header, kind.values) if kind.type == "string" else None
        field = _field(column, kind, texts, {one.declaration.name for one in fields})
        declared = field.declaration
        fields.append(field)
        if kind.partial and declared.type == "date":
            partial.add(declared.name)
        values = texts.values if texts else kind.values
        columns.append(
            KeyColumn(declared.name, column.header, declared.type, declared.unit, declared.privacy, tuple(values))
        )
    fields = _with_precision(fields, partial)
    key = key_of(columns, len(found.records))
    if key is None:
        raise SourceError(
            f"sheet {found.sheets[0]!r}: neither a column nor up to four together identify its"
            f" {len(found.records):,} rows. Give every row an id of its own that never changes, in a column"
            " such as ID or Tunnus, and run this again. Its columns are"
            f" {', '.join(column.header for column in columns)}."
        )
    sheet = found.sheets[0]
    return _Draft(
        apart((slug_of(sheet) if _is_named(found) else "") or source, taken),
        found,
        tuple(fields),
        tuple(columns),
        key,
        tuple(left_out),
    )


def _with_precision(fields: list[ProposedField], partial: set[str]) -> list[ProposedField]:
    """The columns, with one for how exact the dates are if some are a month or a year; it may be there already."""
    if not partial:
        return fields
    there = [one.declaration for one in fields if one.declaration.constraints.code_list == "date_precision"]
    if there:
        name, added = there[0].name, []
    else:
        name = apart("date_precision_code", [one.declaration.name for one in fields])
        content = {
            "name": name,
            "title": "Date precision",
            "privacy": Privacy.PUBLIC,
            "presence": "optional",
            "constraints": {"codeList": "date_precision"},
        }
        added = [ProposedField(parse(FieldDeclaration, content, name), "", "some dates are a month or a year")]
    exact = {"precision_in": name}
    return [
        replace(one, declaration=one.declaration.model_copy(update=exact))
        if one.declaration.name in partial
        else one
        for one in fields
    ] + added


def _is_named(found: FoundTable) -> bool:
    """Whether it is one sheet, whose name says what is in it: no time, and not what a program called it."""
    sheet = found.sheets[0]
    return len(found.sheets) == 1 and not is_only("sheets", sheet) and re.search(r"[^\W\d_]", sheet) is not None


def _field(column: FoundColumn, kind: Kind, texts: Texts | None, taken: set[str]) -> ProposedField:
    shown = [value for value in kind.values if isinstance(value, str)]
    privacy, why = privacy_of(column.header, shown)
    if not kind.filled and privacy is Privacy.PUBLIC:
        privacy = Privacy.INTERNAL
    is_personal = privacy is Privacy.PERSONAL
    constraints: dict[str, Any] = {}
    if kind.filled and kind.filled == len(column.cells) and not is_personal:
        constraints["required"] = True
    if texts and privacy is Privacy.PUBLIC:
        constraints |= texts.constraints
    numbers = [value for value in kind.values if value is not None] if kind.unit == "%" else []
    if numbers and all(0 <= value <= 100 for value in numbers):
        constraints |= _PER_CENT
    is_code = bool(texts and texts.is_code and privacy is Privacy.PUBLIC)
    content = {
        "name": name_of(column.header, kind.type, kind.unit, is_code=is_code, taken=taken),
        "title": title_of(column.header),
        "type": "string" if is_personal else kind.type,
        "decimals": None if is_personal else kind.decimals,
        "unit": None if is_personal else kind.unit,
        "privacy": privacy,
        "presence": "mandatory" if kind.filled and not is_personal else "optional",
        "constraints": constraints,
    }
    return ProposedField(
        parse(FieldDeclaration, content, column.header),
        column.letters,
        "; ".join(text for text in (texts.evidence if texts and constraints else kind.evidence, why) if text),
        "; ".join(_doubts(column.header, kind, texts if privacy is Privacy.PUBLIC else None, why)),
    )


def _doubts(header: str, kind: Kind, texts: Texts | None, why: str) -> list[str]:
    doubts = []
    if not kind.filled:
        doubts.append("say what it is to hold")
    if kind.unread:
        rows = ", ".join(str(row) for row in kind.unread[:5])
        doubts.append(f"rows that cannot be read so: {rows}{', ...' if len(kind.unread) > 5 else ''}")
    if kind.type in ("integer", "number") and kind.unit is None and says("money", header):
        doubts.append("in which currency? declare its unit")
    if texts and texts.doubt:
        doubts.append(texts.doubt)
    if why:
        doubts.append("public only if that is wrong")
    return doubts


def _proposed(draft: _Draft, linked: Mapping[tuple[str, str], tuple[KeyedTable, int]]) -> ProposedTable:
    own = {column: target for (table, column), target in linked.items() if table == draft.name}
    records = len(draft.found.records)
    fields = tuple(_in_key(field, draft.key) for field in draft.fields)
    sheets = draft.found.sheets
    title = title_of(sheets[0]) if _is_named(draft.found) else draft.name.replace("_", " ").capitalize()
    declaration = TableDeclaration(
        name=draft.name,
        title=title,
        description=f"One row a record of {title}.",
        each_row_is_a=f"row of {title}",
        fields=tuple(field.declaration for field in fields),
        primary_key=draft.key.columns,
        foreign_keys=tuple(
            ForeignKey(fields=(column,), table=target.name, references=target.key.columns)
            for column, (target, _) in own.items()
        ),
        rows=RowBounds(minimum=max(1, math.floor(_FLOOR * records)), maximum=max(10, _CEILING * records)),
    )
    said = {column: f"all {count} filled cells are in {target.name}" for column, (target, count) in own.items()}
    return ProposedTable(declaration, sheets, records, fields, draft.key, draft.left_out, said)


def _in_key(field: ProposedField, key: Key) -> ProposedField:
    """A key's column is required and has no list that a new row would break."""
    if field.declaration.name not in key.columns or len(key.columns) > 1:
        return field
    limits = field.declaration.constraints.model_copy(update={"required": True})
    return replace(field, declaration=field.declaration.model_copy(update={"constraints": limits}))
