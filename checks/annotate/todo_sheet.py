"""The list of what to do, on a sheet of our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from checks.annotate.blank import FORMULA_STARTS, text_cell
from checks.annotate.causes import Cause, causes
from checks.annotate.editing import escaped
from checks.annotate.places import Place
from checks.annotate.styles import Look, StyleSheet
from checks.annotate.surgery import XML_HEAD
from checks.annotate.words import (
    COLOURS,
    COLUMNS,
    SECTIONS,
    STATUS_COLUMN,
    how_many,
    meaning,
    progress,
    severity_word,
    shown_value_of,
    status,
)
from warehouse.declarations import Severity
from warehouse.messages import Language, Message, counted, listed, message, said_in
from warehouse.sheets import TODO_MARK, column_letters

if TYPE_CHECKING:
    from warehouse.lives import Life

_MOST_ROWS = 1_048_000  # of a sheet, with room for the last words
_MOST_LINKS = 65_000  # Excel takes 65,530 on a sheet, and mends a file with more by taking all of them away
_LINE, _MARGIN = 15, 3  # points: of a line of text, and around it in a row
_MOST_LINES = 26  # a row cannot be taller than 409 points: what is longer goes on in the next one
_PALE, _RULE = "FFF3F3F3", "FFBFBFBF"
_NO_FINDINGS_TAB = "FF93C47D"


@dataclass(frozen=True)
class Listing:
    """What the list says.

    ``sheets``: what each sheet of the workbook is called in the file, by its name; none where there are no links.
    ``notes``: what else there is to say, sentences. ``lives``: of findings, by their ids; none where nobody knows.
    """

    name: str
    places: Sequence[Place]
    sheets: Mapping[str, str]
    how_to: Sequence[str]
    notes: Sequence[str] = ()
    lives: Mapping[str, Life] = field(default_factory=dict)
    language: Language = Language.ENGLISH


class TodoSheet:
    """The list as a sheet's XML.

    Args:
        listing: what it says.
        styles: of the workbook that it goes into.
        main: the namespace of that workbook's edition.
    """

    def __init__(self, listing: Listing, styles: StyleSheet, main: str) -> None:
        self._listing, self._styles, self._main, self._language = listing, styles, main, listing.language
        self.columns = [*COLUMNS, STATUS_COLUMN] if listing.lives else list(COLUMNS)
        self._widths = [width for _, width in self.columns]
        self._row = 0
        self._links: list[tuple[str, str]] = []
        self._merged: list[str] = []
        self._causes = causes(listing.places)
        self._opening = list(self._introduction())
        self.head = self._row if listing.places else 1

    def _look(self, **options: object) -> int:
        return self._styles.look(Look(**options))  # type: ignore[arg-type]

    def _said(self, text: str) -> str:
        return said_in(text, self._language)

    def chunks(self) -> Iterator[bytes]:
        """The part, bit by bit."""
        worst = self._listing.places[0].finding.severity if self._listing.places else None
        tab = COLOURS[worst] if worst else _NO_FINDINGS_TAB
        widths = "".join(
            f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
            for number, width in enumerate(self._widths, start=1)
        )
        yield (
            XML_HEAD
            + (
                f'<worksheet xmlns="{self._main}"><sheetPr><tabColor rgb="{tab}"/><outlinePr summaryBelow="0"/>'
                '<pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView showGridLines="0" tabSelected="1"'
                ' workbookViewId="0"/></sheetViews><sheetFormatPr defaultRowHeight="15" outlineLevelRow="1"/>'
                f"<cols>{widths}</cols><sheetData>"
            ).encode()
        )
        yield from self._opening
        yield from self._body()
        yield b"</sheetData>"
        if self._merged:
            cells = "".join(f'<mergeCell ref="{area}"/>' for area in self._merged)
            yield f'<mergeCells count="{len(self._merged)}">{cells}</mergeCells>'.encode()
        if self._links:
            yield b"<hyperlinks>"
            for place, location in self._links:
                yield f'<hyperlink ref="{place}" location="'.encode() + escaped(location) + b'"/>'
            yield b"</hyperlinks>"
        yield (
            b'<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>'
            b'<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/>'
            b"<headerFooter><oddFooter>&amp;L&amp;A&amp;R&amp;P / &amp;N</oddFooter></headerFooter></worksheet>"
        )

    def _introduction(self) -> Iterator[bytes]:
        listing = self._listing
        title = f"{self._said(TODO_MARK)}: {listing.name}"
        yield self._line([(title, self._look(is_bold=True, size=14, is_wrapped=False))], height=22)
        counts = Counter(place.finding.severity for place in listing.places)
        said = [how_many(severity, counts[severity]) for severity in Severity if counts[severity]]
        if said:
            yield self._across(self._said(message("Findings: {counts}.", counts=listed(said))), is_bold=True)
        else:
            yield self._across(self._said(message("Nothing to do: no findings.")), is_bold=True)
        if told := progress(listing.lives):
            yield self._across(self._said(told), is_bold=True)
        for text in (*listing.notes, *(Message(one, {}) for one in listing.how_to)):
            yield self._across(self._said(text))
        if not listing.places:
            return
        for severity in Severity:
            if counts[severity]:
                word = (self._said(severity_word(severity)), self._look(fill=COLOURS[severity]))
                yield self._line([word, (self._said(meaning(severity)), self._look(is_wrapped=False))])
        yield self._line([])
        look = self._look(fill=_PALE, is_bold=True, border=_RULE)
        yield self._line([(self._said(Message(text, {})), look) for text, _ in self.columns])

    def _body(self) -> Iterator[bytes]:
        for title, severities in SECTIONS:
            here = [cause for cause in self._causes if cause.severity in severities]
            if not here:
                continue
            count = sum(len(cause.places) for cause in here)
            told = self._said(message("{title} ({count})", title=Message(title, {}), count=count))
            yield self._line([(told, self._look(is_bold=True, size=13, is_wrapped=False))], height=24)
            for cause in here:
                if self._row > _MOST_ROWS:
                    more = message("There are more, for which a sheet has no room: mend these first.")
                    yield self._across(self._said(more))
                    return
                yield from self._cause(cause)

    def _cause(self, cause: Cause) -> Iterator[bytes]:
        """A heading that says what is wrong and what to do, and the places below it."""
        count = len(cause.places)
        fresh = sum(1 for place in cause.places if (life := self._life(place)) and life.stage.value == "new")
        wrong, advice = self._said(cause.message), self._said(cause.help)
        texts = [
            self._said(severity_word(cause.severity)),
            cause.sheet,
            self._said(counted("{count} place", "{count} places", count)),
            self._said(cause.title),
            "",
            wrong,
            advice,
        ]
        if self._listing.lives:
            texts.append(self._said(counted("{count} new", "{count} new", fresh)) if fresh else "")
        looks: list[dict[str, object]] = [{"fill": _PALE, "is_bold": True} for _ in texts]
        looks[0] = {"fill": COLOURS[cause.severity], "is_bold": True}
        yield from self._texts(texts, looks)
        for place in cause.places:
            if self._row > _MOST_ROWS:
                return
            yield from self._place(place, wrong, advice)

    def _place(self, place: Place, wrong: str, advice: str) -> Iterator[bytes]:
        """A place; what is wrong and what to do where it is more than the heading says."""
        finding = place.finding
        own = (self._said(finding.message), self._said(finding.help))
        texts = [
            self._said(severity_word(finding.severity)),
            place.sheet or "",
            self._said(message("whole sheet") if place.is_whole else place.address),
            self._said(place.title),
            self._said(shown_value_of(finding)),
            own[0] if own[0] != wrong else "",
            own[1] if own[1] != advice else "",
        ]
        if self._listing.lives:
            texts.append(self._said(status(self._life(place))))
        sheet = self._listing.sheets.get(place.sheet or "")
        is_link = sheet is not None and place.row is not None and len(self._links) < _MOST_LINKS
        if is_link and sheet is not None:
            quoted = sheet.replace("'", "''")
            address = f"{column_letters(place.column or 1)}{place.row}"
            self._links.append((f"C{self._row + 1}", f"'{quoted}'!{address}"))
        looks: list[dict[str, object]] = [{} for _ in texts]
        looks[0] = {"fill": COLOURS[finding.severity]}
        looks[2] = {"is_link": is_link}
        yield from self._texts(texts, looks, level=1)

    def _life(self, place: Place) -> Life | None:
        return self._listing.lives.get(place.finding.finding_id)

    def _texts(self, texts: Sequence[str], looks: Sequence[dict[str, object]], level: int = 0) -> Iterator[bytes]:
        """A row of texts, and what is too long for it in further rows."""
        pieces = [_pieces(text, width) for text, width in zip(texts, self._widths, strict=True)]
        for number in range(max(len(one) for one in pieces)):
            here = [one[number] if number < len(one) else ("", 0) for one in pieces]
            cells = [
                (text, self._look(is_quoted=text.startswith(FORMULA_STARTS), **look))
                for (text, _), look in zip(here, looks, strict=True)
            ]
            height = _LINE * max(1, *(lines for _, lines in here)) + _MARGIN
            yield self._line(cells, height, level)

    def _across(self, text: str, *, is_bold: bool = False) -> bytes:
        """A text over the width of the list."""
        width = sum(self._widths)
        area = f"A{self._row + 1}:{column_letters(len(self._widths))}{self._row + 1}"
        self._merged.append(area)
        lines = min(_MOST_LINES, _lines(text, width))
        look = self._look(is_bold=is_bold, is_quoted=text.startswith(FORMULA_STARTS))
        return self._line([(text, look)], height=_LINE * lines + _MARGIN)

    def _line(self, cells: Iterable[tuple[str, int]], height: int = 18, level: int = 0) -> bytes:
        self._row += 1
        inner = b"".join(
            text_cell(f"{column_letters(column)}{self._row}", text, look)
            if text
            else f'<c r="{column_letters(column)}{self._row}" s="{look}"/>'.encode()
            for column, (text, look) in enumerate(cells, start=1)
        )
        outline = f' outlineLevel="{level}"' if level else ""
        return f'<row r="{self._row}" ht="{height}" customHeight="1"{outline}>'.encode() + inner + b"</row>"


def _characters(width: int) -> int:
    """How many characters a line of a column surely holds: fonts that stand in for another one are wider."""
    return max(4, int(width * 0.92) - 1)


def _lines(text: str, width: int) -> int:
    return sum(len(_wrapped(part, _characters(width))) for part in text.split("\n"))


@lru_cache(maxsize=4096)
def _pieces(text: str, width: int) -> list[tuple[str, int]]:
    """A text in pieces that a row can show, with the lines that each takes."""
    lines: list[str] = []
    for part in text.split("\n"):
        lines += _wrapped(part, _characters(width))
    if len(lines) <= _MOST_LINES:
        return [(text, len(lines))]
    return [
        (" ".join(lines[start : start + _MOST_LINES]), len(lines[start : start + _MOST_LINES]))
        for start in range(0, len(lines), _MOST_LINES)
    ]


def _wrapped(text: str, characters: int) -> list[str]:
    if len(text) <= characters:
        return [text]
    import textwrap

    return textwrap.wrap(text, characters) or [""]
