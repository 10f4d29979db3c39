"""The portal's own files: the front page, the list of datasets, the questions, search, feeds, the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publish.metadata import dcat
from publish.metadata.turtle import as_turtle
from publish.portals.folder import charts
from publish.portals.folder.feeds import newest, site_feed, title_of, what_changed
from publish.portals.folder.questions import answer_place, answers_of, question_pages, question_views
from publish.portals.folder.rendering import Site, assets, in_language, render
from publish.portals.folder.search import search_files
from publish.questions import Shelved
from warehouse.home import to_json
from warehouse.messages import Language, said_in

FRONT = "front page"  # stands for the dataset's name in changes of the portal's own pages
# Where they stand; of folders, the files that we wrote there.
OWN_PLACES = (
    *("index.html", "fi/", "datasets/index.html", "questions/", "search/", "assets/"),
    *("feed.xml", "catalog.jsonld", "catalog.ttl"),
)
_LATEST = 6  # changes that the front page tells of
# What cards of earlier versions of the program lack.
_CARD: Mapping[str, Any] = {
    "fi": {},
    "columns": [],
    "versions": [],
    "headline": {},
    "licence": {"id": "", "url": ""},
    "contact": {"name": "", "email": ""},
    "district": "",
}


@dataclass(frozen=True)
class Shelf:
    """A dataset that the portal shows: what its folder notes of it, and the file with its rows."""

    state: Mapping[str, Any]
    parquet: Path | None


def front_files(
    shelves: Mapping[str, Shelf], site: Site, root: Path, noted: Mapping[str, str]
) -> dict[str, bytes]:
    """The files by place, those that others are made with first, the front page last: it is what people open.

    Args:
        shelves: the datasets by name.
        site: whose pages they are.
        root: the portal's folder, in which answers that were found before stand.
        noted: the sums of the files that were written there, by place.
    """
    cards = [{**_CARD, **shelf.state["card"]} for _, shelf in sorted(shelves.items())]
    answers = answers_of(_shelved(shelves), root, noted)
    files = assets()
    for number, answered in answers.items():
        files[answer_place(number)] = to_json(answered.as_json()).encode()
    for language in Language:
        files.update(question_pages(answers, cards, language, site))
        files.update(search_files(cards, language, site))
        files[in_language("feed.xml", language)] = site_feed(cards, language, site)
        place = in_language("datasets/index.html", language)
        files[place] = render("datasets.html", place, language, site, cards=_shown(cards, language))
        place, asked = in_language("questions/index.html", language), question_views(answers, cards, language)
        files[place] = render("questions.html", place, language, site, questions=asked)
    files.update(_catalogue(shelves, cards, site))
    for language in reversed(Language):
        place = in_language("index.html", language)
        files[place] = render(
            "index.html",
            place,
            language,
            site,
            groups=_groups(_shown(cards, language)),
            count=len(cards),
            rows=sum(card["rows"] for card in cards),
            newest_date=max((card["data_date"] for card in cards), default=""),
            questions=question_views(answers, cards, language),
            latest=[
                {
                    "name": card["name"],
                    "title": title_of(card, language),
                    "version": version["version"],
                    "date": version["data_date"],
                    "what": what_changed(version),
                }
                for card, version in newest(cards, _LATEST)
            ],
        )
    return files


def _shelved(shelves: Mapping[str, Shelf]) -> dict[str, Shelved]:
    found = {}
    for name, shelf in shelves.items():
        card = shelf.state["card"]
        digest = card.get("parquet", {}).get("sha256")
        if shelf.parquet and digest:
            found[name] = Shelved(name, card["version"], card["data_date"], shelf.parquet, digest)
    return found


def _shown(cards: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """The cards in a language, by title."""
    found = []
    for card in cards:
        other = card["fi"] if language is Language.FINNISH else {}
        description = other.get("description") or card["description"]
        found.append(
            {
                **card,
                "title": title_of(card, language),
                "place": other.get("place") or card["place"],
                "description": description.split("\n\n")[0],
                "headline": card["headline"].get(language.value),
                "tag": other["tag"] if other.get("title") else "en",
                "is_translated": bool(other.get("title")),
                "is_reviewed": other.get("is_reviewed", True),
                "outline": charts.outline(card["geometry"], 120.0) if card["geometry"] else None,
            }
        )
    return sorted(found, key=lambda card: str(card["title"]).lower())


def _groups(cards: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The cards by their place, those of several districts last."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for card in cards:
        groups.setdefault(card["place"] if card["district"] else "", []).append(card)
    return sorted(groups.items(), key=lambda group: (group[0] == "", group[0]))


def _catalogue(shelves: Mapping[str, Shelf], cards: Sequence[Mapping[str, Any]], site: Site) -> dict[str, bytes]:
    title, description = (said_in(text, Language.ENGLISH) for text in (site.title, site.description))
    publisher = cards[0]["publisher"] if cards else {"name": "opendistrict", "title": title}
    nodes = [shelf.state["dcat"] for _, shelf in sorted(shelves.items())]
    document = dcat.catalogue_document(title, description, publisher, site.base, nodes)
    return {"catalog.jsonld": to_json(document).encode(), "catalog.ttl": as_turtle(document).encode()}
