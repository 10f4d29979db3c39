"""What publishing would do and did: changes, hand edits, holds, by dataset, in words a person reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


class PortalError(Exception):
    """The portal cannot be read or written; the message says what, where, why and what to do.

    ``is_transient`` is True where the same call may pass later; ``retry_after`` is how many seconds the portal
    asks to be left alone, if it does.
    """

    def __init__(self, message: str, *, is_transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        self.retry_after = retry_after


def not_as_released(dataset: str, path: Path) -> PortalError:
    """A file of a release, ``<version>/<file>``, that is missing or has another sum, and what to do about it."""
    what = "is not what was released: its SHA-256 differs" if path.is_file() else "is missing"
    return PortalError(
        f"{dataset}: {path} {what}. Restore it from a backup, or make it again:"
        f" opendistrict rebuild {dataset} {path.parent.name} --into FOLDER"
    )


@dataclass(frozen=True)
class Change:
    """One thing that differs: what would be done, to what, and why, in words a person reads."""

    dataset: str
    action: str  # create, update, upload, load, view, publish, remove
    target: str
    detail: str


@dataclass(frozen=True)
class Drift:
    """Something that we publish and that somebody changed on the portal by hand.

    What says something of the data (files, rows, columns, hashes, versions) is ``undone`` by the next ``apply``.
    What words say of a dataset (title, description, tags, names of resources, contact) is ``left`` until somebody
    decides: the entry is changed to say the same, or ``--overwrite DATASET`` lets ours come back.
    """

    dataset: str
    target: str
    detail: str
    fate: Literal["undone", "left"]


@dataclass(frozen=True)
class Hold:
    """Why nothing of a dataset is written, whatever differs. ``allowed_by`` is the option that ends it, if any.

    Guards: ``rows`` (too many would vanish), ``columns`` (one would vanish without a new major version),
    ``floor`` (fewer rows than the declaration demands), ``id`` (a link would die), ``older`` (the portal shows a
    newer release), ``taken_down`` (somebody deleted the dataset, made it private or purged it), ``foreign`` (it is
    not ours), ``together`` (another dataset of its set cannot be switched).
    """

    dataset: str
    guard: Literal["rows", "columns", "floor", "id", "older", "taken_down", "foreign", "together"]
    detail: str
    allowed_by: str = ""  # --allow-shrink, --restore, --allow-older; empty: no option does


@dataclass(frozen=True)
class RowDifference:
    """How the rows of what is shown and what should be shown differ."""

    shown: int | None  # rows on the portal now; None where there is no dataset yet or nobody can tell
    desired: int
    added: int | None = None  # None where it is not known, as between versions that are not neighbours
    changed: int | None = None
    removed: int | None = None


@dataclass(frozen=True)
class DatasetPlan:
    """What ``apply`` would do with a dataset, and what it would not."""

    dataset: str
    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    holds: tuple[Hold, ...] = ()
    rows: RowDifference | None = None
    unsent: tuple[str, ...] = ()  # what is declared and the portal cannot show, in words
    shown: str | None = None  # the version that stands there now, to be put back if its set cannot be switched
    latest: str | None = None  # the version that should stand there

    @property
    def outcome(self) -> Literal["create", "change", "leave", "hold"]:
        """What would become of it."""
        if self.holds:
            return "hold"
        if not self.changes:
            return "leave"
        return "create" if self.changes[0].action == "create" else "change"


@dataclass(frozen=True)
class Plan:
    """What a portal would have to change. ``front`` is the portal's own: pages and lists that are no dataset's.

    ``front_drift`` is what somebody did to these by hand; all of it is undone.
    """

    datasets: tuple[DatasetPlan, ...] = ()
    front: tuple[Change, ...] = ()
    front_drift: tuple[Drift, ...] = ()

    @property
    def drift(self) -> tuple[Drift, ...]:
        """Everything that somebody changed by hand."""
        return (*(edit for one in self.datasets for edit in one.drift), *self.front_drift)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything that ``apply`` would do, in its order; nothing of what is held."""
        own = [change for one in self.datasets if not one.holds for change in one.changes]
        return (*own, *self.front)

    def __bool__(self) -> bool:
        return bool(self.changes)


@dataclass(frozen=True)
class Allowed:
    """What somebody said may happen this time, by names of datasets."""

    shrink: frozenset[str] = frozenset()  # rows or columns may vanish, the floor may be broken
    overwrite: frozenset[str] = frozenset()  # words that were changed on the portal by hand are ours again
    restore: frozenset[str] = frozenset()  # what was taken down on the portal is shown again
    older: frozenset[str] = frozenset()  # an older release may stand in the place of a newer one


NOTHING_ALLOWED = Allowed()


@dataclass(frozen=True)
class Published:
    """What ``apply`` did for one dataset. ``writes`` counts the writing calls (CKAN) or files (folder)."""

    dataset: str
    changes: tuple[Change, ...]
    writes: int
    url: str
    drift: tuple[Drift, ...] = ()
    holds: tuple[Hold, ...] = ()
    unsent: tuple[str, ...] = field(default=())


Failed = Callable[[str, PortalError], None]
"""Told the name of a dataset that could not be read or written, and why; the others go on."""
