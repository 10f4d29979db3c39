"""Text from outside, without what cannot be seen in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Format characters that belong to the writing: the joiners of many scripts and of emoji, and the Arabic, Syriac
# and Kaithi signs that have a shape of their own.
_WRITTEN = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_BREAKS = re.compile("\r\n?")
_SPACES = re.compile(
    "[\v\f\x1c-\x1f\x85\u2028\u2029]"
)  # soft line breaks and separators: what stood apart stays so
_PLAIN = re.compile("[\n\t -~\u00a1-\u00ac\u00ae-\u02ff]*")


@lru_cache(maxsize=4096)
def _is_dropped(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cs")
        and character not in _WRITTEN
        and character not in "\n\t"
    )


def without_controls(text: str) -> str:
    """Text in composed form (NFC) without controls, direction overrides and other characters that nobody sees.

    C0 and C1 controls, U+202A to U+202E, U+2066 to U+2069, zero-width marks, soft hyphens, tags and half
    surrogates go: they hide text, turn its direction or make two equal names differ. Each line break becomes a
    line feed; a vertical tab, a form feed and Unicode's own separators become a space. Tabs stay.
    """
    if _PLAIN.fullmatch(text):
        return text
    text = _SPACES.sub(" ", _BREAKS.sub("\n", text))
    return unicodedata.normalize("NFC", "".join(c for c in text if not _is_dropped(c)))


def normalised(header: str) -> str:
    """A header for comparison: case, spaces and punctuation do not count, nor whether ä is one sign or two."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", header).casefold()).strip()


_ALIKE = 72  # of 100: below, words share letters by chance, as "walking" and "banking" (71) do


def nearest(text: str, among: Iterable[str], most: int = 3) -> list[str]:
    """Those of some normalised texts that are most like a text, the likeliest first; none that is not like it.

    Likeness is the share of letters in the same order (InDel). Those are like it too that have it as a word, or
    that it has: "energy" and "energy and climate".
    """
    from rapidfuzz import fuzz, process

    if not text:
        return []
    known = list(dict.fromkeys(among))
    found = process.extract(text, known, scorer=fuzz.ratio, limit=most, score_cutoff=_ALIKE)
    near = [word for word, _, _ in found]
    near += [word for word in known if word not in near and _has_words(text, word)]
    return near[:most]


def _has_words(one: str, other: str) -> bool:
    """Whether all words of the shorter of two texts stand in the longer one, and are more than a few letters."""
    words, others = set(one.split()), set(other.split())
    fewer = min(words, others, key=len)
    return len("".join(fewer)) > 4 and (words <= others or others <= words)
