"""How a dataset's folder stands: what it notes of what is shown, what somebody did in it, what would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from publish.desired import DesiredDataset
from publish.guards import Shown, columns_in
from publish.plans import Change, Drift
from publish.portals.folder.files import Content, FileOf, sum_of

STATE = "state.json"


def noted_of(wanted: DesiredDataset) -> dict[str, Any]:
    """What guards ask of what stands here, see ``Shown``, as JSON."""
    release = wanted.release
    return {
        "version": release.version,
        "data_date": release.data_date.isoformat(),
        "sequence": release.sequence,
        "rows": release.rows,
        "columns": list(columns_in(wanted.metadata)),
        "content_sha256": release.content_sha256,
        "major": release.major,
        "ids": {one.key: one.id for one in wanted.resources},
    }


def shown_of(noted: Mapping[str, Any]) -> Shown | None:
    """The same, read back; a folder of an earlier program notes the version and the rows only."""
    try:
        return Shown(
            version=noted.get("version"),
            data_date=date.fromisoformat(noted["data_date"]) if "sequence" in noted else None,
            sequence=noted.get("sequence"),
            rows=noted.get("rows"),
            columns=tuple(noted["columns"]) if noted.get("columns") else None,
            content_sha256=noted.get("content_sha256"),
            major=noted.get("major"),
            ids=dict(noted.get("ids") or {}),
        )
    except (KeyError, TypeError, ValueError):  # somebody wrote into it: it says nothing
        return None


def drift_in(name: str, standing: Mapping[str, str], noted: Mapping[str, Any]) -> Iterator[Drift]:
    """What somebody did in a dataset's folder since it was published. All of it is of the data, and undone."""
    if not noted:
        yield Drift(name, STATE, "it is missing, or somebody else changed it", "undone")
        return
    published: Mapping[str, str] = noted.get("files", {})
    for place in sorted({*published, *standing} - {STATE}):
        if place not in standing:
            yield Drift(name, place, "it was published and is missing: somebody removed it", "undone")
        elif place not in published:
            yield Drift(name, place, "it is not ours: somebody put it there; it is removed", "undone")
        elif standing[place] != published[place]:
            yield Drift(name, place, "it is not what was published: someone else changed it", "undone")


def changes_of(
    wanted: DesiredDataset,
    files: Mapping[str, Content],
    standing: Mapping[str, str],
    drift: Sequence[Drift],
    noted: Mapping[str, Any],
) -> Iterator[Change]:
    """What would be done in a dataset's folder, file by file, what happens to the dataset first."""
    name = wanted.name
    different = [place for place, content in files.items() if standing.get(place) != sum_of(content)]
    extra = sorted(set(standing) - set(files))
    if not different and not extra:
        return
    by_hand = {one.target: one.detail for one in drift if one.target in standing}
    yield Change(name, "update" if standing else "create", "dataset", _headline(wanted, noted))
    for place in different:
        content = files[place]
        why = "its content changes" if place in standing else "new"
        if isinstance(content, FileOf):
            why = f"{content.size:,} bytes, version {_version_of(place, wanted)}"
        yield Change(name, "upload", place, by_hand.get(place, why))
    for place in extra:
        yield Change(name, "remove", place, by_hand.get(place, "it is no part of the dataset any more"))


def _version_of(place: str, wanted: DesiredDataset) -> str:
    parts = place.split("/")
    return parts[1] if parts[0] == "versions" else wanted.release.version


def _headline(wanted: DesiredDataset, noted: Mapping[str, Any]) -> str:
    """What happens to a dataset in one line; that it loses rows must be seen at once."""
    release = wanted.release
    before = noted.get("card")
    if not isinstance(before, Mapping):
        return f"version {release.version}, {release.rows:,} rows"
    if before.get("version") == release.version:
        return f"version {release.version} as before, {release.rows:,} rows"
    rows = int(before.get("rows", 0))
    text = f"version {before.get('version')} becomes {release.version}, rows {rows:,} become {release.rows:,}"
    if release.rows < rows:
        lost = 100 * (rows - release.rows) / rows
        limit = wanted.declaration.table.rows.shrink_limit_pct
        text += f": SHRINKS by {lost:.1f} %" + (
            f", more than the {limit:g} % that its declaration allows" if lost > limit else ""
        )
    return text
