"""Words of headers and what they say of a column, from ``vocabulary.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from warehouse.declarations import Declared, normalised, parse, read_yaml

_HUMP = re.compile(r"(?<=[a-zäö])(?=[A-ZÄÖ])")
_FILE = Path(__file__).with_name("vocabulary.yaml")

Said = Literal[
    "ids",
    "years",
    "dates",
    "as_written",
    "persons",
    "addresses",
    "remarks",
    "classes",
    "money",
    "things",
    "finnish",
    "companies",
    "sheets",
]


class _Vocabulary(Declared):
    units: Mapping[str, tuple[str, ...]]
    bare_units: tuple[str, ...]
    suffixes: Mapping[str, str]
    meanings: Mapping[str, tuple[str, ...]]
    words: Mapping[Said, tuple[str, ...]]


@cache
def _vocabulary() -> _Vocabulary:
    return parse(_Vocabulary, read_yaml(_FILE), _FILE)


@cache
def _pattern(said: Said) -> re.Pattern[str]:
    words = (re.escape(word).replace(r"\*", r"\w*").replace(r"\$", "$") for word in _vocabulary().words[said])
    return re.compile(rf"\b(?:{'|'.join(words)})(?!\w)")


def words_of(header: str) -> str:
    """A header in small letters with one space between its words, of which "CompanyNumber" has two."""
    return normalised(header if " " in header.strip() else _HUMP.sub(" ", header))


def count_of(said: Said, header: str) -> int:
    """How many words of a header say something, e.g. that it speaks of persons."""
    return len(_pattern(said).findall(words_of(header)))


def says(said: Said, header: str) -> bool:
    """Whether a header says something of its column."""
    return count_of(said, header) > 0


def is_only(said: Said, text: str) -> bool:
    """Whether a text says that and nothing else."""
    return _pattern(said).fullmatch(normalised(text)) is not None


def unit_of(text: str, *, is_bare: bool = False) -> str | None:
    """The unit that a text is; ``is_bare``: without brackets around it, where fewer words can only be a unit."""
    word = text.strip().casefold()
    if is_bare and word not in _vocabulary().bare_units:
        return None
    return next((unit for unit, words in _vocabulary().units.items() if word in words), None)


def suffix_of(unit: str | None) -> str | None:
    """How the name of a column in a unit ends."""
    return _vocabulary().suffixes.get(unit or "")


@cache
def _meanings() -> Mapping[str, str]:
    return {word: meaning for meaning, words in _vocabulary().meanings.items() for word in words}


def meaning_of(words: str) -> str | None:
    """A header in English, where it or each of its words is a common one."""
    known = _meanings()
    each = [known.get(word) for word in words.split()]
    return known.get(words) or ("_".join(word for word in each if word) if each and all(each) else None)
