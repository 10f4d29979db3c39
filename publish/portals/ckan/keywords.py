"""Keywords as tags that CKAN takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# What CKAN takes no tag with, and how it is said instead.
_SAID = {"#": " sharp", "+": " plus", "&": " and ", "%": " per cent"}
_LONGEST, _SHORTEST = 100, 2


def tags_of(keywords: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tags of letters, digits, spaces and ``-_.``, from 2 to 100 characters; and what is sent otherwise or not.

    Letters are composed first: a mark that combines with the letter before it is no letter to CKAN.
    """
    tags, told = set(), []
    for word in keywords:
        tag = _tag(word)
        if len(tag) < _SHORTEST:
            told.append(f"the keyword “{word}”: a tag has from {_SHORTEST} to {_LONGEST} letters and digits")
            continue
        tags.add(tag)
        if tag != " ".join(unicodedata.normalize("NFC", word).split()):
            told.append(f"the keyword “{word}” as it is: it is sent as “{tag}”")
    return tuple(sorted(tags)), tuple(told)


def _tag(word: str) -> str:
    text = unicodedata.normalize("NFC", word)
    for sign, said in _SAID.items():
        text = text.replace(sign, said)
    return " ".join(re.sub(r"[^\w \-.]", " ", text).split())[:_LONGEST].strip()
