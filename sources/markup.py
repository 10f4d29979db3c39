"""Text out of HTML that came from outside: what a reader would see, without a tag of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_MOST = 100_000  # characters that are looked at: a description is no book
_UNSEEN = frozenset({"script", "style", "template", "title", "head", "noscript"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}
)


class _Reader(HTMLParser):
    """Collects what is seen. What stood in blocks of its own is kept apart by a space."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One opening tag."""
        self._unseen += tag in _UNSEEN
        if tag not in _INLINE:
            self.seen.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """One closing tag."""
        if tag in _UNSEEN and self._unseen:
            self._unseen -= 1
        if tag not in _INLINE:
            self.seen.append(" ")

    def handle_data(self, data: str) -> None:
        """The text between two tags."""
        if not self._unseen:
            self.seen.append(data)


def plain_text(html: str) -> str:
    """The text of a piece of HTML on one line. Text that has no tags is given as it is, but for its spaces.

    What was written as ``&lt;b&gt;`` is text and stays text: whoever shows it has to escape it, as any other.
    """
    reader = _Reader()
    try:
        reader.feed(html[:_MOST])
        reader.close()
        seen = "".join(reader.seen)
    except AssertionError:  # what Python's parser makes of a declaration it does not know
        seen = re.sub(r"<[^>]*>?", " ", html[:_MOST])
    return re.sub(r"\s+", " ", seen).strip()
