"""Which fields of a dataset on a CKAN are ours, and how a hand edit of one is told from a change of ours.

Whatever is not listed here is never touched: extras and resources of others, tags of vocabularies, groups, views
of others, collaborators, activity.

What we wrote last is kept on the portal itself, as a short sum of every field, in one extra of the dataset
(``WROTE``). A field that shows neither what is wanted nor what was written last was changed by hand. The extra is
no secret and decides little: where it is missing or was tampered with, words count as changed by hand and stay,
and what says something of the data is put right all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from publish.managed import Managed
from publish.plans import Drift
from publish.portals.ckan.dcat_fields import DATASET_FIELDS

MARK = "opendistrict"  # the extra by which we know a dataset as ours; its value is the dataset's name
WROTE = "opendistrict_wrote"
STATE = "opendistrict_state"
BUILDING = "building"  # of the state: we made the dataset, and it is not complete yet
ORGANISATION = (
    "opendistrict_organisation"  # the publisher's name in our entry, whatever it is called on the portal
)
TOLD = "managed_fields"

_LONGEST = 60  # characters that are told of a value
_BEFORE = 20  # of them before the part that differs

# Words: what somebody changed by hand stays until the entry says the same, or somebody says that ours count.
WORDS = frozenset(
    {
        "title", "notes", "author", "maintainer", "maintainer_email", "keywords", "organisation", "group",
        "publisher_name", "contact_name", "contact_email", "owner_name", "each_row_is_a", "spatial_text",
        "title_translated", "notes_translated", "tags_translated", "contact", "publisher",
        "name", "description",
    }
)  # fmt: skip

# Extras of ours. All that are no words say something of the data, and are put right.
EXTRAS = frozenset(
    {
        MARK, WROTE, STATE, ORGANISATION, TOLD, "identifier", "theme", "frequency", "language", "issued",
        "modified", "access_rights", "publisher_name", "contact_name", "contact_email", "conforms_to", "spatial",
        "spatial_text", "temporal_start", "temporal_end", "translations", "owner_name", "attribution", "data_date",
        "each_row_is_a", "disclosure", "licence", "licence_url", "provenance", "version_notes", "changelog",
        *DATASET_FIELDS,
    }
)  # fmt: skip

MANAGED = (
    Managed(
        "dataset",
        ("name", "version", "license_id", "url", "resources", *sorted(EXTRAS - WORDS)),
        "undone",
        "they say what the data are, and addresses go by them",
    ),
    Managed(
        "dataset",
        (
            "title",
            "notes",
            "author",
            "maintainer",
            "maintainer_email",
            "tags",
            "owner_org",
            "groups",
            *sorted(EXTRAS & WORDS),
        ),
        "left",
        "words",
    ),
    Managed(
        "resource",
        (
            "file",
            "hash",
            "hash_algorithm",
            "format",
            "mimetype",
            "license",
            "release_version",
            "access_url",
            "download_url",
        ),
        "undone",
        "they say what the data are",
    ),
    Managed("resource", ("name", "description"), "left", "words"),
    Managed("table", ("rows", "columns", "data dictionary", "first view"), "undone", "they say what the data are"),
)

# What the portal's editors read on the dataset's page.
TOLD_TO_EDITORS = (
    "This dataset is kept by a program. Files, their names and sums, the table and its columns, versions, dates,"
    " licence and identifiers are put right by it when they are changed here. Your words stay until its catalogue"
    " says the same: title, description, tags, contact, organisation, group, names and descriptions of the files."
    " All other fields, resources, tags of vocabularies, groups and views are yours and are never touched. A"
    " dataset that you delete or make private stays so."
)


@dataclass(frozen=True)
class Record:
    """What was written last: a short sum by field. ``is_there`` is False where the portal has no such note."""

    sums: Mapping[str, str] = field(default_factory=dict)
    is_there: bool = False

    @classmethod
    def of(cls, text: object) -> Record:
        """The note as the portal has it. One that cannot be read is none."""
        try:
            found = json.loads(str(text or ""))
        except ValueError:
            return cls()
        if not isinstance(found, dict):
            return cls()
        return cls({str(key): str(value) for key, value in found.items()}, True)

    def is_by_hand(self, key: str, shown: object) -> bool:
        """Whether what is shown is not what was written last. What was never written is nobody's edit."""
        if key in self.sums:
            return self.sums[key] != sum_of(key, shown)
        return not self.is_there and is_word(key) and normal(key, shown) != ""

    def text(self) -> str:
        """As an extra."""
        return json.dumps(dict(sorted(self.sums.items())), separators=(",", ":"))


@dataclass
class Verdicts:
    """What is to become of the fields of one dataset: collected while they are compared."""

    dataset: str
    record: Record
    overwrite: bool = False
    drift: list[Drift] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)  # the record as it will be

    def writes(self, key: str, target: str, shown: object, wanted: object) -> bool:
        """Whether a field is to be written; notes the hand edit, and what the record will say."""
        if normal(key, shown) == normal(key, wanted):
            self.sums[key] = sum_of(key, wanted)
            return False
        is_by_hand = self.record.is_by_hand(key, shown)
        is_left = is_by_hand and is_word(key) and not self.overwrite
        if is_by_hand:
            theirs, ours = told_apart(shown, wanted)
            told = f"{theirs} on the portal, {ours} in the catalogue"
            self.note(target, f"somebody has changed it: {told}", is_left=is_left)
        if is_left:
            # never written: the sum of nothing, so that it still counts as changed by hand the next time
            self.sums[key] = self.record.sums.get(key, "")
            return False
        self.sums[key] = sum_of(key, wanted)
        return True

    def note(self, target: str, detail: str, *, is_left: bool = False) -> None:
        """Something that was changed by hand."""
        self.drift.append(Drift(self.dataset, target, detail, "left" if is_left else "undone"))


def is_word(key: str) -> bool:
    """Whether a field, ``title`` or ``csv/name``, says words of a dataset and not something of its data."""
    return key.rpartition("/")[2] in WORDS


def normal(key: str, value: object) -> str:
    """A field's value for comparing: portals write known formats in their own way, forms bring other line ends."""
    if isinstance(value, Mapping | list | tuple):
        filled = _filled(value)
        return json.dumps(filled, ensure_ascii=False, sort_keys=True) if filled else ""
    text = str(value or "").replace("\r\n", "\n").strip()
    return text.casefold() if key.rpartition("/")[2] == "format" else text


def _filled(value: Any) -> Any:
    """Without what is empty: portals add the parts of a record that nobody gave."""
    if isinstance(value, Mapping):
        return {key: _filled(part) for key, part in value.items() if part not in (None, "", [], {})}
    return [_filled(part) for part in value] if isinstance(value, list | tuple) else value


def sum_of(key: str, value: object) -> str:
    """The short sum of a field's value."""
    return hashlib.sha256(normal(key, value).encode()).hexdigest()[:8]


def told_apart(one: object, other: object) -> tuple[str, str]:
    """Two values in a few words each: of long ones, the part in which they begin to differ."""
    texts = [_in_a_line(value) for value in (one, other)]
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = shared - _BEFORE if shared > 2 * _BEFORE and max(map(len, texts)) > _LONGEST else 0
    first, second = (_quoted(text, start) for text in texts)
    return first, second


def becomes(old: object, new: object) -> str:
    """A change of a value in words."""
    first, second = told_apart(old, new)
    return f"{first} becomes {second}" if first != second else "only its spaces or line breaks change"


def _in_a_line(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
    return " ".join(text.split())


def _quoted(text: str, start: int) -> str:
    end = start + _LONGEST
    part = f"{'…' if start else ''}{text[start:end].lstrip()}{'…' if len(text) > end else ''}"
    return f"“{part}”" if text else "nothing"


def extras_of(package: Mapping[str, Any]) -> dict[str, Any]:
    """A dataset's extras by name."""
    return {item["key"]: item["value"] for item in package.get("extras", ())}


def taken_down(package: Mapping[str, Any]) -> str:
    """How somebody took a dataset away from the public; empty where nobody did, or where we are not done yet."""
    if package.get("state", "active") != "active":
        return f"somebody has {package['state']} the dataset on the portal"
    if package.get("private") and extras_of(package).get(STATE) != BUILDING:
        return "somebody has made the dataset private on the portal"
    return ""
