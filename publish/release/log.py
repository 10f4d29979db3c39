"""The change log of a dataset: what each release says of itself, in markdown."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.releases import Release


def changelog(releases: Sequence[Release]) -> str:
    """The change log of a dataset's releases as markdown, newest first."""
    parts = []
    for release in sorted(releases, key=lambda item: item.order, reverse=True):
        lines = [f"## {release.version}", "", f"- Data of {release.data_date.isoformat()}, {release.rows:,} rows"]
        if release.previous_version is None:
            lines.append("- First version")
        elif release.added or release.changed or release.removed or release.newly_held or release.released:
            parts_changed = [
                f"{release.added:,} added, {release.changed:,} changed, {release.removed:,} removed",
                f"{release.newly_held:,} held as they were" if release.newly_held else "",
                f"{release.released:,} no longer held" if release.released else "",
            ]
            lines.append(f"- Since {release.previous_version}: {', '.join(filter(None, parts_changed))}")
        else:
            lines.append(f"- The rows are those of {release.previous_version}; their description changed")
        if release.held:
            lines.append(f"- Rows of which something that the source says could not be used: {release.held:,}")
        lines += [f"- {change}" for change in release.schema_changes]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
