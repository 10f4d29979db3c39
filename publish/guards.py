"""What holds a dataset: what would take away that people rely on is not done unless somebody says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from publish.desired import DesiredDataset, DesiredVersion
from publish.plans import Allowed, Hold
from publish.release.manifest import TOMBSTONE
from warehouse.releases import Release

DEFAULT_LIMIT_PCT = 10.0  # of the rows may vanish, where the entry names no limit of its own
_FEW = (
    10  # rows: below this a loss is somebody tidying up, and an entry's limit under 10 % means more than it says
)

ALLOW_SHRINK, RESTORE, ALLOW_OLDER = "--allow-shrink", "--restore", "--allow-older"


@dataclass(frozen=True)
class Shown:
    """What a portal shows of a dataset now, as far as guards ask. None: nobody can tell.

    All of it is what *we* wrote there last, as the portal's note of it says (its card, its extras), not what a
    hand has made of it since: rows that somebody added to a table by hand are no rows that people rely on.

    ``data_date`` and ``sequence`` give the version its place (``Release.order``), ``content_sha256`` stands for
    the rows (``Release.content_sha256``), ``major`` is ``Release.major``. ``ids`` are the ids of our resources on
    the portal by key (csv, parquet ...), those of kept versions left out, and that of the dataset by ``dataset``
    where the portal keeps which one it was to be. ``taken_down`` and ``foreign`` are sentences: who or what, and
    since when; empty where it is not so.
    """

    version: str | None = None
    data_date: date | None = None
    sequence: int | None = None
    rows: int | None = None
    columns: tuple[str, ...] | None = None
    content_sha256: str | None = None
    major: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    taken_down: str = ""  # deleted, made private or purged, where somebody did that by hand and we did not
    foreign: str = ""  # it has our name and is not ours

    @property
    def order(self) -> tuple[date, int] | None:
        """The version's place among the dataset's versions, see ``Release.order``; None where it is not told."""
        if self.data_date is not None:
            return (self.data_date, self.sequence or 1)
        day, _, number = (self.version or "").partition(".")
        try:
            return (date.fromisoformat(day), int(number or 1))
        except ValueError:
            return None


def held(desired: DesiredDataset, shown: Shown | None, allowed: Allowed) -> tuple[Hold, ...]:
    """Why a dataset is held; empty if it may be written. ``shown`` is None where the portal lacks it.

    A dataset that is not ours, or that somebody took down, is asked nothing else: nothing of it is compared.
    """
    name = desired.name
    if shown and shown.foreign:
        return (Hold(name, "foreign", shown.foreign),)
    if shown and shown.taken_down and name not in allowed.restore:
        return (Hold(name, "taken_down", shown.taken_down, RESTORE),)
    if shown and name not in allowed.older and (older := _older(desired, shown)):
        return (older,)
    return () if name in allowed.shrink else tuple(_losses(desired, shown))


def _older(desired: DesiredDataset, shown: Shown) -> Hold | None:
    release, order = desired.release, shown.order
    known = {one.version for one in desired.releases}
    if order is None or order <= release.order or shown.version in known:
        return None
    detail = (
        f"the portal shows version {shown.version}, and the newest of this home is {release.version}: a restored"
        " backup, or a second machine, does not publish over what is newer"
    )
    return Hold(desired.name, "older", detail, ALLOW_OLDER)


def _losses(desired: DesiredDataset, shown: Shown | None) -> Iterator[Hold]:
    """What people would lose: rows, columns, addresses. Nobody loses by what stands there already."""
    name, release = desired.name, desired.release
    if shown is None or not _is_same(release, shown):
        floor = desired.declaration.table.rows.minimum
        if release.rows < floor:
            yield Hold(
                name, "floor", f"it has {release.rows:,} rows, and its entry demands {floor:,}", ALLOW_SHRINK
            )
    if shown is None:
        return
    if not _is_same(release, shown) and not _is_withdrawal(desired, shown):
        yield from _lost_rows(desired, shown)
        yield from _lost_columns(desired, shown)
    yield from _lost_ids(desired, shown)


def _is_same(release: Release, shown: Shown) -> bool:
    """Whether the rows of the release stand there, or some of them: a change that was cut short is completed."""
    return shown.version == release.version and shown.content_sha256 in (None, release.content_sha256)


def _is_withdrawal(desired: DesiredDataset, shown: Shown) -> bool:
    """Whether something was taken out of the very version that stands there: that is meant to vanish."""
    kept = _version(desired, shown.version)
    return shown.version == desired.release.version and bool(kept and (kept.folder / TOMBSTONE).is_file())


def _version(desired: DesiredDataset, version: str | None) -> DesiredVersion | None:
    return next((one for one in desired.versions if one.release.version == version), None)


def release_shown(desired: DesiredDataset, shown: Shown) -> Release | None:
    """The release of this home that stands on the portal, if it is one of an older version that the home knows."""
    if shown.version == desired.release.version:
        return None
    return next((one for one in desired.releases if one.version == shown.version), None)


def _lost_rows(desired: DesiredDataset, shown: Shown) -> Iterator[Hold]:
    known, rows = release_shown(desired, shown), desired.release.rows
    before = known.rows if known else shown.rows
    if not before or rows >= before:
        return
    lost = 100 * (before - rows) / before
    limit = _limit_pct(desired, before - rows)
    if lost > limit:
        detail = f"{before:,} rows would become {rows:,}: {lost:.1f} % vanish, and {limit:g} % may"
        yield Hold(desired.name, "rows", detail, ALLOW_SHRINK)


def _limit_pct(desired: DesiredDataset, lost: int) -> float:
    """How many per cent of the rows may vanish: 10, unless the entry names more, or less and it is not a few."""
    rows = desired.declaration.table.rows
    if "shrink_limit_pct" not in rows.model_fields_set:
        return DEFAULT_LIMIT_PCT
    is_few = lost <= _FEW and rows.shrink_limit_pct < DEFAULT_LIMIT_PCT
    return DEFAULT_LIMIT_PCT if is_few else rows.shrink_limit_pct


def _lost_columns(desired: DesiredDataset, shown: Shown) -> Iterator[Hold]:
    kept, known = _version(desired, shown.version), release_shown(desired, shown)
    before = columns_in(_described(kept.folder)) if kept and known else None
    before = before or shown.columns or ()
    now = columns_in(desired.metadata)
    lost = [column for column in before if now and column not in now]
    was_major = known.major if known else shown.major or 1
    if not lost or desired.release.major > was_major:
        return
    what = "the columns {} would" if len(lost) > 1 else "the column {} would"
    detail = (
        f"{what.format(', '.join(lost))} vanish, and the major version is {desired.release.major} as before:"
        " programs that read the dataset would break without a word"
    )
    yield Hold(desired.name, "columns", detail, ALLOW_SHRINK)


def _described(folder: Path) -> Mapping[str, Any]:
    try:
        content = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def columns_in(datapackage: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a release's description names; none where it names none."""
    for resource in datapackage.get("resources", ()):
        if fields := resource.get("schema", {}).get("fields"):
            return tuple(one["name"] for one in fields)
    return ()


def _lost_ids(desired: DesiredDataset, shown: Shown) -> Iterator[Hold]:
    """Addresses that were given out and would lead nowhere."""
    name = desired.name
    wanted = {one.key: one.id for one in desired.resources}
    for key, rid in sorted(shown.ids.items()):
        if key in wanted and wanted[key] != rid:
            detail = f"the {key} file has the id {rid} on the portal and would get {wanted[key]}"
            yield Hold(name, "id", f"{detail}: links to it would die", ALLOW_SHRINK)
        elif key not in wanted and key != "dataset":
            detail = f"version {desired.release.version} has no {key} file, and the portal shows one"
            yield Hold(name, "id", f"{detail}: links to it would die", ALLOW_SHRINK)


_ADVICE: Mapping[str, str] = {
    "rows": "Find out why. If it is right: {again}",
    "floor": "Find out why. If it is right, mend the entry's rows.minimum, or once: {again}",
    "columns": (
        "Raise major_version in its entry, which keeps the old version for those who read it; or: {again}"
    ),
    "id": "Put back what gave it its address. If it may die: {again}",
    "older": (
        "Publish from the home that made the newer version, or let the next night of this one catch up. If the"
        " newer one is wrong: {again}"
    ),
    "taken_down": "Ask who did it. To show it again: {again}",
    "foreign": "Rename it on the portal, or give ours another name in its catalogue entry.",
    "together": "Mend what holds the other, and they are switched together.",
}


def advice(hold: Hold, place: str = "") -> str:
    """What to do about a hold, in a sentence, with the line to copy where a command ends it.

    Args:
        hold: why nothing of the dataset is written.
        place: the options that say which home and which portal, where the command needs them.
    """
    again = f"opendistrict publish --dataset {hold.dataset} {hold.allowed_by} {hold.dataset} {place}".rstrip()
    return _ADVICE[hold.guard].format(again=again)
