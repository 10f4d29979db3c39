"""The CKAN portal: plans and applies, dataset by dataset."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa

from publish.desired import DesiredDataset, resource_id
from publish.differences import row_difference
from publish.guards import Shown, held
from publish.managed import Managed
from publish.metadata.words import KEYS
from publish.plans import NOTHING_ALLOWED, Allowed, Change, DatasetPlan, Failed, Plan, PortalError, Published
from publish.portals.ckan.client import Client, ConflictError
from publish.portals.ckan.compare import Actual, Difference, compare, is_ours, unsent_of
from publish.portals.ckan.managed import MANAGED, taken_down
from publish.portals.ckan.reading import Reader
from publish.portals.ckan.schemas import shaped
from publish.portals.ckan.table.state import content_of
from publish.portals.ckan.wanted import Wanted, wanted_dataset
from publish.portals.ckan.writing import Writer
from warehouse.progress import Progress

_ATTEMPTS = 5  # looks at a dataset that something else keeps changing
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class CkanPortal:
    """A CKAN, 2.11 or 2.12, written to with a user's API token."""

    def __init__(self, address: str, token: str, datastore: str = "") -> None:
        """Opens no connection.

        Args:
            address: the portal's front page.
            token: an API token of a user who may edit the organisations' datasets.
            datastore: the DataStore's own address, ``ckan.datastore.write_url``: with it rows go straight there.

        Raises:
            PortalError: the address or the token cannot be used.
        """
        self._client = Client(address, token)
        self._datastore = datastore
        self._reader = Reader(self._client, datastore)

    def __repr__(self) -> str:
        return f"CkanPortal({self.address!r})"

    @property
    def address(self) -> str:
        """The portal's front page."""
        return self._client.address

    @property
    def writes(self) -> int:
        """How many writing calls there were since this was made, also those of datasets that failed then."""
        return self._client.writes

    @property
    def managed(self) -> tuple[Managed, ...]:
        """What of the portal is ours."""
        return MANAGED

    def plan(
        self,
        desired: Sequence[DesiredDataset],
        allowed: Allowed = NOTHING_ALLOWED,
        failed: Failed | None = None,
        *,
        deep: bool = False,
    ) -> Plan:
        """What differs from what is shown now, in the order it would be done. Only reads."""
        self._reader.greet()
        self._reader.doubts_all = deep
        plans: list[DatasetPlan] = []
        for item in desired:
            try:
                one = self._plan(item, allowed)
            except PortalError as error:
                if failed is None:
                    raise
                failed(item.name, error)
                continue
            # an organisation or a group that several datasets lack is created once
            known = [change for other in plans for change in other.changes]
            plans.append(_without(one, known))
        return Plan(tuple(plans))

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Failed,
        allowed: Allowed = NOTHING_ALLOWED,
        *,
        deep: bool = False,
    ) -> list[Published]:
        """Make it so, dataset by dataset. One that fails is told to ``failed`` and the others go on."""
        self._reader.doubts_all = deep
        done = []
        for count, item in enumerate(desired):
            name = item.name
            progress(f"publish {name}", count, len(desired), "datasets")
            try:
                self._reader.greet()
                done.append(self._publish_patiently(item, progress, allowed))
            except (PortalError, OSError, pa.ArrowException) as error:
                failed(name, error if isinstance(error, PortalError) else _local(name, error))
                if self._client.is_gone:
                    self._reader.forget()  # the next dataset asks first, which fails fast
        progress("publish", len(desired), len(desired), "datasets")
        return done

    def _plan(self, desired: DesiredDataset, allowed: Allowed) -> DatasetPlan:
        wanted, actual = self._look(desired)
        shown = self._shown(wanted, actual)
        holds = held(desired, shown, allowed)
        if shown and shown.foreign:
            return DatasetPlan(desired.name, holds=holds)
        found = _compared(wanted, actual, allowed)
        rows, version = row_difference(desired, shown), shown.version if shown else None
        return DatasetPlan(desired.name, found.changes, found.drift, holds, rows, found.unsent, version)

    def _look(self, desired: DesiredDataset) -> tuple[Wanted, Actual]:
        wanted = shaped(wanted_dataset(desired, self.address, self._reader.knows("dcat")), self._reader.schema)
        return wanted, self._reader.read(wanted)

    def _shown(self, wanted: Wanted, actual: Actual) -> Shown | None:
        """What stands there of the dataset; that it was there and is gone, too: a purge leaves no trace of it."""
        run = wanted.desired.published.get(self.address)
        if actual.package is not None or not run:
            return _noted(wanted, actual)
        return Shown(
            taken_down=f"this home has published it here (run {run}), and the portal knows nothing of it any more:"
            " somebody has purged it, or the portal was made anew, or restored from an older backup"
        )

    def _publish_patiently(self, desired: DesiredDataset, progress: Progress, allowed: Allowed) -> Published:
        """Publish; where something else changed the dataset meanwhile, look again and do what is left.

        That is rarely a person: CKAN's own background job notes a new table on its dataset a moment later, and
        of five first publications two met it (CKAN 2.12.0).
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(ConflictError):
                return self._publish(desired, progress, allowed)
        return self._publish(desired, progress, allowed)

    def _publish(self, desired: DesiredDataset, progress: Progress, allowed: Allowed) -> Published:
        before, url = self._client.writes, f"{self.address}/dataset/{desired.name}"
        wanted, actual = self._look(desired)
        shown = self._shown(wanted, actual)
        if holds := held(desired, shown, allowed):
            drift = () if shown and shown.foreign else _compared(wanted, actual, allowed).drift
            return Published(desired.name, (), 0, url, drift, holds, unsent_of(wanted, actual))
        difference = _compared(wanted, actual, allowed)
        changes, drift, unsent = difference.changes, difference.drift, difference.unsent
        writer = Writer(self._client, wanted, progress, self._datastore)
        writer.check_files(difference)
        if difference.create_organisation or difference.create or difference.join:
            writer.make_room(actual, difference)
            actual = self._reader.read(wanted)
            difference = _compared(wanted, actual, allowed)
        if difference.join:  # of a dataset that was just created
            writer.make_room(actual, difference)
            actual = self._reader.read(wanted)
            difference = _compared(wanted, actual, allowed)
        if difference.changes:
            writer.carry_out(actual, difference)
            self._look_again(wanted, allowed)
        writes = self._client.writes - before
        return Published(desired.name, changes, writes, url, drift, unsent=unsent)

    def _look_again(self, wanted: Wanted, allowed: Allowed) -> None:
        """See whether the portal shows what was written."""
        left = _compared(wanted, self._reader.read(wanted), allowed).changes
        if left:
            told = "; ".join(f"{change.target}: {change.detail}" for change in left[:3])
            raise PortalError(
                f"{wanted.name}: version {wanted.version} was written, but the portal shows something else"
                f" ({told}). Either somebody changed it at the same time, or an extension of the portal does"
                " not keep it"
            )


def _compared(wanted: Wanted, actual: Actual, allowed: Allowed) -> Difference:
    return compare(
        wanted, actual, overwrite=wanted.name in allowed.overwrite, restore=wanted.name in allowed.restore
    )


def _without(plan: DatasetPlan, told: Sequence[Change]) -> DatasetPlan:
    """A plan without the organisations and groups that another one creates."""
    made = {
        (change.action, change.target) for change in told if change.target.startswith(("organisation ", "group "))
    }
    changes = tuple(one for one in plan.changes if one.action != "create" or (one.action, one.target) not in made)
    return replace(plan, changes=changes)


def _local(name: str, error: Exception) -> PortalError:
    """What went wrong on this machine."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return PortalError(
            f"{name}: no space is left on this machine's disk ({error.filename or 'the temporary folder'});"
            " free some, then publish again. What the portal shows is the old version or the new one"
        )
    return PortalError(f"{name}: the release's files cannot be read: {error}")


def _noted(wanted: Wanted, actual: Actual) -> Shown | None:
    """What the portal notes of the dataset that stands there; None where there is none."""
    package, table = actual.package, actual.table
    if package is None:
        return None
    if not is_ours(wanted, package):
        return Shown(
            foreign="the portal already has a dataset of this name that was not published from here"
            f" ({package.get('title') or 'without a title'}); it stays as it is"
        )
    standing = {item["id"] for item in package.get("resources", ())}
    return Shown(
        package.get("version"),
        rows=table.count if table else None,
        columns=tuple(str(column["id"]) for column in table.columns) if table else None,
        content_sha256=(content_of(table.holds) if table else "") or None,
        ids={key: rid for key in KEYS if (rid := resource_id(wanted.name, key)) in standing},
        taken_down=taken_down(package),
    )
