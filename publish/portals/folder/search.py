"""Search without a server: an index that a script reads, and a page with everything from A to Z without one.

The index is a script that hands a list over, so it works from a web server and from a disk alike. An entry is a
list: kind (0 dataset, 1 question, 2 column), title, place of the page, name, and words that are searched too.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from publish.portals.folder.feeds import title_of
from publish.portals.folder.rendering import Site, in_language, render
from publish.questions import load_questions
from warehouse.messages import Language, message, said_in

DATASET, QUESTION, COLUMN = 0, 1, 2
Entry = tuple[int, str, str, str, str]


def search_files(cards: Sequence[Mapping[str, Any]], language: Language, site: Site) -> dict[str, bytes]:
    """The index and the page of a language, by place."""
    entries = list(_entries(cards, language))
    place = in_language("search/index.html", language)
    kinds = [said_in(text, language) for text in (message("Dataset"), message("Question"), message("Column"))]
    content = {"kinds": kinds, "entries": entries}
    # what could end a script or break a line in one is written as an escape
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    page = render("search.html", place, language, site, groups=_from_a_to_z(entries), kinds=kinds)
    return {
        f"search/index-{language.value}.js": f"window.opendistrictIndex={text};\n".encode(),
        place: page,
    }


def _entries(cards: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Entry]:
    for card in cards:
        page = in_language(f"datasets/{card['name']}/index.html", language)
        other = card["fi"] if language is Language.FINNISH else {}
        place = other.get("place") or card["place"]
        words = [other.get("description") or card["description"], *card["keywords"], place]
        if title_of(card, language) != card["title"]:
            words.append(card["title"])
        yield DATASET, title_of(card, language), page, card["name"], " ".join(words)
    for question in load_questions():
        page = in_language(f"questions/{question.slug}/index.html", language)
        words = [
            question.introduction.in_language(language),
            *(one.in_language(language) for one in question.headings.values()),
        ]
        yield QUESTION, question.title.in_language(language), page, "", " ".join(words)
    for card in cards:
        page = in_language(f"datasets/{card['name']}/index.html", language)
        titles = card["fi"].get("fields", {}) if language is Language.FINNISH else {}
        for column in card["columns"]:
            title = titles.get(column["name"]) or column["title"]
            words = column["meaning"] if language is Language.ENGLISH else column["title"]
            yield COLUMN, title, f"{page}#column-{column['name']}", column["name"], words


def _from_a_to_z(entries: Sequence[Entry]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Everything by its first letter; a column that several datasets have once, with all of them."""
    merged: dict[tuple[int, str, str], dict[str, Any]] = {}
    for kind, title, place, name, _ in entries:
        key = (kind, title, name)
        item = merged.setdefault(key, {"kind": kind, "title": title, "name": name, "places": []})
        item["places"].append(place)
    ordered = sorted(merged.values(), key=lambda item: (_folded(item["title"]), item["kind"], item["name"]))
    return [(letter, list(items)) for letter, items in groupby(ordered, key=lambda item: _letter(item["title"]))]


def _letter(title: str) -> str:
    first = _folded(title)[:1].upper()
    return first if "A" <= first <= "Z" else "#"


def _folded(text: str) -> str:
    """In small letters without their marks, as the script folds what is typed."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)).strip()
