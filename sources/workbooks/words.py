"""How findings quote what stands in a workbook, and what they advise to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sources.workbooks.cell_values import CellValueError, clean_text, parse_amount, parse_date
from warehouse import reference
from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.messages import in_languages, listed, message, sentences

_MOST_TITLES = 60  # of a longer list the nearest entries, and how many more there are


LONGEST_QUOTED = 60


def quoted(text: str) -> str:
    """A text in quotation marks, cut if it is long."""
    text = clean_text(text)
    return message("“{text}”", text=text if len(text) <= LONGEST_QUOTED else text[: LONGEST_QUOTED - 1] + "…")


def marks_around(text: str) -> str:
    """A declared text in quotation marks, in whatever language it is said."""
    return message("“{text}”", text=text)


def short(header: str) -> str:
    """A header on one line, cut if it is long."""
    text = " ".join(header.split())
    return text if len(text) <= 80 else text[:79] + "…"


def title_of(declared: FieldDeclaration) -> str:
    """What a column is called where its file does not say."""
    return in_languages(declared.title, finnish=declared.title_fi)


def table_title(table: TableDeclaration) -> str:
    """What a table's sheet should be called."""
    return in_languages(table.title, finnish=table.title_fi)


def ranges(numbers: Sequence[int], most: int = 20) -> str:
    """Ascending numbers as "3, 5-9, 12"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in spans]
    return and_more(texts, most)


def and_more(texts: Sequence[str], most: int) -> str:
    """The first texts with commas between them, and how many there are beside."""
    said = listed(texts[:most], "comma")
    if len(texts) <= most:
        return said
    return message("{first} and {more} more", first=said, more=len(texts) - most)


def how_to_write(declared: FieldDeclaration, meant: Sequence[str] = (), *, is_optional: bool = True) -> str:
    """What to write into a cell: what it may mean, where that can be a value of its column; else what is expected.

    Args:
        declared: the cell's field.
        meant: the values it may mean, as texts; none for a column whose values are not shown.
        is_optional: the cell may be empty.
    """
    said = in_languages(declared.help, finnish=declared.help_fi)
    fitting = [text for text in meant if not declared.is_withheld and is_within(text, declared)]
    if len(fitting) == 1:
        return sentences(message("Write {value}, if that is what is meant.", value=quoted(fitting[0])), said)
    if fitting:
        either = listed([quoted(text) for text in fitting], "or")
        return sentences(message("Write {values}, whichever is meant.", values=either), said)
    is_said = "empty" in declared.help.casefold()
    empty = message("If it is not known, leave the cell empty.") if is_optional and not is_said else ""
    return sentences(said, _example(declared), empty) if said else sentences(_expected(declared), empty)


def choose_of(code_list: str, near: Sequence[str] = ()) -> str:
    """The entries of a list to choose from, the nearest first, by their titles in the language of the reader."""
    codes = reference.code_lists()[code_list].codes
    order = [*near, *(code for code in codes if code not in near)][:_MOST_TITLES]
    chosen = message("Choose one of {entries}.", entries=listed([code_title(code_list, c) for c in order], "or"))
    if len(codes) <= _MOST_TITLES:
        return chosen
    more = len(codes) - _MOST_TITLES
    return sentences(chosen, message("The list has {more} entries beside.", more=more))


def code_title(code_list: str, code: str) -> str:
    """A code's title in quotation marks; the code itself where it has none."""
    meaning = reference.code_lists()[code_list].codes[code]
    return marks_around(in_languages(meaning.title or code, finnish=meaning.title_fi))


def is_within(text: str, declared: FieldDeclaration) -> bool:
    """Whether a text is within its column's bounds."""
    limits = declared.constraints
    try:
        value = parse_date(text) if declared.type in ("date", "datetime") else parse_amount(text, decimal_mark=".")
    except CellValueError:
        return True
    low, high = limits.minimum, limits.maximum
    return not ((low is not None and value < low) or (high is not None and value > high))  # type: ignore[operator]


def _expected(declared: FieldDeclaration) -> str:
    """What a column expects that says nothing of it itself."""
    example = example_of(declared)
    if declared.constraints.code_list is not None:
        return choose_of(declared.constraints.code_list)
    match declared.type:
        case "integer":
            return message("Write a whole number, such as {example}.", example=quoted(example))
        case "number" if declared.unit and declared.unit.isupper():
            unit = declared.unit
            return message(
                "Write the amount in {unit} alone, such as {example}.", unit=unit, example=quoted(example)
            )
        case "number":
            return message("Write the number alone, such as {example}.", example=quoted(example))
        case "boolean":
            return message("Choose one of “yes” or “no”.")
        case "date":
            return message(
                "Write the day as {iso} or {dotted}.", iso=quoted(example), dotted=quoted(_dotted(example))
            )
        case "datetime":
            return message("Write the moment as {example}.", example=quoted(f"{example} 14:30"))
        case "year":
            return message("Write the year with four digits, such as {example}.", example=quoted(example))
    return message("Write the text into the cell.")


def _example(declared: FieldDeclaration) -> str:
    """How a column's values look, beside what is said of them."""
    match declared.type:
        case "string" if declared.constraints.code_list is None:
            return ""
        case "string" | "boolean" | "datetime":
            return _expected(declared)
    return message("Write it like {example}.", example=quoted(example_of(declared)))


_EXAMPLES = {"integer": "12", "number": "5000", "year": "2016", "date": "2016-03-31", "datetime": "2016-03-31"}


def example_of(declared: FieldDeclaration) -> str:
    """A value that a column could hold, as people write it; empty for texts."""
    example = "50" if declared.unit == "%" else _EXAMPLES.get(declared.type, "")
    if not example or is_within(example, declared):
        return example
    low, high = declared.constraints.minimum, declared.constraints.maximum
    if declared.type in ("date", "datetime"):
        edge = low if low is not None else high
        return edge.isoformat() if isinstance(edge, date) else example
    edges = [edge for edge in (low, high) if isinstance(edge, int | float)]
    return f"{edges[0]:g}" if edges else example


def _dotted(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day}.{day.month}.{day.year}"
