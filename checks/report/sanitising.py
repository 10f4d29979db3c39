"""What came from outside, made fit to be shown: markup, unseen characters, lengths, addresses, personal values."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from warehouse.declarations import FieldDeclaration, TableDeclaration, normalised
from warehouse.findings import WITHHELD, Finding
from warehouse.messages import InLanguages, Language, Listed, Message, said_in

_LONGEST_VALUE = 200
_LONGEST_TEXT = 700
# Controls, marks that turn the direction of writing round, characters without width, halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SIGN_IN = re.compile(r"(?<=://)[^/\s@]+@")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:@^$=])")
_MARKDOWN_OWN = re.compile(r"(?<=[A-Za-z,;])\\([.:\-])(?=\s|$)|(?<=[0-9])\\([\-.])(?=[0-9])")


def visible(text: str) -> str:
    """A text with a sign in the place of every character that cannot be seen."""
    return _UNSEEN.sub("\ufffd", text)


def clean(text: str) -> str:
    """A text on one line, with what cannot be seen made visible and names and passwords taken out of addresses."""
    return _SIGN_IN.sub("", " ".join(visible(text).split()))


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def in_parts(text: str, changed: Callable[[str], str]) -> str:
    """A text with each of its parts changed that came from somewhere; it can still be said in other languages."""
    match text:
        case Message():
            values = {
                name: in_parts(value, changed) if isinstance(value, str) else value
                for name, value in text.values.items()
            }
            return Message(text.template, values, text.many, text.number)
        case InLanguages():
            return InLanguages(changed(text), {tag: changed(other) for tag, other in text.others.items()})
        case Listed():
            return Listed([in_parts(part, changed) for part in text.parts], text.kind)
    return changed(text)


def safe_text(text: str) -> str:
    """A text of any origin and length as one line."""
    # Cut before cleaning as well: a message of many megabytes should not cost much.
    return in_parts(text, lambda part: shortened(clean(part[: 4 * _LONGEST_TEXT]), _LONGEST_TEXT))


def safe_value(value: str) -> str:
    """A value as the person sees it in the cell; spaces and line ends can be what is wrong with it."""
    text = value[: 2 * _LONGEST_VALUE].replace("\r\n", "\n").replace("\n", "↵").replace("\t", "⇥")
    return shortened(_SIGN_IN.sub("", visible(text)), _LONGEST_VALUE)


def safe_markdown(text: str) -> str:
    """A text that stands for itself in Markdown: no markup, no HTML, no address that turns into a link."""
    escaped = _MARKDOWN.sub(r"\\\1", html.escape(safe_text(text), quote=False))
    # Punctuation that ends a word or stands between digits is harmless, and the text is read as it is, too.
    return _MARKDOWN_OWN.sub(lambda match: match[1] or match[2], escaped)


def safe_link(address: str | None) -> str | None:
    """An address to link to: http(s), or relative to the page; None for anything else."""
    if not address or _UNSEEN.search(address) or re.search(r"[\s\\<>\"]", address):
        return None
    try:
        parts = urlsplit(address)
        host, signed_in = parts.hostname, parts.username or parts.password
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        # "https://portal.example@elsewhere.example" is not where it seems to lead.
        return quote(address, safe=":/?#[]@!$&'*+,;=%~") if host and not signed_in else None
    if parts.scheme or parts.netloc or address.startswith("/") or ":" in address.partition("/")[0]:
        return None
    return quote(address, safe="/%#?&=.~-_")


def safe_origin(origin: str) -> str:
    """Where a snapshot came from, without query and folders: neither tokens nor machines belong into a report."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https"):
        return shortened(clean(f"{parts.hostname or ''}{parts.path}"), 120)
    return shortened(clean(PurePosixPath(origin.replace("\\", "/")).name), 120)


def _field(finding: Finding, tables: Sequence[TableDeclaration]) -> FieldDeclaration | None:
    """The declared field a finding is about, by its name or by a header that means it; a personal one first."""
    if finding.column_name is None:
        return None
    header = normalised(finding.column_name)
    found = [
        field
        for table in tables
        if finding.table_name in (None, table.name)
        for field in table.fields
        if field.name == finding.column_name
        or header in {normalised(text) for text in (field.title, *field.source_names)}
    ]
    return min(found, key=lambda f: (not f.is_withheld, f.name != finding.column_name), default=None)


def safe_finding(finding: Finding, tables: Sequence[TableDeclaration]) -> tuple[Finding, FieldDeclaration | None]:
    """A finding that may be shown, and its field.

    Personal values should have been withheld long before. Here stands the last door, so it is closed again: a
    value of a personal column or of a table about people, of a column nobody declared, or a whole line of a table
    that holds such columns does not pass, and is taken out of the message too.
    """
    field = _field(finding, tables)
    if finding.value in (None, "", WITHHELD):
        return finding, field
    if finding.column_name is not None:
        is_private = field.is_withheld if field else finding.value != finding.column_name
    else:
        is_private = finding.row_number is not None and any(
            f.is_withheld for table in tables if finding.table_name in (None, table.name) for f in table.fields
        )
    if not is_private:
        return finding, field
    value = str(finding.value)
    return replace(
        finding,
        value=WITHHELD,
        message=_without(finding.message, value),
        help=_without(finding.help, value),
        row_key=finding.row_key.replace(value, WITHHELD) if finding.row_key else None,
    ), field


def _without(text: str, value: str) -> str:
    """A text that does not hold the value, in whatever language it is said."""
    made = in_parts(text, lambda part: part.replace(value, WITHHELD))
    if any(value in said_in(made, language) for language in Language):  # split over parts, or a number of it
        return str(text).replace(value, WITHHELD)
    return made
