"""How findings quote what stands in a workbook, and what they advise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sources.workbooks.cell_values import clean_text

HOW_TO_WRITE: Mapping[str, str] = {
    "integer": "Write a whole number, such as 12.",
    "number": "Write the number alone, such as 5000 or 5000.50.",
    "boolean": "Write yes or no.",
    "date": "Write the day as 2016-03-31 or 31.3.2016, or leave the cell empty if it is not known.",
    "datetime": "Write the moment as 2016-03-31 14:30.",
    "year": "Write the year with four digits.",
    "string": "Write the text into the cell.",
}


def quoted(text: str) -> str:
    """A text in quotation marks, cut if it is long."""
    text = clean_text(text)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"


def short(header: str) -> str:
    """A header on one line, cut if it is long."""
    text = " ".join(header.split())
    return text if len(text) <= 80 else text[:79] + "…"


def ranges(numbers: Sequence[int], most: int = 20) -> str:
    """Ascending numbers as "3, 5-9, 12"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in spans]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most:,} more places" if len(texts) > most else "")
