"""The folder portal's pages. Everything that came from outside is escaped; no page loads or runs anything."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from publish.desired import DesiredDataset
from publish.files.render import SUPPRESSED_WORD, description_of, labels
from publish.metadata.protection import protection_in_words
from publish.metadata.words import FREQUENCIES, LANGUAGES, NOT_REVIEWED, WITH_ROWS
from publish.portals.folder import charts, opening
from publish.portals.folder.people import draw_people
from warehouse.declarations import STATUS, SUPPRESSED, FieldDeclaration, literal, quote

PREVIEW_ROWS = 20
_LONGEST_CELL = 160
# strftime would follow the machine's locale
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Site:
    """What stands on every page: the portal's title and what it is."""

    title: str = "Open data for innovation districts"
    description: str = (
        "Companies, pilots and programmes of innovation districts: checked every night, versioned,"
        " and free to use with their source."
    )


@dataclass(frozen=True)
class Version:
    """A version in the change log, newest first."""

    name: str
    lines: tuple[str, ...]


def dataset_page(wanted: DesiredDataset, site: Site) -> str:
    """The page of a dataset."""
    parquet = next(resource.path for resource in wanted.resources if resource.key == "parquet")
    table = wanted.declaration.table
    people = draw_people(wanted.declaration, parquet)
    time_charts, bar_charts = charts.draw(table, parquet, wanted.release.data_date)
    return _render(
        "dataset.html",
        site=site,
        entry=wanted.declaration.entry,
        fields=table.fields,
        descriptions={field.name: description_of(field) for field in table.fields},
        protection=protection_in_words(wanted.declaration),
        suppressed=SUPPRESSED_WORD,
        held_notes=wanted.metadata.get("heldNotes", []),  # a release made by an earlier version has none
        openings=opening.openings(table, {resource.key: resource.path.name for resource in wanted.resources}),
        labels={field.name: labels(field) for field in wanted.declaration.table.fields},
        release=wanted.release,
        metadata=wanted.metadata,
        resources=[resource for resource in wanted.resources if resource.key in WITH_ROWS],
        further=[resource for resource in wanted.resources if resource.key not in WITH_ROWS],
        period=wanted.metadata.get("temporal"),
        translations=[
            one for one in wanted.declaration.translations if one.title or one.description or one.fields
        ],
        not_reviewed=NOT_REVIEWED,
        languages=LANGUAGES,
        frequency=FREQUENCIES.get(wanted.declaration.entry.frequency, wanted.declaration.entry.frequency),
        preview=preview(wanted.declaration.table.fields, parquet),
        preview_rows=min(PREVIEW_ROWS, wanted.release.rows),
        time_charts=time_charts,
        bar_charts=bar_charts,
        people=people,
        outline=charts.outline(wanted.spatial) if wanted.spatial else None,
        versions=versions(wanted.changelog),
    )


def card(wanted: DesiredDataset) -> dict[str, Any]:
    """What the front page says of a dataset; kept beside its files, so that one can be made without the other."""
    entry, release = wanted.declaration.entry, wanted.release
    spatial = wanted.metadata.get("spatial")
    content = {
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "rows": release.rows,
        "data_date": release.data_date.isoformat(),
        "version": release.version,
        "keywords": list(entry.keywords),
        "publisher": {"name": entry.publisher.name, "title": entry.publisher.title},
        "place": f"{spatial['name']}, {spatial['city']}"
        if isinstance(spatial, Mapping)
        else ", ".join(place.title for place in entry.places),
        "geometry": wanted.spatial,
        "files": [
            {"name": resource.path.name, "format": resource.format, "size": resource.size}
            for resource in wanted.resources
            if resource.key in WITH_ROWS
        ],
    }
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def front_page(cards: Sequence[Mapping[str, Any]], site: Site) -> str:
    """The portal's front page: every dataset, by place and title."""
    shown = [
        {**item, "outline": charts.outline(item["geometry"], 120.0) if item["geometry"] else None}
        for item in sorted(cards, key=lambda item: (item["place"] == "", item["place"], item["title"]))
    ]
    return _render("index.html", site=site, cards=shown)


def preview(fields: Sequence[FieldDeclaration], parquet: Path) -> list[list[str]]:
    """The first rows as people read them, texts cut where they are long."""
    columns = ", ".join(f"CAST({quote(field.name)} AS {field.duckdb_type})" for field in fields)
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    try:
        rows = connection.execute(
            f"SELECT {columns} FROM read_parquet({literal(str(parquet))}) LIMIT {PREVIEW_ROWS}"
        ).fetchall()
    finally:
        connection.close()
    status = next((place for place, field in enumerate(fields) if field.name == STATUS), None)
    return [
        [
            SUPPRESSED_WORD
            if field.protected and value is None and status is not None and row[status] == SUPPRESSED
            else _shown(value)
            for field, value in zip(fields, row, strict=True)
        ]
        for row in rows
    ]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    text = str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1].rstrip() + "…"


def versions(changelog: str) -> list[Version]:
    """The change log as ``publish.release.changelog`` writes it, taken apart."""
    found: list[tuple[str, list[str]]] = []
    for line in changelog.splitlines():
        if line.startswith("## "):
            found.append((line[3:], []))
        elif line.startswith("- ") and found:
            found[-1][1].append(line[2:])
    return [Version(name, tuple(lines)) for name, lines in found]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(day=_day, size=_size, number=_number, link=_is_link, host=_host)
    return environment


def _render(template: str, **values: Any) -> str:
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    # the policy names the one style sheet by its sum, so nothing else on the page can style or run
    digest = base64.b64encode(hashlib.sha256(f"\n{style}".encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    # ours, not from outside; it must reach the page unescaped for the sum to fit
    sheet = Markup(f"\n{style}")  # noqa: S704
    return _environment().get_template(template).render(**values, style=sheet, policy=policy)


def _day(value: date | str) -> str:
    found = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def _size(value: int) -> str:
    if value < 1000:
        return f"{value} bytes"
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value / 1e3:.0f} kB"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _is_link(value: str) -> bool:
    return value.startswith(("https://", "http://")) and not any(c.isspace() for c in value)


def _host(value: str) -> str:
    """A link's text: where it leads, and the end of its path."""
    host = urlsplit(value).hostname or value
    tail = value.rstrip("/").rsplit("/", 1)[-1]
    return f"{host.removeprefix('www.')} … {tail}" if tail and tail not in host and len(tail) <= 24 else host
