"""Workbooks from any store that has an address: known without reading, copied byte for byte, within limits."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sources import NothingThereError, PullRequest, SourceError, stores
from sources.download_limits import DownloadLimits
from sources.stores import copy, is_store
from sources.workbooks import inbox
from sources.workbooks.inbox import pull
from tests import workbook_factory as factory
from warehouse.archive import Archive
from warehouse.home import Home
from warehouse.progress import silent

DAY = date(2026, 3, 1)
LIMITS = DownloadLimits(max_bytes=1000, deadline_seconds=60)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def memory():
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/", recursive=True)


@pytest.fixture
def book(tmp_path):
    return factory.good_workbook(tmp_path / "pilots.xlsx").read_bytes()


def put(store, path, content, age_hours=0):
    store.pipe_file(path, content)
    store.store[path].created = datetime(2026, 2, 1, tzinfo=UTC) - timedelta(hours=age_hours)


def asked(home, origin, day=DAY, **more):
    return PullRequest(home, factory.declaration(), origin, day, **more)


def test_a_file_is_kept_byte_for_byte_and_not_read_again_while_it_is_the_same(home, memory, book, monkeypatch):
    put(memory, "/club/pilots.xlsx", book)
    first = pull(asked(home, "memory://club/pilots.xlsx"))
    assert [path.read_bytes() for path in first.paths()] == [book]
    assert (first.origin, first.files[0].name) == ("memory://club/pilots.xlsx", "pilots.xlsx")
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "open", lambda *_, **__: pytest.fail("it was read again"))
        assert pull(asked(home, "memory://club/pilots.xlsx", date(2026, 3, 2))) == first
    put(memory, "/club/pilots.xlsx", book, age_hours=-1)  # written again, with the same in it
    assert pull(asked(home, "memory://club/pilots.xlsx", date(2026, 3, 3))) == first
    put(memory, "/club/pilots.xlsx", book + b" ", age_hours=-2)
    changed = pull(asked(home, "memory://club/pilots.xlsx", date(2026, 3, 4)))
    assert (changed.date, changed.paths()[0].read_bytes()) == (date(2026, 3, 4), book + b" ")


def test_of_a_folder_the_newest_workbook_is_taken_and_nothing_from_below(home, memory, book):
    put(memory, "/club/old.xlsx", b"old", age_hours=5)
    put(memory, "/club/new 3#.xlsx", book, age_hours=1)
    put(memory, "/club/notes.txt", b"no workbook")
    put(memory, "/club/~$new.xlsx", b"a lock")
    put(memory, "/club/below/newer.xlsx", b"newer")
    found = pull(asked(home, "memory://club"))
    assert [(file.name, path.read_bytes()) for file, path in zip(found.files, found.paths(), strict=True)] == [
        ("new 3_.xlsx", book)
    ]


def test_of_a_folder_of_tables_as_csv_the_newest_of_each_is_taken(home, memory):
    put(memory, "/club/pilots.csv", b"a", age_hours=1)
    put(memory, "/club/rounds.csv", b"b", age_hours=9)
    found = pull(asked(home, "memory://club/"))
    assert [file.name for file in found.files] == ["pilots.csv", "rounds.csv"]


def test_a_store_on_this_machine_has_an_address_too(home, tmp_path, book):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "pilots.xlsx").write_bytes(book)
    found = pull(asked(home, folder.as_uri()))
    assert found.paths()[0].read_bytes() == book
    assert pull(asked(home, f"{folder.as_uri()}/pilots.xlsx", date(2026, 3, 2))) == found


def test_a_backfill_takes_the_workbook_of_its_day(home, memory, book):
    put(memory, "/club/pilots-2026-03-01.xlsx", book, age_hours=9)
    put(memory, "/club/pilots-2026-04-01.xlsx", b"later")
    assert pull(asked(home, "memory://club", of_day=True)).files[0].name == "pilots-2026-03-01.xlsx"


def test_an_empty_folder_is_no_failure_and_no_folder_is_one(home, memory):
    memory.mkdir("/empty")
    with pytest.raises(NothingThereError, match="no workbook in memory://empty"):
        pull(asked(home, "memory://empty"))
    with pytest.raises(SourceError, match=r"memory://nowhere/x\.xlsx does not exist"):
        pull(asked(home, "memory://nowhere/x.xlsx"))


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("nope://bucket/x.xlsx", "there is no store nope://"),
        ("s3://bucket/x.xlsx", "not installed here: Install s3fs"),
        ("sftp://host/x.xlsx", "not installed here: .*paramiko"),
        ("sftp://anna:hunter2@host/x.xlsx", "no user or key"),
        ("s3://bucket/x.xlsx?secret=hunter2", "no user or key"),
        ("simplecache::https://example.org/x.xlsx", "no address within another"),
        ("ftp://127.0.0.1:1/x.xlsx", "cannot be had"),
    ],
)
def test_what_cannot_be_reached_is_said_without_what_nobody_may_see(home, origin, said):
    with pytest.raises(SourceError, match=said) as told:
        pull(asked(home, origin))
    assert "hunter2" not in str(told.value)
    assert not list(Archive(home, "agile_pilots").folder.glob("*"))


def test_only_what_is_no_address_of_the_web_is_a_store():
    assert [is_store(one) for one in ("s3://a/b", "HTTPS://a/b", "http://a/b", "a/b.xlsx", "C:\\b")] == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_file_that_is_too_large_is_given_up_in_the_middle(memory, tmp_path, monkeypatch):
    put(memory, "/big.xlsx", b"x" * 1001)
    with pytest.raises(SourceError, match="more than 1,000 bytes"):
        copy("memory://big.xlsx", tmp_path / "big", noted=None, limits=LIMITS, progress=silent)
    slow = DownloadLimits(max_bytes=2000, deadline_seconds=-1)
    with pytest.raises(SourceError, match="did not come within") as told:
        copy("memory://big.xlsx", tmp_path / "big", noted=None, limits=slow, progress=silent)
    assert told.value.is_transient
    assert not (tmp_path / "big").exists()
    monkeypatch.setattr(stores, "_MOST_FILES", 1)
    put(memory, "/folder/a", b"")
    put(memory, "/folder/b", b"")
    with pytest.raises(SourceError, match="too many for a folder"):
        stores.stored("memory://folder")


class Restless(MemoryFileSystem):
    """Files that are written to while they are read, that stop short, or that break."""

    protocol = "restless"
    store = MemoryFileSystem.store

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("restless://"))

    def info(self, path, **_):
        found = super().info(path)
        if "short" in path:
            found["size"] += 1
        if "growing" in path:
            self.looks = getattr(self, "looks", 0) + 1
            found["created"] = str(self.looks)
        if "silent" in path:
            del found["created"]
        return found

    def _open(self, path, *arguments, **more):
        if "broken" in path:
            raise ConnectionResetError("reset by s3://key:hunter2@peer")
        if "forbidden" in path:
            raise PermissionError("no rights for s3://key:hunter2@peer")
        return super()._open(path, *arguments, **more)


@pytest.mark.parametrize(
    ("name", "said", "is_transient"),
    [
        ("growing", "changed while it was copied", True),
        ("short", "changed while it was copied", True),
        ("broken", "cannot be had: reset by", True),
        ("forbidden", "may not be read: no rights for", False),
    ],
)
def test_a_copy_that_may_not_be_whole_is_none(memory, tmp_path, name, said, is_transient):
    fsspec.register_implementation("restless", Restless, clobber=True)
    put(memory, f"/{name}.xlsx", b"x")
    with pytest.raises(SourceError, match=said) as told:
        copy(f"restless://{name}.xlsx", tmp_path / "copy", noted=None, limits=LIMITS, progress=silent)
    assert told.value.is_transient is is_transient
    assert "hunter2" not in str(told.value)
    assert not (tmp_path / "copy").exists()


def test_a_store_that_tells_nothing_but_sizes_is_read_every_time(memory, tmp_path):
    fsspec.register_implementation("restless", Restless, clobber=True)
    put(memory, "/silent.xlsx", b"x")
    given = {"limits": LIMITS, "progress": silent}
    first = copy("restless://silent.xlsx", tmp_path / "copy", noted=None, **given)
    assert first.token == {"size": 1}
    assert copy("restless://silent.xlsx", tmp_path / "copy", noted=first.token, **given) is not None


def test_what_is_noted_of_a_store_holds_no_credentials(home, memory, book, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "memory", {"secret": "hunter2"})
    put(memory, "/club/pilots.xlsx", book)
    snapshot = pull(asked(home, "memory://club/pilots.xlsx"))
    noted = Archive(home, "agile_pilots").folder.rglob("*.json")
    assert not any("hunter2" in json.dumps(path.read_text(encoding="utf-8")) for path in noted)
    assert Path(snapshot.folder).is_dir()


def test_a_workbook_larger_than_people_keep_is_refused(home, memory, monkeypatch):
    monkeypatch.setattr(inbox, "MAX_BYTES", 3)
    put(memory, "/club/pilots.xlsx", b"1234")
    with pytest.raises(SourceError, match="more than 3 bytes"):
        pull(asked(home, "memory://club/pilots.xlsx"))
