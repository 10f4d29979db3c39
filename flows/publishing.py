"""The portal's side of a night: which portal, what it should show, plan and apply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep

from flows.allowing import allowed_for
from flows.dataset_standing import standing_of
from flows.declarations import Declarations
from flows.outcomes import PUBLISHED, PortalOutcome
from flows.settings import Settings
from publish import together
from publish.desired import DesiredDataset
from publish.plans import NOTHING_ALLOWED, Allowed, Failed, Plan, PortalError, Published
from publish.portals import Portal
from warehouse import ledger
from warehouse.ledger import CurationRecord, RunRecord, Verdict
from warehouse.progress import Progress
from warehouse.releases import ReleaseError
from warehouse.store import reader

RETRY_DELAYS = (5.0, 30.0, 120.0)  # seconds; a CKAN that is restarted or a full worker pool is back within these
LONGEST_WAIT = 600.0  # seconds in sum, whatever the portal asks for: the night has more to do, and comes again


def portal_of(settings: Settings) -> Portal:
    """The portal that the settings name: a CKAN for a URL, else a folder.

    Raises:
        PortalError: the portal's address is none.
    """
    if settings.is_ckan:
        from publish.portals.ckan import CkanPortal

        return CkanPortal(settings.portal, settings.token.reveal, settings.datastore.reveal)
    from publish.portals.folder import FolderPortal

    # it stands in pages, feeds and catalogues that others read
    if settings.portal_url and not re.fullmatch(r"https?://[^\s<>\"'?#]+", settings.portal_url):
        raise PortalError(
            f"OPENDISTRICT_PORTAL_URL is {settings.portal_url!r}, which is no address of a folder on the web. Give"
            " one such as https://data.example.org/"
        )
    return FolderPortal(Path(settings.portal).absolute(), base_url=settings.portal_url)


@dataclass(frozen=True)
class Due:
    """What is to be shown, and what is allowed.

    ``stuck``: why datasets of a set cannot be switched with it, by name, in words. ``damaged``: releases that
    cannot be shown, by dataset.
    """

    wanted: Sequence[DesiredDataset]
    allowed: Allowed
    stuck: Mapping[str, str]
    damaged: together.Faults


def due(
    settings: Settings, declared: Declarations, datasets: Iterable[str], given: Allowed = NOTHING_ALLOWED
) -> Due:
    """What the portal should show: the latest release of each dataset that has one, and is not held back now.

    Where a dataset must agree with others, they come with it.
    """
    from publish.release import desired_dataset

    wanted: list[DesiredDataset] = []
    stuck: dict[str, str] = {}
    damaged: together.Faults = {}
    with reader(settings.home, settings.memory) as connection:
        for name in _with_their_sets(declared, datasets):
            releases = ledger.releases(connection, name)
            if not releases or name in declared.held_back:
                continue
            declaration, curations = declared.datasets[name], ledger.curations(connection, name)
            standing = standing_of(connection, declared, name, curations)
            try:
                wanted.append(desired_dataset(declaration, releases[-1], releases, settings.home, standing))
            except ReleaseError as error:
                damaged[name] = PortalError(f"{name}: {error}")
                stuck[name] = str(error)
            if declaration.entry.publish_with:
                stuck |= _held_build(name, curations)
        noted = ledger.allowances(connection)
        published = _published(ledger.runs(connection, settings.home))
    wanted = [replace(one, published=published.get(one.name, {})) for one in wanted]
    allowed = allowed_for({one.name: one.release.version for one in wanted}, given, noted)
    return Due(wanted, allowed, stuck, damaged)


def _published(runs: Iterable[RunRecord]) -> dict[str, dict[str, str]]:
    """Where each dataset was published, by its name and by the portal's address: the newest run that said so."""
    found: dict[str, dict[str, str]] = {}
    for run in runs:
        for name, said in run.portal.items():
            if said.state == PUBLISHED and said.what:
                found.setdefault(name, {})[said.what] = run.run_id
    return found


def _held_build(name: str, curations: Sequence[CurationRecord]) -> dict[str, str]:
    """Why a dataset keeps back its set, if its newest build is held: the others would speak of other data."""
    if not curations or curations[-1].verdict is not Verdict.HELD:
        return {}
    return {name: f"its checks hold what was newly built of {curations[-1].data_date}"}


def _with_their_sets(declared: Declarations, datasets: Iterable[str]) -> list[str]:
    named = list(datasets)
    sets = {declared.datasets[name].entry.publish_with for name in named} - {""}
    more = [name for name, one in declared.datasets.items() if one.entry.publish_with in sets]
    return list(dict.fromkeys([*named, *more]))


def plan(
    settings: Settings,
    declared: Declarations,
    datasets: Iterable[str],
    allowed: Allowed = NOTHING_ALLOWED,
    failed: Failed | None = None,
    *,
    deep: bool = False,
) -> Plan:
    """What differs between the portal and what it should show. Writes nothing. ``deep``: reads every file again.

    Raises:
        PortalError: the portal cannot be read; or a dataset cannot, and nobody listens (``failed``).
    """
    what = due(settings, declared, datasets, allowed)
    if what.damaged and failed is None:
        raise next(iter(what.damaged.values()))
    faults = dict(what.damaged)
    found = portal_of(settings).plan(what.wanted, what.allowed, faults.__setitem__ if failed else None, deep=deep)
    unread = {name: str(error) for name, error in faults.items()}
    for members in together.sets_of(what.wanted)[1].values():
        found = together.held_together(found, members, {**what.stuck, **unread})
    for name, error in faults.items():
        if failed:
            failed(name, error)
    latest = {one.name: one.release.version for one in what.wanted}
    return replace(found, datasets=tuple(replace(one, latest=latest[one.dataset]) for one in found.datasets))


def publish(
    settings: Settings,
    declared: Declarations,
    datasets: Iterable[str],
    progress: Progress,
    allowed: Allowed = NOTHING_ALLOWED,
    *,
    deep: bool = False,
) -> PortalOutcome:
    """Bring the portal to the state it should have. What could not be written is told, not raised.

    ``deep``: every file of the portal is read again, though nothing says that somebody touched it.

    A fault that can pass (a connection, a 5xx, a 429, a time-out) is waited for: publishing converges, so a
    dataset that was left between two versions is completed by another attempt, and need not stand like that until
    the next night.
    """
    what = due(settings, declared, datasets, allowed)
    try:
        portal = portal_of(settings)
    except PortalError as error:  # a wrong address or token: the rest of the night still gets its report
        told = dict.fromkeys([*(one.name for one in what.wanted), *what.damaged], str(error))
        return PortalOutcome(settings.portal, problems=told)
    patient = Patient(portal, progress, deep=deep)
    alone, sets = together.sets_of(what.wanted)
    done, problems = patient.apply(alone, what.allowed)
    for members in sets.values():
        switched = together.switch(members, patient, _before(settings), what.allowed, what.stuck)
        done, problems = done + switched.done, problems | switched.problems
    problems |= what.damaged
    return PortalOutcome(
        portal.address,
        portal.writes,
        {one.dataset: len(one.changes) for one in done if not one.holds},
        {name: str(error) for name, error in problems.items()},
        {one.dataset: one.url for one in done if one.url},
        {one.dataset: one.holds for one in done if one.holds},
        {one.dataset: one.drift for one in done if one.drift},
        {one.dataset: one.unsent for one in done if one.unsent},
        settings.as_options(),
    )


def _before(settings: Settings) -> together.Before:
    """Gives datasets as they should be shown in an earlier version."""
    from publish.release import desired_dataset

    def before(wanted: DesiredDataset, version: str) -> DesiredDataset | None:
        release = next((one.release for one in wanted.versions if one.release.version == version), None)
        if release is None:
            return None
        try:
            return desired_dataset(wanted.declaration, release, wanted.releases, settings.home, wanted.standing)
        except ReleaseError:
            return None

    return before


class Patient:
    """A portal that is asked again while its faults may pass: only for what failed, and not for ever.

    It waits ``RETRY_DELAYS``, or longer where the portal asks for it (Retry-After), and ``LONGEST_WAIT`` in sum.
    """

    def __init__(self, portal: Portal, progress: Progress, *, deep: bool = False) -> None:
        self._portal = portal
        self._deep = deep
        self._progress = progress
        self._waited = 0.0

    def plan(self, desired: Sequence[DesiredDataset], allowed: Allowed) -> tuple[Plan, together.Faults]:
        """What differs, and what could not be read."""
        for delay in (*RETRY_DELAYS, None):
            faults: together.Faults = {}
            found = Plan()
            try:
                found = self._portal.plan(desired, allowed, faults.__setitem__, deep=self._deep)
            except PortalError as error:
                faults = {one.name: error for one in desired}
            if not self._may_pass(faults, delay):
                break
        return found, faults

    def apply(
        self, desired: Sequence[DesiredDataset], allowed: Allowed
    ) -> tuple[list[Published], together.Faults]:
        """What was done, and what could not be done."""
        due, done = desired, list[Published]()
        problems: together.Faults = {}
        if not desired:
            return done, problems
        for delay in (*RETRY_DELAYS, None):
            faults: together.Faults = {}
            try:
                failed = faults.__setitem__
                done += self._portal.apply(due, self._progress, failed, allowed, deep=self._deep)
            except PortalError as error:
                faults = {one.name: error for one in due}
            is_again = self._may_pass(faults, delay)
            problems = {name: error for name, error in problems.items() if not error.is_transient} | faults
            if not is_again:
                break
            due = [one for one in due if one.name in faults and faults[one.name].is_transient]
        return done, problems

    def _may_pass(self, faults: together.Faults, delay: float | None) -> bool:
        """Wait, and say whether it is worth another attempt."""
        passing = [error for error in faults.values() if error.is_transient]
        if not passing or delay is None:
            return False
        wait = max(delay, *(error.retry_after or 0.0 for error in passing))
        if self._waited + wait > LONGEST_WAIT:
            for name, error in faults.items():
                if error.is_transient:
                    faults[name] = _too_long(error, wait)
            return False
        self._progress(f"the portal has a fault that may pass: trying again in {wait:g} s")
        self._waited += wait
        sleep(wait)
        return True


def _too_long(error: PortalError, wait: float) -> PortalError:
    words = (
        f"{error}. It was not waited for: {wait:,.0f} s more would be over {LONGEST_WAIT:,.0f} s in all; the next"
        " run goes on from here"
    )
    return PortalError(words, is_transient=True, retry_after=error.retry_after)
