"""Who may see a column: guessed on the safe side, from its header and from its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sources.workbooks.proposing.vocabulary import says
from warehouse.declarations import Privacy
from warehouse.personal import find_personal

_LONG = 60  # characters on average: a text that long is written, not chosen
_NAME = re.compile(r"[^\W\d_]\w*(?:[-'’]\w+)*(?: [^\W\d_]\.?)?(?: (?:von|van|de|af))? [^\W\d_]\w*(?:[-'’]\w+)*")
_MOSTLY = 0.7


def privacy_of(header: str, texts: Sequence[str]) -> tuple[Privacy, str]:
    """A column's class and why, never with a value. ``texts`` are its filled cells if it holds texts."""
    if says("persons", header):
        return Privacy.PERSONAL, "the header speaks of a person"
    if kinds := find_personal("\n".join(dict.fromkeys(texts))):
        return Privacy.PERSONAL, f"cells hold {' and '.join(kinds)}"
    if texts and all(text.startswith(("http://", "https://")) for text in texts):
        return Privacy.PUBLIC, ""
    return _text_privacy(header, texts)


def _text_privacy(header: str, texts: Sequence[str]) -> tuple[Privacy, str]:
    if says("addresses", header):
        return Privacy.INTERNAL, "the header speaks of an address, which may be somebody's home"
    if says("remarks", header):
        return Privacy.INTERNAL, "remarks may name persons"
    if texts and sum(map(len, texts)) > _LONG * len(texts):
        return Privacy.INTERNAL, "texts that long may name persons"
    names = 0 if says("things", header) else sum(_is_name(text) for text in texts)
    if names and names >= _MOSTLY * len(texts):
        return Privacy.INTERNAL, f"{names} of {len(texts)} cells could be names of persons"
    return Privacy.PUBLIC, ""


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        _NAME.fullmatch(text) is not None and all(word[0].isupper() and not word.isupper() for word in words[::2])
    ) and not says("companies", text)
