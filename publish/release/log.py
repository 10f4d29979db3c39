"""The change log of a dataset: what each release says of itself, as markdown, JSON and an Atom feed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from warehouse.releases import Release

LOG_VERSIONS = 100  # that the JSON lists: every version's file has its own list, so it must not grow for ever
FEED_VERSIONS = 30

# An entry's id is the same in every feed for ever, whatever the portal's address; see RFC 4151.
_TAG = "tag:opendistrict,2026"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def changelog(releases: Sequence[Release]) -> str:
    """The change log of a dataset's releases as markdown, newest first."""
    parts = []
    for release in sorted(releases, key=lambda item: item.order, reverse=True):
        lines = [f"## {release.version}", "", *(f"- {line}" for line in lines_of(release))]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def lines_of(release: Release) -> list[str]:
    """What a release says of itself."""
    lines = [f"Data of {release.data_date.isoformat()}, {release.rows:,} rows"]
    if release.previous_version is None:
        lines.append("First version")
    elif release.added or release.changed or release.removed or release.newly_held or release.released:
        parts = [
            f"{release.added:,} added, {release.changed:,} changed, {release.removed:,} removed",
            f"{release.newly_held:,} held as they were" if release.newly_held else "",
            f"{release.released:,} no longer held" if release.released else "",
        ]
        lines.append(f"Since {release.previous_version}: {', '.join(filter(None, parts))}")
    else:
        lines.append(f"The rows are those of {release.previous_version}; their description changed")
    if release.held:
        lines.append(f"Rows of which something that the source says could not be used: {release.held:,}")
    if release.breaking:
        lines.append(f"Major version {release.major}: what reads version {release.previous_version} may break")
    return [*lines, *release.schema_changes]


def tag_of(dataset: str, version: str = "") -> str:
    """The id of a version in a feed; without one that of a feed, by its dataset or its place."""
    return f"{_TAG}:{dataset}/{version}" if version else f"{_TAG}:{dataset}"


def log_of(release: Release, existing: Sequence[Release]) -> dict[str, Any]:
    """The change log as ``changelog.json`` holds it: the release, the one it is compared with, and so on.

    Args:
        release: the newest in it.
        existing: the dataset's other releases. Those that are not before it by ``previous_version`` are left out,
            so that what is released later for an earlier date changes nothing.
    """
    return _log(release, list(_before(release, existing)))


def log_again(release: Release, older: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same from the change log of the version before, as it stands; None if there is none."""
    if older is None:
        return _log(release, [])
    entries = [entry_of(release), *older["versions"]]
    count = len(entries) + int(older["olderVersionsNotListed"])
    return _document(release, entries, count)


def _before(release: Release, existing: Sequence[Release]) -> Iterator[Release]:
    by_version = {one.version: one for one in existing if one.order < release.order}
    while release.previous_version and release.previous_version in by_version:
        release = by_version.pop(release.previous_version)
        yield release


def _log(release: Release, older: Sequence[Release]) -> dict[str, Any]:
    entries = [entry_of(one) for one in (release, *older[: LOG_VERSIONS - 1])]
    return _document(release, entries, 1 + len(older))


def _document(release: Release, entries: Sequence[Mapping[str, Any]], count: int) -> dict[str, Any]:
    listed = list(entries[:LOG_VERSIONS])
    return {"dataset": release.dataset, "versions": listed, "olderVersionsNotListed": count - len(listed)}


def entry_of(release: Release) -> dict[str, Any]:
    """What the change log has of a release."""
    return {
        "id": tag_of(release.dataset, release.version),
        "version": release.version,
        "majorVersion": release.major,
        "dataDate": release.data_date.isoformat(),
        "previousVersion": release.previous_version,
        "rows": release.rows,
        "added": release.added,
        "changed": release.changed,
        "removed": release.removed,
        "heldRows": release.held,
        "newlyHeld": release.newly_held,
        "noLongerHeld": release.released,
        "schemaChanges": list(release.schema_changes),
        "breakingChanges": list(release.breaking),
        "text": lines_of(release),
    }


def feed_of(log: Mapping[str, Any], title: str, publisher: str) -> str:
    """The change log as an Atom feed (RFC 4287). What it says of times is of the data, never of a run."""
    newest = log["versions"][0]
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{_xml(tag_of(log['dataset']))}</id>",
        f"<title>{_xml(title)}</title>",
        f"<updated>{_moment(newest)}</updated>",
        f"<author><name>{_xml(publisher)}</name></author>",
        '<link rel="self" type="application/atom+xml" href="feed.atom"/>',
        *(_feed_entry(one, title) for one in log["versions"][:FEED_VERSIONS]),
        "</feed>\n",
    ]
    return "\n".join(parts)


def _feed_entry(one: Mapping[str, Any], title: str) -> str:
    text = "\n".join(one["text"])
    return (
        f"<entry>\n<id>{_xml(one['id'])}</id>\n<title>{_xml(title)}, version {_xml(one['version'])}</title>\n"
        f"<updated>{_moment(one)}</updated>\n"
        f'<content type="text">{_xml(text)}</content>\n</entry>'
    )


def _moment(one: Mapping[str, Any]) -> str:
    return f"{one['dataDate']}T00:00:00Z"


def _xml(text: str) -> str:
    """A text in XML, without the characters that it cannot hold."""
    return escape(_NOT_XML.sub("\ufffd", text))
