"""The portal's side of a night: which portal, what it should show, plan and apply."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flows.outcomes import PortalOutcome
from flows.settings import Settings
from flows.steps import Plan
from publish.portals import Change, DesiredDataset, Portal, PortalError
from warehouse import ledger
from warehouse.districts import load_districts
from warehouse.progress import Progress
from warehouse.store import reader


def portal_of(settings: Settings) -> Portal:
    """The portal that the settings name: a CKAN for a URL, else a folder."""
    if settings.is_ckan:
        from publish.portals.ckan import CkanPortal

        return CkanPortal(settings.portal, settings.token.reveal)
    from publish.portals.folder import FolderPortal

    return FolderPortal(Path(settings.portal).absolute())


def desired(settings: Settings, plan: Plan, datasets: Iterable[str]) -> list[DesiredDataset]:
    """What the portal should show: the latest release of each dataset that has one."""
    from publish.releasing import desired_dataset

    districts = load_districts()
    wanted = []
    with reader(settings.home, settings.memory) as connection:
        for name in datasets:
            releases = ledger.releases(connection, name)
            if releases:
                declaration = plan.datasets[name]
                district = districts[declaration.entry.district] if declaration.entry.district else None
                geometry = district.geojson if district else None
                wanted.append(desired_dataset(declaration, releases[-1], releases, settings.home, geometry))
    return wanted


def changes(settings: Settings, plan: Plan, datasets: Iterable[str]) -> list[Change]:
    """What differs between the portal and what it should show. Writes nothing.

    Raises:
        PortalError: the portal cannot be read.
    """
    return portal_of(settings).plan(desired(settings, plan, datasets))


def publish(settings: Settings, plan: Plan, datasets: Iterable[str], progress: Progress) -> PortalOutcome:
    """Bring the portal to the state it should have. What could not be written is told, not raised."""
    problems: dict[str, str] = {}
    portal = portal_of(settings)
    wanted = desired(settings, plan, datasets)
    try:
        published = portal.apply(
            wanted, progress, lambda dataset, error: problems.__setitem__(dataset, str(error))
        )
    except PortalError as error:
        return PortalOutcome(
            portal.address, problems=dict.fromkeys([w.declaration.name for w in wanted], str(error))
        )
    return PortalOutcome(
        portal.address,
        sum(one.writes for one in published),
        {one.dataset: len(one.changes) for one in published},
        problems,
        {one.dataset: one.url for one in published},
    )
