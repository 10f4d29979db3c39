"""Publishing within a night: what can pass is tried again until it has, what cannot is told once."""

from datetime import date

import pytest

from flows import publishing
from flows.settings import Secret, Settings
from publish.plans import NOTHING_ALLOWED, Allowed, PortalError, Published
from publish.portals.folder import FolderPortal
from tests.publish import places
from warehouse.home import Home
from warehouse.progress import silent

TRANSIENT = PortalError("HTTP 503", is_transient=True)
LASTING = PortalError("no right to package_revise")


class FlakyPortal:
    """Fails for each dataset with the errors given for it, one an attempt, and then publishes it."""

    address = "https://data.example.org"

    def __init__(self, errors):
        self.errors = {name: list(found) for name, found in errors.items()}
        self.attempts = []
        self.writes = 0

    def apply(self, desired, progress, failed, allowed, *, deep=False):
        names = [one.name for one in desired]
        self.attempts.append(names)
        if self.errors.get("portal"):
            raise self.errors["portal"].pop(0)
        done = []
        for name in names:
            if self.errors.get(name):
                self.writes += 2  # of what it began
                failed(name, self.errors[name].pop(0))
            else:
                self.writes += 3
                done.append(Published(name, (), 3, f"{self.address}/dataset/{name}"))
        return done


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publish the datasets a, b and c to a portal with these errors: the portal, the outcome, the waits."""
    home = Home(tmp_path)
    version = places.release(home, places.rows(3))
    wanted = [places.wanted(home, version, dataset=places.declaration(name=name)) for name in ("a", "b", "c")]
    waits = []
    monkeypatch.setattr(publishing, "sleep", waits.append)
    due = publishing.Due(wanted, NOTHING_ALLOWED, {}, {})
    monkeypatch.setattr(publishing, "due", lambda *arguments: due)

    def run(**errors):
        portal = FlakyPortal(errors)
        monkeypatch.setattr(publishing, "portal_of", lambda settings: portal)
        outcome = publishing.publish(Settings(home, portal.address), None, ["a", "b", "c"], silent)
        return portal, outcome, waits

    return run


def test_a_fault_that_passes_is_waited_for_and_only_its_dataset_is_published_again(publish):
    portal, outcome, waits = publish(b=[TRANSIENT, TRANSIENT])
    assert portal.attempts == [["a", "b", "c"], ["b"], ["b"]]
    assert waits == list(publishing.RETRY_DELAYS[:2])
    assert outcome.problems == {}
    assert set(outcome.urls) == {"a", "b", "c"}
    assert outcome.writes == 9 + 2 * 2


def test_what_was_written_before_it_failed_is_counted(publish):
    _, outcome, _ = publish(a=[LASTING])
    assert outcome.writes == 2 + 3 + 3


def test_the_portal_is_left_alone_for_as_long_as_it_asks(publish):
    asked = PortalError("HTTP 429", is_transient=True, retry_after=77)
    portal, outcome, waits = publish(a=[asked, TRANSIENT], b=[TRANSIENT])
    assert waits == [77, publishing.RETRY_DELAYS[1]]
    assert portal.attempts == [["a", "b", "c"], ["a", "b"], ["a"]]
    assert outcome.problems == {}


def test_no_portal_holds_up_the_night_for_long(publish):
    asked = PortalError("HTTP 503", is_transient=True, retry_after=400)
    _, outcome, waits = publish(b=[asked] * 9)
    assert waits == [400]
    assert sum(waits) < publishing.LONGEST_WAIT
    assert outcome.problems["b"].startswith("HTTP 503. It was not waited for: 400 s more would be over 600 s")
    assert set(outcome.published) == {"a", "c"}


def test_a_fault_that_stays_is_told_after_the_last_attempt(publish):
    portal, outcome, waits = publish(b=[TRANSIENT] * 99)
    assert waits == list(publishing.RETRY_DELAYS)
    assert len(portal.attempts) == len(waits) + 1
    assert outcome.problems == {"b": "HTTP 503"}


def test_what_cannot_pass_is_not_tried_again_and_stays_told(publish):
    portal, outcome, _ = publish(a=[LASTING], b=[TRANSIENT], c=[TRANSIENT, LASTING])
    assert portal.attempts == [["a", "b", "c"], ["b", "c"]]
    assert outcome.problems == {"a": str(LASTING), "c": str(LASTING)}


def test_a_portal_that_cannot_be_read_at_all_is_tried_again_too(publish):
    portal, outcome, waits = publish(portal=[TRANSIENT])
    assert portal.attempts == [["a", "b", "c"]] * 2
    assert outcome.problems == {}
    assert len(waits) == 1


class Refusing(FolderPortal):
    """Refuses one version of one dataset, for good or so many times."""

    def __init__(self, root, name, version, error, times=99):
        super().__init__(root)
        self.refused, self.error, self.times = (name, version), error, times

    def apply(self, desired, progress, failed, allowed=NOTHING_ALLOWED, *, deep=False):
        for one in desired:
            if (one.name, one.release.version) == self.refused and self.times:
                self.times -= 1
                failed(one.name, self.error)
                return []
        return super().apply(desired, progress, failed, allowed)


@pytest.fixture(scope="module")
def set_versions(tmp_path_factory):
    """a and b, which must agree, and c, in a first and a second version."""
    home, versions = Home(tmp_path_factory.mktemp("home")), []
    for name in "abc":
        dataset = places.declaration(name=name, publish_with="" if name == "c" else "set")
        first = places.release(home, places.rows(30), dataset=dataset)
        second = places.release(home, places.rows(20), [first], day=date(2026, 3, 1), dataset=dataset)
        now = places.wanted(home, first, second, dataset=dataset)
        versions.append([places.wanted(home, first, dataset=dataset), now])
    return home, versions


@pytest.fixture
def in_a_set(set_versions, tmp_path, monkeypatch):
    """Publish them to a portal of the test's making, which shows the first versions."""
    home, versions = set_versions
    monkeypatch.setattr(publishing, "sleep", lambda seconds: None)

    def run(number, portal, allowed):
        due = publishing.Due([one[number] for one in versions], allowed, {}, {})
        monkeypatch.setattr(publishing, "due", lambda *arguments: due)
        monkeypatch.setattr(publishing, "portal_of", lambda settings: portal)
        outcome = publishing.publish(Settings(home, "portal"), None, "abc", silent)
        shown = {one.dataset: one.shown for one in FolderPortal(tmp_path).plan(due.wanted).datasets}
        return outcome, shown

    run(0, FolderPortal(tmp_path), NOTHING_ALLOWED)
    return run, tmp_path


SHRINK = Allowed(frozenset("abc"))
NEW, OLD = "2026-03-01", "2026-02-01"


def test_a_set_is_put_back_where_one_of_it_fails_for_good_and_converges_later(in_a_set):
    run, root = in_a_set
    outcome, shown = run(1, Refusing(root, "b", NEW, LASTING), SHRINK)
    assert shown == {"a": OLD, "b": OLD, "c": NEW}
    assert set(outcome.problems) == {"a", "b"}
    assert f"version {OLD} is shown again" in outcome.problems["a"]
    assert set(outcome.published) == {"c"}
    outcome, shown = run(1, FolderPortal(root), SHRINK)
    assert (set(shown.values()), outcome.problems) == ({NEW}, {})


def test_a_fault_that_passes_is_waited_for_before_a_set_is_put_back(in_a_set):
    run, root = in_a_set
    outcome, shown = run(1, Refusing(root, "b", NEW, TRANSIENT, times=2), SHRINK)
    assert (set(shown.values()), outcome.problems) == ({NEW}, {})


def test_a_hold_on_one_of_a_set_is_told_of_all(in_a_set):
    run, root = in_a_set
    outcome, shown = run(1, FolderPortal(root), Allowed(frozenset("ac")))
    assert shown == {"a": OLD, "b": OLD, "c": NEW}
    assert {name: [hold.guard for hold in holds] for name, holds in outcome.holds.items()} == {
        "a": ["together"],
        "b": ["rows"],
    }
    said = outcome.said()
    assert (said["a"].state, said["a"].is_wrong, said["c"].state) == ("held", True, "published")
    assert "Mend what holds the other" in said["a"].message


def test_a_portal_that_cannot_be_used_is_told_and_does_not_stop_the_night(tmp_path, monkeypatch):
    """Without a token there is no CKAN to talk to; the night goes on to its report."""
    wanted = [places.wanted(Home(tmp_path), places.release(Home(tmp_path), places.rows(3)))]
    monkeypatch.setattr(publishing, "due", lambda *arguments: publishing.Due(wanted, NOTHING_ALLOWED, {}, {}))
    settings = Settings(Home(tmp_path), "https://data.example.org", Secret(""))
    outcome = publishing.publish(settings, None, ["places"], silent)
    assert outcome.writes == 0
    assert "token is empty" in outcome.problems["places"]
