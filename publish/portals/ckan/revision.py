"""The one call that puts files, metadata and the list of resources in place: the data of ``package_revise``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publish.portals.ckan.compare import Difference
from publish.portals.ckan.encoding import encoded
from publish.portals.ckan.wanted import Wanted


def if_as_seen(package: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a call fail where the dataset is no longer as it was seen: so it is not done twice either."""
    return {"match__id": package["id"], "match__metadata_modified": package["metadata_modified"]}


def revision(wanted: Wanted, difference: Difference, package: Mapping[str, Any]) -> dict[str, str]:
    """The data of the one call that switches: every value as JSON, for CKAN decodes each.

    Lists are merged by position and never shrink, so what is replaced is filtered out first.
    """
    filtered = [f"-resources__{rid}" for rid in difference.files.removals]
    data: dict[str, Any] = {
        **if_as_seen(package),
        **{f"update__{key}": value for key, value in difference.fields.items()},
    }
    filtered += [f"-{key}" for key, value in difference.fields.items() if isinstance(value, list)]
    if difference.tags is not None:
        filtered.append("-tags")
        # tags of a controlled vocabulary are somebody else's
        kept = [
            {"name": item["name"], "vocabulary_id": item["vocabulary_id"]}
            for item in package.get("tags", ())
            if item.get("vocabulary_id")
        ]
        data["update__tags"] = kept + [{"name": tag} for tag in difference.tags]
    if difference.extras is not None:
        filtered.append("-extras")
        data["update__extras"] = [{"key": key, "value": value} for key, value in sorted(difference.extras.items())]
    if difference.files.additions:
        data["update__resources__extend"] = [
            {**wanted.resources[rid], "id": rid, "url": ""} for rid in difference.files.additions
        ]
    for rid, fields in difference.files.updates.items():
        filtered += [f"-resources__{rid}__{key}" for key, value in fields.items() if isinstance(value, list)]
        for key, value in fields.items():
            data[f"update__resources__{rid}__{key}"] = value
    if filtered:
        data["filter"] = filtered
    return encoded(data)
