from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from publish import folders, release
from publish.desired import Standing
from publish.plans import Allowed, PortalError
from publish.portals import Portal
from publish.portals.folder import FolderPortal, charts, notes
from publish.portals.folder import files as folder_files
from publish.portals.folder import portal as folder
from publish.portals.folder.reading import rows_of
from publish.portals.folder.rendering import POLICY
from publish.portals.folder.speaking import Speaker
from tests.publish import places
from warehouse import archive, reference
from warehouse.home import Home
from warehouse.progress import silent


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def versions(home):
    first = places.release(home, places.rows(30))
    second = places.release(home, places.rows(20), [first], day=dt.date(2026, 3, 1))
    return [places.wanted(home, first), places.wanted(home, first, second)]


def raise_it(dataset, error):
    raise AssertionError(f"{dataset}: {error}")


def times(root):
    return {path: path.lstat().st_mtime_ns for path in root.rglob("*")}


def public(root):
    """What stands in the portal by its path, without what it notes for itself."""
    return {name: content for name, content in places.tree(root).items() if not name.startswith(".")}


def test_it_is_a_portal(tmp_path):
    portal: Portal = FolderPortal(tmp_path)
    assert portal.address == str(tmp_path)
    assert portal.plan([])  # the front page
    assert not list(tmp_path.iterdir())


def test_links_are_stable_and_files_are_the_releases(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    (done,) = portal.apply(versions[:1], silent, raise_it)
    assert done.url == str(tmp_path / "datasets/places/index.html")
    names = set(places.tree(tmp_path / "datasets/places"))
    files = {resource.path.name for resource in versions[0].resources}
    assert {"places.csv", "dictionary.html", "dcat.ttl", "SHA256SUMS"} <= files
    assert files | {f"versions/2026-02-01/{name}" for name in files} < names
    assert {"index.html", "fi/index.html", "feed.xml", "fi/feed.xml", "state.json"} < names
    assert done.writes == len(names)
    for resource in versions[0].resources:
        for folder_ in ("", "versions/2026-02-01/"):
            content = (tmp_path / f"datasets/places/{folder_}{resource.path.name}").read_bytes()
            assert content == resource.path.read_bytes()
    top = {path.name for path in tmp_path.iterdir()}
    assert {"index.html", "fi", "datasets", "questions", "search", "assets", "feed.xml", "catalog.jsonld"} <= top


def test_applied_twice_nothing_is_planned_and_nothing_written(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    before = times(tmp_path)
    assert portal.plan(versions[:1]).changes == ()
    (done,) = portal.apply(versions[:1], silent, raise_it)
    assert (done.changes, done.writes) == ((), 0)
    assert times(tmp_path) == before


def test_only_what_changed_is_written(tmp_path, home, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    before = times(tmp_path)
    described = dataclasses.replace(versions[0], standing=Standing(score=87.4))
    changed = [change.target for change in portal.plan([described]).changes]
    assert {"dataset", "index.html", "fi/index.html", "state.json"} <= set(changed)
    (done,) = portal.apply([described], silent, raise_it)
    now = times(tmp_path)
    for path in (tmp_path / "datasets/places").rglob("places.*"):
        assert now[path] == before[path]
    assert done.writes == len([one for one in done.changes if one.action == "upload"])


def test_a_shrinking_dataset_is_seen_in_the_plan(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    (found,) = portal.plan(versions[1:]).datasets
    assert [hold.guard for hold in found.holds] == ["rows"]
    headline = found.changes[0]
    assert headline.action == "update"
    assert "rows 30 become 20: SHRINKS by 33.3 %, more than the 20 %" in headline.detail


def test_what_someone_else_did_is_seen_and_undone(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    expected = public(tmp_path)
    (tmp_path / "datasets/places/places.csv").write_text("hacked")
    (tmp_path / "datasets/places/places.parquet").unlink()
    (tmp_path / "datasets/places/notes.txt").write_text("mine")
    (tmp_path / "index.html").unlink()
    plan = portal.plan(versions[:1])
    said = {change.target: f"{change.action}: {change.detail}" for change in plan.changes}
    drift = {one.target: (one.fate, one.detail) for one in plan.datasets[0].drift}
    # the latest version's file and that at its own address are one on the disk
    assert {"places.csv", "versions/2026-02-01/places.csv", "places.parquet", "notes.txt"} == set(drift)
    assert {fate for fate, _ in drift.values()} == {"undone"}
    assert "someone else changed it" in said["places.csv"]
    assert said["notes.txt"].startswith("remove")
    assert {"places.parquet", "index.html"} <= set(said)
    done, front = portal.apply(versions[:1], silent, raise_it)
    assert {one.target for one in done.drift} == set(drift)
    assert [one.target for one in front.drift] == ["index.html"]
    assert public(tmp_path) == expected
    assert portal.plan(versions[:1]).datasets[0].drift == ()


def test_a_file_swapped_for_other_bytes_of_the_same_size_is_noticed(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    expected = public(tmp_path)
    csv = tmp_path / "datasets/places/versions/2026-02-01/places.csv"
    stat, content = csv.stat(), csv.read_bytes()
    csv.unlink()
    csv.write_bytes(content.replace(b"P01", b"P99"))
    os.utime(csv, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert csv.stat().st_size == stat.st_size
    (found,) = portal.plan(versions[:1]).datasets
    assert [one.target for one in found.drift] == ["versions/2026-02-01/places.csv"]
    portal.apply(versions[:1], silent, raise_it)
    assert public(tmp_path) == expected


def test_what_was_not_touched_is_not_read_again(tmp_path, versions, monkeypatch):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    read = []
    monkeypatch.setattr(notes, "sha256_of", lambda path: read.append(path) or archive.sha256_of(path))
    assert not portal.plan(versions[:1])
    assert read == []
    assert not portal.plan(versions[:1], deep=True)
    assert len(read) > 20
    (tmp_path / ".portal.json").write_text("{")  # a note that is lost costs time and nothing else
    assert not [one for one in portal.plan(versions[:1]).datasets if one.changes]


def test_a_state_that_somebody_wrote_in_is_believed_in_nothing(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    expected = public(tmp_path)
    state = tmp_path / "datasets/places/state.json"
    state.write_text(state.read_text().replace('"version": "2026-02-01"', '"version": "2999-01-01"'))
    (found,) = portal.plan(versions[:1]).datasets
    assert [one.target for one in found.drift] == ["state.json"]
    portal.apply(versions[:1], silent, raise_it)
    assert public(tmp_path) == expected


def test_a_dataset_that_somebody_took_down_stays_away_until_somebody_says_so(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    expected = public(tmp_path)
    shutil.rmtree(tmp_path / "datasets/places")
    (found,) = portal.plan(versions[:1]).datasets
    assert [hold.guard for hold in found.holds] == ["taken_down"]
    (done,) = portal.apply(versions[:1], silent, raise_it)
    assert (done.writes, [hold.guard for hold in done.holds]) == (0, ["taken_down"])
    assert not (tmp_path / "datasets/places").exists()
    assert "datasets/places" not in (tmp_path / "index.html").read_text()
    assert portal.apply(versions[:1], silent, raise_it)[0].holds  # the next night too
    portal.apply(versions[:1], silent, raise_it, Allowed(restore=frozenset({"places"})))
    assert public(tmp_path) == expected


def test_an_older_home_does_not_publish_over_a_newer_release(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[1:], silent, raise_it, SMALLER)
    (found,) = portal.plan(versions[:1]).datasets
    assert [hold.guard for hold in found.holds] == ["older"]


def test_hand_edits_of_the_portals_own_pages_are_told_before_they_are_undone(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    assert portal.plan(versions[:1]).drift == ()
    expected = public(tmp_path)
    with (tmp_path / "index.html").open("a") as file:
        file.write("<p>")
    (tmp_path / "fi/feed.xml").unlink()
    told = {"index.html": "someone else changed it", "fi/feed.xml": "somebody removed it"}
    edits = portal.plan(versions[:1]).drift
    assert {one.target: one.detail.rpartition(": ")[2] for one in edits} == told
    done, front = portal.apply(versions[:1], silent, raise_it)
    assert (front.drift, done.drift) == (edits, ())
    assert public(tmp_path) == expected


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_text("{}")])
def test_a_state_that_is_gone_lets_nothing_vanish(tmp_path, versions, spoil):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[1:], silent, raise_it, SMALLER)
    spoil(tmp_path / "datasets/places/state.json")
    (found,) = portal.plan(versions[:1]).datasets
    assert [hold.guard for hold in found.holds] == ["older"]
    (done,) = portal.apply(versions[:1], silent, raise_it)
    assert (done.writes, [hold.guard for hold in done.holds]) == (0, ["older"])
    (done,) = portal.apply(versions[1:], silent, raise_it)
    assert (done.holds, [one.target for one in done.drift]) == ((), ["state.json"])
    (tmp_path / "datasets/places/state.json").unlink()
    assert [hold.guard for hold in portal.plan(versions[:1]).datasets[0].holds] == ["older"]


def test_a_page_that_is_no_page_any_more_goes_and_other_peoples_files_stay(tmp_path, versions, monkeypatch):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    (tmp_path / "CNAME").write_text("data.town.example")
    made = folder.front_files
    monkeypatch.setattr(
        folder, "front_files", lambda *args: {k: v for k, v in made(*args).items() if k != "fi/feed.xml"}
    )
    monkeypatch.setattr(folder, "_code_sum", lambda: "another version of the program")
    portal.apply(versions[:1], silent, raise_it)
    assert not (tmp_path / "fi/feed.xml").exists()
    assert (tmp_path / "CNAME").exists()


def test_a_damaged_release_is_told_and_the_old_version_stays(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[:1], silent, raise_it)
    expected = public(tmp_path)
    damaged = tmp_path.parent / "damaged.csv"
    damaged.write_text("x")
    first, *rest = versions[1].resources
    copy = damaged.with_name(first.path.name)
    damaged.rename(copy)
    broken = dataclasses.replace(versions[1], resources=(dataclasses.replace(first, path=copy), *rest))
    problems: dict[str, PortalError] = {}
    assert portal.apply([broken], silent, problems.__setitem__, SMALLER) == []
    assert "is not what was released" in str(problems["places"])
    copy.unlink()
    assert portal.apply([broken], silent, problems.__setitem__, SMALLER) == []
    assert f"{copy} is missing. Restore it from a backup, or" in str(problems["places"])
    assert public(tmp_path) == expected


SMALLER = Allowed(shrink=frozenset({"places"}))


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it and nothing is tidied up."""


class Killer:
    """Counts the writing steps and kills before or after the n-th."""

    def __init__(self, patch, point):
        self.count, self.point = 0, point
        for owner, name in (
            (os, "replace"),
            (os, "rename"),
            (os, "link"),
            (folders, "exchange"),
            (folder_files, "write"),
            (folder, "sync_folder"),
            (folder, "sync_folders"),
            (shutil, "rmtree"),
        ):
            patch.setattr(owner, name, self.wrapped(getattr(owner, name)))

    def wrapped(self, call):
        def step(*args, **kwargs):
            self.tick()
            result = call(*args, **kwargs)
            self.tick()
            return result

        return step

    def tick(self):
        self.count += 1
        if self.count == self.point:
            raise Killed


def once(call, key):
    """A function of which each result is made once: the pages are the same each time."""
    made = {}

    def answered(*args):
        found = key(*args)
        if found not in made:
            made[found] = call(*args)
        return made[found]

    return answered


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.prove)])
def test_killed_anywhere_the_public_sees_old_or_new_and_the_next_run_ends_the_same(
    tmp_path, versions, monkeypatch, can_exchange, every
):
    monkeypatch.setattr(
        folder.pages,
        "dataset_pages",
        once(folder.pages.dataset_pages, lambda wanted, site, language, since: (wanted.release.version, language)),
    )
    state = lambda shelves, *_: json.dumps({name: shelf.state for name, shelf in shelves.items()})  # noqa: E731
    monkeypatch.setattr(folder, "front_files", once(folder.front_files, state))
    if not can_exchange:
        monkeypatch.setattr(folders, "exchange", lambda first, second: False)
    old, new, root = tmp_path / "old", tmp_path / "new", tmp_path / "root"
    FolderPortal(old).apply(versions[:1], silent, raise_it)
    shutil.copytree(old, new)
    FolderPortal(new).apply(versions[1:], silent, raise_it, SMALLER)
    seen = [places.tree(old / "datasets/places"), places.tree(new / "datasets/places")]
    if not can_exchange:
        seen.append({})  # for the moment between two renames
    points = 0
    for point in range(1, 3000, every):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(old, root)
        with monkeypatch.context() as patch:
            killer = Killer(patch, point)
            try:
                FolderPortal(root).apply(versions[1:], silent, raise_it, SMALLER)
            except Killed:
                points += 1
            else:
                break
            assert killer.count == point
        assert places.tree(root / "datasets/places") in seen
        FolderPortal(root).apply(versions[1:], silent, raise_it, SMALLER)
        assert public(root) == public(new)
        assert FolderPortal(root).plan(versions[1:], SMALLER).changes == ()
    assert points > 80 / every


# --- the pages ------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Checks nesting and collects what matters."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.data = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["script"]:
            self.data.append(data)


@pytest.fixture(scope="module")
def hostile_portal(tmp_path_factory):
    """A portal whose every text tries to get out of its place."""
    evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"
    home = Home(tmp_path_factory.mktemp("hostile"))
    fields = [{**places.ENTRY["fields"][0], "title": evil, "description": evil}, *places.ENTRY["fields"][1:]]
    dataset = places.declaration(
        title=evil,
        description=evil,
        usage_warnings=[evil],
        attribution=evil,
        licence={"id": "CC-BY-4.0", "title": evil, "url": "javascript:alert(1)"},
        keywords=[evil],
        publisher={"name": "town", "title": evil},
        contact={"name": evil, "email": evil},
        fields=fields,
    )
    table = [(evil, n, "javascript:alert(1)", "climate", None, None, None, None, None) for n in range(3)]
    made = places.release(home, table, dataset=dataset)
    root = tmp_path_factory.mktemp("portal")
    FolderPortal(root).apply([places.wanted(home, made, dataset=dataset)], silent, raise_it)
    return root


@pytest.mark.parametrize(
    "name",
    ["index.html", "fi/index.html", "datasets/index.html", "search/index.html", "datasets/places/index.html"],
)
def test_hostile_texts_stay_texts(hostile_portal, name):
    page = Page((hostile_portal / name).read_text())
    assert not {"img", "iframe", "object"} & set(page.tags)
    assert page.tags.count("form") == 1
    scripts = [value for tag, attribute, value in page.attributes if (tag, attribute) == ("script", "src")]
    data = ("script", "type", "application/ld+json")  # read, not run
    assert len(scripts) == page.tags.count("script") - page.attributes.count(data)
    assert not [a for a in page.attributes if a[1].startswith("on") or a[1] == "style"]
    links = [value for tag, attribute, value in page.attributes if attribute in ("href", "src")]
    assert not [link for link in links if link.startswith("javascript:")]
    assert any("<script>alert(1)</script>" in text for text in page.data) or name.startswith("questions")
    assert not any("49" in text and "alert" in text for text in page.data)


def test_hostile_texts_stay_texts_in_scripts_and_feeds(hostile_portal):
    for path in hostile_portal.glob("search/*.js"):
        text = path.read_text()
        assert not set("<>&") & set(text)
        content = json.loads(text.removeprefix("window.opendistrictIndex=").rstrip().rstrip(";"))
        assert any("<script>" in entry[1] for entry in content["entries"])
    for path in (*hostile_portal.rglob("feed.xml"),):
        assert ElementTree.fromstring(path.read_text()).tag.endswith("feed")


def test_the_policy_lets_nothing_in_but_the_portals_own_files(hostile_portal):
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    for path in hostile_portal.rglob("index.html"):
        text = path.read_text()
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy
        assert policy[1].replace("&#39;", "'") == POLICY
        assert "<style" not in text


def test_pages_can_be_read_by_everyone(tmp_path, versions):
    FolderPortal(tmp_path).apply(versions[1:], silent, raise_it, SMALLER)
    for path in tmp_path.rglob("*.html"):
        page = Page(path.read_text())
        own = "fi" if "fi" in path.relative_to(tmp_path).parts else "en"
        assert ("html", "lang", own) in page.attributes
        assert page.tags.count("h1") == page.tags.count("main") == 1
        drawings = [a for a in page.attributes if a[0] == "svg" and a[1] in ("aria-label", "aria-hidden")]
        assert len(drawings) == page.tags.count("svg")
        for link in [v for tag, a, v in page.attributes if a in ("href", "src") and ":" not in v and v[0] != "#"]:
            assert (path.parent / link.partition("#")[0].partition("?")[0]).resolve().is_file(), (path, link)
    text = " ".join(Page((tmp_path / "datasets/places/index.html").read_text()).data)
    for part in (
        "Before you use it",
        "Data dictionary",
        "What changed",
        "Sources and terms",
        "1 March 2026",
        "20",
    ):
        assert part in text


def test_pages_do_not_hold_the_day_or_the_machine(tmp_path, versions):
    FolderPortal(tmp_path / "a").apply(versions[1:], silent, raise_it, SMALLER)
    FolderPortal(tmp_path / "b").apply(versions[1:], silent, raise_it, SMALLER)
    assert public(tmp_path / "a") == public(tmp_path / "b")
    for path, content in public(tmp_path / "a").items():
        assert str(tmp_path).encode() not in content, path
        if path.endswith((".html", ".jsonld", ".json")):
            assert dt.date.today().isoformat().encode() not in content, path


def test_the_catalogue_speaks_dcat(tmp_path, versions):
    FolderPortal(tmp_path, base_url="https://data.town.example").apply(versions[1:], silent, raise_it, SMALLER)
    content = json.loads((tmp_path / "catalog.jsonld").read_text())
    assert content["@type"] == "dcat:Catalog"
    (dataset,) = content["dcat:dataset"]
    assert dataset["@id"] == "https://data.town.example/datasets/places/"
    assert {"dct:title", "dct:description", "dct:publisher", "dcat:contactPoint", "dcat:theme"} <= set(dataset)
    csv = next(d for d in dataset["dcat:distribution"] if d["dct:title"]["@value"] == "CSV")
    assert csv["dcat:accessURL"] == {"@id": "https://data.town.example/datasets/places/places.csv"}
    assert csv["dct:license"]["@id"] == "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0"


def test_a_dataset_nobody_asked_for_stays(tmp_path, versions):
    portal = FolderPortal(tmp_path)
    portal.apply(versions[1:], silent, raise_it, SMALLER)
    expected = public(tmp_path)
    assert portal.plan([]).changes == ()
    portal.apply([], silent, raise_it)
    assert public(tmp_path) == expected


# --- what a page says of what it shows ------------------------------------------------------------------


def shown(table, fields, data_date=dt.date(2026, 6, 30), folder=None):
    """The notes under the charts of a dataset with these fields and rows."""
    dataset = places.declaration(fields=[places.ENTRY["fields"][0], *fields], primaryKey=["code"])
    home = Home(folder)
    made = places.release(home, [(f"{n:03d}", *row) for n, row in enumerate(table)], dataset=dataset)
    file = release.release_folder(home, made) / "places.parquet"
    with rows_of(dataset.table, file) as connection:
        drawn, _ = charts.draw(connection, dataset.table, data_date, Speaker())
    return [(chart.caption.title, chart.caption.note) for chart in drawn]


STARTS = {"name": "start_date", "title": "Starts", "type": "date"}
THEME = {"name": "theme_code", "title": "Theme", "constraints": {"codeList": "themes"}}
YEAR = {"name": "year", "title": "Year", "type": "year"}
COUNT = {"name": "gone_count", "title": "Gone", "type": "integer"}


def test_a_chart_over_time_says_how_many_rows_it_shows(tmp_path):
    days = [dt.date(1950, 1, 1), *[dt.date(2019 + n % 3, 1, 1) for n in range(35)], *[None] * 27]
    assert shown([(day,) for day in days], [STARTS], folder=tmp_path / "a") == [
        ("Rows by year: starts", "35 of 63 rows; not shown: 1 from before 1992, 27 without this date.")
    ]
    days = [dt.date(2019 + n % 3, 1, 1) for n in range(35)]
    assert shown([(day,) for day in days], [STARTS], folder=tmp_path / "b") == [
        ("Rows by year: starts", "All 35 rows.")
    ]


def test_bars_say_how_many_rows_they_show(tmp_path):
    codes = list(reference.code_lists()["themes"].codes)[:10]
    table = [(code,) for place, code in enumerate(codes) for _ in range(20 - place)] + [(None,)] * 3
    assert shown(table, [THEME], folder=tmp_path) == [
        ("Rows by theme", "132 of 158 rows; not shown: 23 in 2 more codes, 3 without one.")
    ]


def test_sums_say_which_years_are_unknown(tmp_path):
    table = [(2024, None), (2024, 1), (2025, 2), (2026, 3), (None, 4)]
    assert shown(table, [YEAR, COUNT], folder=tmp_path) == [
        (
            "Gone",
            "Sum over the rows of each year. 2 of 5 rows; not shown: 2 in 2024, whose sum is unknown, 1 without a"
            " year. 2026 is not over.",
        )
    ]


def test_what_changes_holds_is_said_wherever_it_is_offered(tmp_path, versions):
    first, second = versions
    for wanted, title, text in (
        (first, "Changes", "this is the first version"),
        (second, "Changes since 2026-02-01", "What differs from version 2026-02-01, value by value; not what"),
    ):
        (changes,) = [resource for resource in wanted.resources if resource.key == "changes"]
        (described,) = [one for one in wanted.metadata["resources"] if one["path"] == "changes.csv"]
        assert changes.title == described["title"] == title
        assert changes.description == described["description"]
        assert text in changes.description
        FolderPortal(tmp_path / wanted.release.version).apply([wanted], silent, raise_it)
        page = " ".join(Page((tmp_path / wanted.release.version / "datasets/places/index.html").read_text()).data)
        assert changes.description in page
        assert changes.description in (tmp_path / wanted.release.version / "catalog.jsonld").read_text()
