"""How metadata names a version, and what it says of the one before."""

from __future__ import annotations

from warehouse.releases import Release


def identifier_of(release: Release, version: str | None = None) -> str:
    """The name of a version wherever its files lie: ``urn:opendistrict:dataset:<name>:<version>``."""
    return f"urn:opendistrict:dataset:{release.dataset}:{version or release.version}"


def version_notes(release: Release) -> str:
    """What a version brought, in words."""
    if not release.previous_version:
        return f"First version, {release.rows:,} rows."
    counts = f"{release.added:,} rows added, {release.changed:,} changed, {release.removed:,} removed"
    said = [f"Since version {release.previous_version}: {counts}."]
    said += [f"{text}." for text in (*release.breaking, *release.schema_changes)]
    return " ".join(dict.fromkeys(said))
