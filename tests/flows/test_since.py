"""A source that delivers changes is asked for those since the last data that were taken in; no other is."""

from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

import sources
from flows import steps
from flows.backfill import backfill
from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import DONE, HELD
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import NothingThereError, Reading
from sources.loading import arrow_schema
from warehouse.archive import Archive
from warehouse.declarations import SourceDeclaration, parse
from warehouse.home import Home
from warehouse.store import reader


def declared(*deliveries):
    tables = [
        {
            "name": f"things_{number}",
            "title": "Things",
            "each_row_is_a": "thing",
            "primaryKey": ["code"],
            "delivery": delivery,
            "fields": [
                {"name": "code", "title": "Code"},
                {"name": "size", "title": "Size", "type": "integer", "severity": "critical"},
            ],
        }
        for number, delivery in enumerate(deliveries, start=1)
    ]
    content = {
        "name": "things",
        "title": "Things",
        "publisher": "opendistrict",
        "licence": "CC0-1.0",
        "attribution": "Nobody",
        "cadence": "irregular",
        "tables": tables,
    }
    return parse(SourceDeclaration, content, "test")


class Package:
    """Gives what is in ``things`` (code and size) as a snapshot, and notes since when it was asked."""

    def __init__(self):
        self.things = {}
        self.asked = []

    def pull(self, request):
        self.asked.append(request.since)
        if not self.things:
            raise NothingThereError("no changes")
        with request.home.workspace("things") as folder:
            built = folder / "files"
            built.mkdir()
            (built / "things.csv").write_text("".join(f"{code},{size}\n" for code, size in self.things.items()))
            archive = Archive(request.home, "things")
            return archive.keep(built, ["things.csv"], day=request.day, origin="things")

    def read(self, snapshot, declaration, workspace):
        lines = [line.split(",") for line in snapshot.paths()[0].read_text().splitlines()]
        rows = [
            {"code": code, "size": int(size), "_file": "things.csv", "_sheet": None, "_row": number}
            for number, (code, size) in enumerate(lines, start=1)
        ]
        return Reading(
            {table.name: pa.Table.from_pylist(rows, arrow_schema(table)) for table in declaration.tables}
        )


@pytest.fixture
def package(monkeypatch):
    package = Package()
    monkeypatch.setattr(
        sources, "package", lambda declaration: SimpleNamespace(pull=package.pull, read=package.read)
    )
    return package


class Nights:
    """Nights on one home, with a declaration of our own."""

    def __init__(self, home, declaration):
        self.settings = Settings(Home(home), str(home / "portal"))
        (home.parent / "root").mkdir()
        self.declarations = Declarations({"things": declaration}, {}, home.parent / "root")

    def run(self, day, runner):
        return Run(self.settings, RunRequest(day, {"things": None}), runner, declarations=self.declarations)

    def night(self, day):
        with Direct() as runner:
            return night(self.run(date(2026, 3, day), runner))

    def history(self):
        with reader(self.settings.home) as connection:
            return dict(
                connection.execute(
                    "SELECT code, size FROM history.things__things_1 WHERE _valid_to IS NULL ORDER BY code"
                ).fetchall()
            )


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path / "home", declared("changes"))


def test_changes_are_asked_for_since_what_was_taken_in(nights, package):
    package.things = {"a": 1, "b": 2}
    assert nights.night(1).exit_code == DONE
    assert nights.night(1).exit_code == DONE  # the same day again takes the place of what it brought
    package.things = {}
    assert [nights.night(day).sources[0].state for day in (2, 3)] == ["unchanged", "unchanged"]
    package.things = {"b": 3, "c": 4}
    assert nights.night(5).exit_code == DONE
    package.things = {}
    nights.night(6)
    first, fifth = date(2026, 2, 28), date(2026, 3, 4)
    assert package.asked == [None, None, first, first, first, fifth]
    assert nights.history() == {"a": 1, "b": 3, "c": 4}


def test_what_was_held_moves_nothing_on(nights, package):
    package.things = {"a": 1}
    nights.night(1)
    package.things = {"b": 3}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "stage", lambda *_: (_ for _ in ()).throw(sources.SourceError("no list")))
        assert nights.night(2).exit_code == HELD
    package.things = {"b": 3, "c": 4}
    assert nights.night(3).exit_code == DONE
    assert package.asked == [None, date(2026, 2, 28), date(2026, 2, 28)]
    assert nights.history() == {"a": 1, "b": 3, "c": 4}


def test_a_backfill_that_takes_files_in_asks_by_their_dates(nights, package, tmp_path):
    package.things = {"a": 1}
    nights.night(1)
    folder = tmp_path / "files"
    folder.mkdir()
    for day in ("2026-02-01", "2026-03-07"):
        (folder / f"things {day}.csv").touch()
    with Direct() as runner:
        run = nights.run(date(2026, 3, 9), runner).asking(sources={"things": str(folder)})
        backfill(run, date(2026, 2, 1), date(2026, 3, 9))
    assert package.asked == [None, None, date(2026, 2, 28)]


@pytest.mark.parametrize(
    ("deliveries", "asks"),
    [(("full",), False), (("append",), False), (("full", "append"), False), (("full", "changes"), True)],
)
def test_only_a_source_that_delivers_changes_is_asked_for_them(tmp_path, package, deliveries, asks):
    nights = Nights(tmp_path / "home", declared(*deliveries))
    package.things = {"a": 1}
    nights.night(1)
    package.things = {"b": 1}
    nights.night(2)
    assert package.asked == [None, date(2026, 2, 28) if asks else None]
