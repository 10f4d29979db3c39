"""What the portal's own pages say of a dataset: kept with its files, so that one can be made without the other."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from publish.desired import DesiredDataset
from publish.metadata.words import WITH_ROWS
from publish.portals.folder.figures import Figure, headline
from publish.portals.folder.parts import parquet_of, place_of
from publish.portals.folder.reading import rows_of
from publish.portals.folder.speaking import speaker_of
from warehouse.declarations import Translation
from warehouse.messages import Language, said_in
from warehouse.releases import Release

_MOST_VERSIONS = 20
_LONGEST_MEANING = 160


def card_of(wanted: DesiredDataset) -> dict[str, Any]:
    """A dataset as plain values: titles, columns, figures, files, versions."""
    entry, release = wanted.declaration.entry, wanted.release
    speakers = [speaker_of(wanted.declaration, language) for language in Language]
    finnish = next((one for one in wanted.declaration.translations if one.language == "fi"), None)
    content = {
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "fi": _in_finnish(finnish) | {"place": place_of(wanted, speakers[-1])},
        "rows": release.rows,
        "data_date": release.data_date.isoformat(),
        "version": release.version,
        "sequence": release.sequence,
        "major": release.major,
        "content_sha256": release.content_sha256,
        "keywords": list(entry.keywords),
        "publisher": {"name": entry.publisher.name, "title": entry.publisher.title},
        "contact": {"name": entry.contact.name, "email": entry.contact.email},
        "licence": {"id": entry.licence.id, "url": entry.licence.url},
        "district": entry.district or "",
        "place": place_of(wanted, speakers[0]),
        "geometry": wanted.spatial,
        "headline": _headline(wanted),
        "columns": [
            {
                "name": field.name,
                "title": field.title,
                "meaning": _short(field.description),
                "words": {
                    one.language.value: found
                    for one in speakers
                    if (found := one.words(field, wanted.declaration.table))
                },
            }
            for field in wanted.declaration.table.fields
        ],
        "parquet": _parquet(wanted),
        "files": [
            {"name": resource.path.name, "format": resource.format, "size": resource.size}
            for resource in wanted.resources
            if resource.key in WITH_ROWS
        ],
        "versions": [_version(one) for one in (wanted.releases or (release,))[:_MOST_VERSIONS]],
    }
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def _in_finnish(finnish: Translation | None) -> dict[str, Any]:
    if finnish is None:
        return {}
    return {
        "title": finnish.title,
        "description": finnish.description,
        "fields": dict(finnish.fields),
        "is_reviewed": finnish.is_reviewed,
        "tag": finnish.tag,
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MEANING else text[: _LONGEST_MEANING - 1].rstrip() + "…"


def _parquet(wanted: DesiredDataset) -> dict[str, str]:
    found = parquet_of(wanted)
    return {"name": found.path.name, "sha256": found.sha256} if found else {}


def _headline(wanted: DesiredDataset) -> dict[str, dict[str, str]]:
    """The one figure that the entry chose, by language; none where the rows do not say it."""
    declared, parquet = wanted.declaration.entry.show.headline, parquet_of(wanted)
    if declared is None or parquet is None:
        return {}
    found = {}
    try:
        with rows_of(wanted.declaration.table, parquet.path) as connection:
            for language in Language:
                speaker = speaker_of(wanted.declaration, language)
                figure = headline(connection, declared, wanted.release.rows, speaker)
                if isinstance(figure, Figure):
                    value = f"{figure.value} {figure.unit}".strip()
                    found[language.value] = {"title": said_in(figure.title, language), "value": value}
    except duckdb.Error:  # the page of the dataset says what is wrong with its rows
        return {}
    return found


def _version(release: Release) -> dict[str, Any]:
    """What a feed says of a version."""
    return {
        "version": release.version,
        "data_date": release.data_date.isoformat(),
        "sequence": release.sequence,
        "rows": release.rows,
        "previous": release.previous_version,
        "added": release.added,
        "changed": release.changed,
        "removed": release.removed,
        "fields": list(release.schema_changes),
        "breaking": list(release.breaking),
    }
