"""What the texts of a column are: identifiers, codes of a list, one of a few, addresses of pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from sources.workbooks.proposing.vocabulary import says
from warehouse import reference
from warehouse.identifiers import IDENTIFIERS, Identifier

_MOST_CODES = 8
_LONGEST_CODE = 30
_TIMES_EACH = 3  # a text that comes back so often on average is one of a list
_NEARLY_ALL = 0.9
_LETTERS = re.compile("[A-Z0-9]{1,4}")
_PAGE = "https?://[^ ]+"


@dataclass(frozen=True)
class Texts:
    """Constraints that a column's texts keep, in the words of a declaration, and what says so.

    ``values`` are the texts as they are then read. ``doubt`` is what a person should look at.
    """

    constraints: Mapping[str, Any]
    evidence: str
    values: tuple[str | None, ...]
    doubt: str = ""

    @property
    def is_code(self) -> bool:
        """The texts are codes: they are on a list."""
        return not {"codeList", "enum"}.isdisjoint(self.constraints)


def texts_of(header: str, values: Sequence[str | None]) -> Texts | None:
    """What a column's texts are; None where they are any."""
    filled = [value for value in values if value is not None]
    if not filled:
        return None
    found = _identifiers(values, filled) or _listed(values, filled) or _pages(values, filled)
    return found or _few(values, filled, is_class=says("classes", header))


def _identifiers(values: Sequence[str | None], filled: Sequence[str]) -> Texts | None:
    told = {check: kind for check, kind in IDENTIFIERS.items() if kind.is_told_by_form}
    for check, identifier in told.items():
        read = {text: identifier.canonical(text) for text in filled}
        right = _that_hold(identifier, [form for form in read.values() if form])  # the form alone is had by chance
        good = sum(read[text] in right for text in filled)
        if good >= _NEARLY_ALL * len(filled):
            meant = tuple(value and (read[value] or value) for value in values)
            return Texts({"check": check}, f"{good} of {len(filled)} cells are right ones of {check}", meant)
    return None


def _that_hold(identifier: Identifier, forms: Sequence[str]) -> set[str]:
    """Those of texts in canonical form whose check digits are right."""
    if not forms:
        return set()
    with duckdb.connect() as connection:
        query = f"SELECT form FROM unnest(?) AS listed(form) WHERE {identifier.holds('form')}"
        return {form for (form,) in connection.execute(query, [list(forms)]).fetchall()}


def _listed(values: Sequence[str | None], filled: Sequence[str]) -> Texts | None:
    for name, codes in reference.code_lists().items():
        meant = {text: codes.code_of(text) for text in set(filled)}
        good = sum(meant[text] is not None for text in filled)
        if good >= _NEARLY_ALL * len(filled):
            doubt = f"{len(filled) - good} cells are not on it" if good < len(filled) else ""
            said = f"{good} of {len(filled)} cells are on the list {name}"
            return Texts({"codeList": name}, said, tuple(value and meant[value] for value in values), doubt)
    return None


def _pages(values: Sequence[str | None], filled: Sequence[str]) -> Texts | None:
    if all(re.fullmatch(_PAGE, text) for text in filled):
        return Texts({"pattern": _PAGE}, f"all {len(filled)} cells are addresses of pages", tuple(values))
    return None


def _few(values: Sequence[str | None], filled: Sequence[str], *, is_class: bool) -> Texts | None:
    """A few texts that come back, where the header speaks of a class or they are letters of a code."""
    counts = Counter(filled)
    if not 2 <= len(counts) <= _MOST_CODES or len(filled) < _TIMES_EACH * len(counts):
        return None
    if max(map(len, counts)) > _LONGEST_CODE or not (is_class or all(map(_LETTERS.fullmatch, counts))):
        return None
    return Texts(
        {"enum": sorted(counts)},
        f"{len(filled)} cells hold {len(counts)} different texts",
        tuple(values),
        "take the enum out if others may come",
    )
