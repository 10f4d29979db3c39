"""Names of columns, tables and sources: English where the word is a common one, else the word itself, in ASCII."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from sources.workbooks.proposing.vocabulary import meaning_of, suffix_of, unit_of, words_of
from warehouse.types import FieldType

_LONGEST = 40
_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "đ": "d", "ł": "l", "þ": "th"})
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


def unit_in(header: str) -> str | None:
    """The unit that a header names: in brackets, behind a comma, or as a sign at its end."""
    for inside in _BRACKETS.findall(header):
        if unit := unit_of(inside):
            return unit
    parts = re.split(r"[\s,/_]+", header.strip())
    return unit_of(parts[-1], is_bare=True) if len(parts) > 1 else None


def slug_of(text: str) -> str:
    """A text as a name of ours; empty where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED)).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    while len(words) > _LONGEST and "_" in words:
        words = words.rpartition("_")[0]
    words = words[:_LONGEST].strip("_")
    return f"n_{words}" if words[:1].isdigit() else words


def _meaning(header: str) -> str:
    """A header's words without unit and brackets, in English where all are known."""
    bare = _BRACKETS.sub(" ", header)
    if unit_in(bare):
        bare = re.sub(r"[\s,/_]+[^\s,/_]+\s*$", "", bare)
    words = words_of(bare) or words_of(header)
    return meaning_of(words) or slug_of(words)


def name_of(header: str, kind: FieldType, unit: str | None, *, is_code: bool, taken: Collection[str]) -> str:
    """The name of a column: what it holds, with its unit, ``_date``, ``_code`` or ``is_``."""
    name = _meaning(header)
    if kind == "date":
        name = _ended(name, "date", "pvm|paiva|paivamaara|paivays")
    elif kind == "boolean" and not name.startswith(("is_", "has_")):
        name = f"is_{name}"
    elif is_code:
        name = _ended(name, "code", "koodi")
    elif suffix := suffix_of(unit):
        name = _ended(name, suffix, "euroa?")
    return apart(name or "column", taken)


def _ended(name: str, suffix: str, same: str) -> str:
    """A name with what it has to end with, in place of a Finnish word for it, alone or in a compound."""
    return f"{re.sub(rf'(?:^|_){suffix}$|_?(?:{same})$', '', name) or 'record'}_{suffix}"


def title_of(header: str) -> str:
    """A header as a title: that of a program, such as "start_date", in words. It is the same header in reading."""
    if "_" not in header or " " in header:
        return header
    words = header.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def apart(name: str, taken: Collection[str]) -> str:
    """A name that is not taken yet: with a number behind it if it must be."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
