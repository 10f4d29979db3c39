"""Atom feeds of new versions (RFC 4287): of one dataset, and of all of them.

Ids are tag URIs of names and versions, those of the releases' own feeds, so they stay what they are wherever the
portal stands; the time of an entry is the date of its data, so that a feed made again is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from publish.portals.folder.rendering import Site, in_language, relative
from publish.release.log import tag_of
from warehouse.messages import Language, counted, message, said_in, sentences

_MOST = 40
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dataset_feed(card: Mapping[str, Any], language: Language, site: Site) -> bytes:
    """The feed of a dataset's versions."""
    place = in_language(f"datasets/{card['name']}/feed.xml", language)
    return _feed(place, title_of(card, language), [card], language, site)


def site_feed(cards: Sequence[Mapping[str, Any]], language: Language, site: Site) -> bytes:
    """The feed of all datasets' versions."""
    return _feed(in_language("feed.xml", language), said_in(site.title, language), cards, language, site)


def title_of(card: Mapping[str, Any], language: Language) -> str:
    """A dataset's title in a language, in English where nobody translated it."""
    found = card.get(language.value, {}).get("title") if language is not Language.ENGLISH else ""
    return str(found or card["title"])


def newest(
    cards: Iterable[Mapping[str, Any]], most: int = _MOST
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Pairs of a dataset and a version of it, the newest data first."""
    pairs = [(card, version) for card in cards for version in card.get("versions", ())]
    pairs.sort(key=lambda pair: pair[0]["name"])
    pairs.sort(key=lambda pair: (pair[1]["data_date"], pair[1]["sequence"]), reverse=True)
    return pairs[:most]


def what_changed(version: Mapping[str, Any]) -> str:
    """What a version brings, in sentences."""
    found = list(_what_changed(version))
    return sentences(*found)


def _what_changed(version: Mapping[str, Any]) -> Iterator[str]:
    yield counted("{count} row.", "{count} rows.", version["rows"])
    if version["previous"] is None:
        yield message("The first version.")
    elif version["added"] or version["changed"] or version["removed"]:
        yield message(
            "Since version {version}: {added} added, {changed} changed, {removed} removed.",
            version=version["previous"],
            added=version["added"],
            changed=version["changed"],
            removed=version["removed"],
        )
    else:
        yield message("The rows are those of version {version}.", version=version["previous"])
    if version["fields"]:
        yield message("Columns: {changes}.", changes="; ".join(version["fields"]))


def _feed(place: str, title: str, cards: Sequence[Mapping[str, Any]], language: Language, site: Site) -> bytes:
    pairs = newest(cards)
    updated = f"{pairs[0][1]['data_date']}T00:00:00Z" if pairs else "1970-01-01T00:00:00Z"
    author = cards[0]["publisher"]["title"] if cards else said_in(site.title, language)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language.value}">',
        f"<id>{_text(tag_of(place))}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{updated}</updated>",
        f"<author><name>{_text(author)}</name></author>",
        f'<link rel="self" type="application/atom+xml" href={_address(site, place, place)}/>',
        f'<link rel="alternate" type="text/html" href={_address(site, place, _page_of(place))}/>',
    ]
    for card, version in pairs:
        lines += _entry(card, version, place, language, site)
    return "\n".join([*lines, "</feed>", ""]).encode()


def _entry(
    card: Mapping[str, Any], version: Mapping[str, Any], place: str, language: Language, site: Site
) -> list[str]:
    name = f"{title_of(card, language)} {version['version']}"
    page = in_language(f"datasets/{card['name']}/index.html", language)
    return [
        "<entry>",
        f"<id>{_text(tag_of(card['name'], version['version']))}</id>",
        f"<title>{_text(name)}</title>",
        f"<updated>{version['data_date']}T00:00:00Z</updated>",
        f'<link rel="alternate" type="text/html" href={_address(site, place, page)}/>',
        f"<summary>{_text(said_in(what_changed(version), language))}</summary>",
        "</entry>",
    ]


def _page_of(place: str) -> str:
    return place.removesuffix("feed.xml") + "index.html"


def _address(site: Site, place: str, target: str) -> str:
    """Where something is, in quotes: its address, or from the feed on where nobody told the portal's."""
    return quoteattr(f"{site.base}{target}" if site.base else relative(place, target))


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("", value))
