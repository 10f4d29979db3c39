"""The portal's side of a night: which portal, what it should show, plan and apply."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from time import sleep

from flows.declarations import Declarations
from flows.outcomes import PortalOutcome
from flows.settings import Settings
from publish.desired import DesiredDataset
from publish.plans import NOTHING_ALLOWED, Allowed, Failed, Plan, PortalError, Published
from publish.portals import Portal
from warehouse import ledger
from warehouse.progress import Progress
from warehouse.store import reader

RETRY_DELAYS = (5.0, 30.0, 120.0)  # seconds; a CKAN that is restarted or a full worker pool is back within these


def portal_of(settings: Settings) -> Portal:
    """The portal that the settings name: a CKAN for a URL, else a folder.

    Raises:
        PortalError: the portal's address is none.
    """
    if settings.is_ckan:
        from publish.portals.ckan import CkanPortal

        return CkanPortal(settings.portal, settings.token.reveal)
    from publish.portals.folder import FolderPortal

    # it stands in pages, feeds and catalogues that others read
    if settings.portal_url and not re.fullmatch(r"https?://[^\s<>\"'?#]+", settings.portal_url):
        raise PortalError(
            f"OPENDISTRICT_PORTAL_URL is {settings.portal_url!r}, which is no address of a folder on the web. Give"
            " one such as https://data.example.org/"
        )
    return FolderPortal(Path(settings.portal).absolute(), base_url=settings.portal_url)


def desired(settings: Settings, declared: Declarations, datasets: Iterable[str]) -> list[DesiredDataset]:
    """What the portal should show: the latest release of each dataset that has one, and is not held back now."""
    from publish.release import desired_dataset

    wanted = []
    with reader(settings.home, settings.memory) as connection:
        for name in datasets:
            releases = ledger.releases(connection, name)
            if releases and name not in declared.held_back:
                wanted.append(desired_dataset(declared.datasets[name], releases[-1], releases, settings.home))
    return wanted


def plan(
    settings: Settings,
    declared: Declarations,
    datasets: Iterable[str],
    allowed: Allowed = NOTHING_ALLOWED,
    failed: Failed | None = None,
) -> Plan:
    """What differs between the portal and what it should show. Writes nothing.

    Raises:
        PortalError: the portal cannot be read; or a dataset cannot, and nobody listens (``failed``).
    """
    return portal_of(settings).plan(desired(settings, declared, datasets), allowed, failed)


def publish(
    settings: Settings, declared: Declarations, datasets: Iterable[str], progress: Progress
) -> PortalOutcome:
    """Bring the portal to the state it should have. What could not be written is told, not raised.

    A fault that can pass (a connection, a 5xx, a 429, a time-out) is waited for, ``RETRY_DELAYS``: publishing
    converges, so a dataset that was left between two versions (new files beside the old table) is completed by
    another attempt, and need not stand like that until the next night.
    """
    wanted = desired(settings, declared, datasets)
    try:
        portal = portal_of(settings)
    except PortalError as error:  # a wrong address or token: the rest of the night still gets its report
        return PortalOutcome(settings.portal, problems=dict.fromkeys(_names(wanted), str(error)))
    due, done = wanted, list[Published]()
    problems: dict[str, PortalError] = {}
    for delay in (*RETRY_DELAYS, None):
        faults: dict[str, PortalError] = {}
        try:
            done += portal.apply(due, progress, faults.__setitem__)
        except PortalError as error:
            faults = dict.fromkeys(_names(due), error)
        problems = {name: error for name, error in problems.items() if not error.is_transient} | faults
        passing = {name for name, error in faults.items() if error.is_transient}
        due = [one for one in due if one.declaration.name in passing]
        if not due or delay is None:
            break
        progress(f"the portal has a fault that may pass: publishing again in {delay:g} s")
        sleep(delay)
    return PortalOutcome(
        portal.address,
        sum(one.writes for one in done),
        {one.dataset: len(one.changes) for one in done},
        {name: str(error) for name, error in problems.items()},
        {one.dataset: one.url for one in done},
    )


def _names(wanted: Iterable[DesiredDataset]) -> list[str]:
    return [one.declaration.name for one in wanted]
