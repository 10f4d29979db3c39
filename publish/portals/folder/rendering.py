"""Pages as HTML, in a language, at a place of the portal: links are relative, so the folder can stand anywhere.

A page may load the portal's own style sheet and scripts and nothing else; no script or style stands in a page, so
the policy needs no exception. Everything that came from outside is escaped.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warehouse.messages import Language, message, said_in
from warehouse.messages.said import shown
from warehouse.messages.texts import Message
from warehouse.text import without_controls

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'"
)
# strftime would follow the machine's locale
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _title() -> str:
    return message("Open data for innovation districts")


def _description() -> str:
    return message(
        "Companies, pilots and programmes of innovation districts: checked every night, versioned, and free to use"
        " with their source."
    )


@dataclass(frozen=True)
class Site:
    """What stands on every page: the portal's title and what it is.

    ``base`` is the address it is served at, ending in a slash; empty where nobody said.
    """

    title: str = field(default_factory=_title)
    description: str = field(default_factory=_description)
    base: str = ""


def in_language(place: str, language: Language) -> str:
    """The place of a page's twin in a language, from that of the English page.

    A dataset's pages lie in the dataset's folder in every language, so that all are exchanged in one step.
    """
    if language is Language.ENGLISH:
        return place
    first, _, rest = place.partition("/")
    name, slash, own = rest.partition("/")
    if first == "datasets" and slash:
        return f"{first}/{name}/{language.value}/{own}"
    return f"{language.value}/{place}"


def in_english(place: str) -> str:
    """The place of the English twin of a page in any language."""
    parts = place.split("/")
    at = 2 if parts[0] == "datasets" and len(parts) > 3 else 0
    tags = [one.value for one in Language if one is not Language.ENGLISH]
    return "/".join(parts[:at] + parts[at + 1 :]) if parts[at] in tags and len(parts) > 1 else place


def relative(place: str, target: str) -> str:
    """The link from a page at a place of the portal to another place, or to a folder (ending in a slash)."""
    path, hash_, anchor = target.partition("#")
    link = posixpath.relpath(path or ".", posixpath.dirname(place) or ".")
    return link + ("/" if path.endswith("/") else "") + hash_ + anchor


def render(template: str, place: str, language: Language, site: Site, **values: Any) -> bytes:
    """A page as HTML.

    Args:
        template: its file in ``templates``.
        place: the page's path in the portal, such as ``datasets/pilots/fi/index.html``.
        language: in which it speaks.
        site: whose page it is.
        values: what the template needs.
    """
    english = in_english(place)
    twins = [
        (one.value, one.own_name, relative(place, in_language(english, one)), one is language) for one in Language
    ]
    text = (
        environment(language)
        .get_template(template)
        .render(
            site=site,
            place=place,
            to=partial(relative, place),
            here=lambda target: relative(place, in_language(target, language)),
            asset=lambda name: f"{relative(place, f'assets/{name}')}?v={_asset_sums()[name]}",
            twins=twins,
            policy=POLICY,
            **values,
        )
    )
    return (text.rstrip("\n") + "\n").encode()


def assets() -> dict[str, bytes]:
    """The style sheet and the scripts, by their place in the portal."""
    return {f"assets/{path.name}": path.read_bytes() for path in sorted(ASSETS.iterdir()) if path.is_file()}


@cache
def _asset_sums() -> Mapping[str, str]:
    """What follows an asset's name in links: a browser that keeps an old one must not use it with a new page."""
    return {place.removeprefix("assets/"): hashlib.sha256(c).hexdigest()[:8] for place, c in assets().items()}


@cache
def environment(language: Language) -> Environment:
    """The templates in a language, with the filters that pages use; what they write is said in it and escaped."""

    def finalised(value: Any) -> Any:
        if isinstance(value, Markup) or not isinstance(value, str):
            return value
        return without_controls(said_in(value, language))

    made = Environment(
        finalize=finalised,
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def gettext(text: str, **values: Any) -> str:
        return said_in(Message(text, values), language)

    def ngettext(one: str, many: str, count: int, **values: Any) -> str:
        return said_in(Message(one, {"count": count, **values}, many, count), language)

    made.globals.update(_=gettext, ngettext=ngettext, language=language, say=partial(said_in, language=language))
    made.filters.update(
        day=partial(day, language=language),
        size=partial(size, language=language),
        number=partial(number, language=language),
        say=partial(said_in, language=language),
        link=is_link,
        host=host,
    )
    return made


def day(value: date | str, language: Language = Language.ENGLISH) -> str:
    """A day in words."""
    found = date.fromisoformat(value) if isinstance(value, str) else value
    if language is Language.ENGLISH:
        return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"
    return shown(found, language)


def size(value: int, language: Language = Language.ENGLISH) -> str:
    """A file's size; ``value`` in bytes."""
    if value < 1000:
        return f"{value} {said_in(message('bytes'), language)}"
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            text = f"{value / factor:.1f}"
            return f"{text if language is Language.ENGLISH else text.replace('.', ',')} {unit}"
    return f"{value / 1e3:.0f} kB"


def number(value: float, language: Language = Language.ENGLISH) -> str:
    """A number as people read it, without decimals."""
    return f"{value:,.0f}" if language is Language.ENGLISH else shown(round(value), language)


def is_link(value: str) -> bool:
    """Whether a text is an address that a page may link to."""
    return value.startswith(("https://", "http://")) and not any(c.isspace() for c in value)


def host(value: str) -> str:
    """A link's text: where it leads, and the end of its path."""
    try:
        found = urlsplit(value).hostname or value
    except ValueError:
        return value
    tail = value.rstrip("/").rsplit("/", 1)[-1]
    return (
        f"{found.removeprefix('www.')} … {tail}"
        if tail and tail not in found and len(tail) <= 24
        else found.removeprefix("www.")
    )
