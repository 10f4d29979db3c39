"""The folder portal's pages. Everything that came from outside is escaped; no page loads or runs anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from publish.desired import DesiredDataset
from publish.files.render import SUPPRESSED_WORD, description_of, labels
from publish.metadata.protection import protection_in_words
from publish.metadata.words import FREQUENCIES, LANGUAGES, NOT_REVIEWED, WITH_ROWS
from publish.portals.folder import charts, opening
from publish.portals.folder.people import draw_people
from publish.portals.folder.rendering import Site as Site
from publish.portals.folder.rendering import in_language, render
from warehouse.declarations import STATUS, SUPPRESSED, FieldDeclaration, literal, quote
from warehouse.messages import Language

PREVIEW_ROWS = 20
_LONGEST_CELL = 160


@dataclass(frozen=True)
class Version:
    """A version in the change log, newest first."""

    name: str
    lines: tuple[str, ...]


def dataset_page(wanted: DesiredDataset, site: Site, language: Language = Language.ENGLISH) -> str:
    """The page of a dataset."""
    parquet = next(resource.path for resource in wanted.resources if resource.key == "parquet")
    table = wanted.declaration.table
    people = draw_people(wanted.declaration, parquet)
    time_charts, bar_charts = charts.draw(table, parquet, wanted.release.data_date)
    return render(
        "dataset.html",
        in_language(f"datasets/{wanted.name}/index.html", language),
        language,
        site,
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
    ).decode()


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


def dataset_pages(wanted: DesiredDataset, site: Site, language: Language) -> dict[str, bytes]:
    """The pages of a dataset in a language, by their place in its folder."""
    place = "index.html" if language is Language.ENGLISH else f"{language.value}/index.html"
    return {place: dataset_page(wanted, site, language).encode()}
