"""A release made again from the raw archive is byte for byte what was released, or it is said why it cannot be."""

import json
import shutil
from dataclasses import replace
from datetime import date

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.comparing_files import compare
from flows.declarations import Declarations
from flows.made_of import keep_made_of, kept_made_of
from flows.pruning import Looked, prune
from flows.rebuild import rebuild_warehouse
from flows.rebuilding_release import in_words_of, rebuild_release
from flows.run import Direct, Run, RunRequest
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files, stamps
from warehouse import ledger
from warehouse.home import Home
from warehouse.releases import NotReleasedError
from warehouse.store import reader

NAME = "agile-pilots"
OTHER_WORDS = (
    "not as it was when 2025-01-05 was released: its catalogue entry. Its bytes can be proved with the program and"
    " the declarations of then only"
)
DAYS = (date(2025, 1, 5), date(2025, 1, 10), date(2025, 6, 1))


def workbook(path, numbers):
    rows = [factory.pilot(number) for number in numbers]
    return factory.save(path, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A home after two nights."""
    return nights_of(tmp_path_factory.mktemp("lived"), (0, 1))


@pytest.fixture(scope="module")
def lived_long(tmp_path_factory):
    """A home after three nights, the data of the second of which came last."""
    return nights_of(tmp_path_factory.mktemp("long"), (0, 2, 1))


def nights_of(folder, numbers):
    settings = nights.settings_of(folder / "home")
    for number in numbers:
        path = workbook(folder / f"{number}.xlsx", range(1, 4 + number))
        nights.run(settings, DAYS[number], {"agile_pilots": path}, (NAME,))
    return settings.home.root


@pytest.fixture
def settings(lived, tmp_path):
    shutil.copytree(lived, tmp_path / "home")
    return nights.settings_of(tmp_path / "home")


@pytest.fixture
def long_settings(lived_long, tmp_path):
    shutil.copytree(lived_long, tmp_path / "long")
    return nights.settings_of(tmp_path / "long")


def rebuilt(settings, version, into=None, declared=None):
    with Direct() as runner:
        declarations = declared or Declarations.read()
        run = Run(settings, RunRequest(date(2025, 7, 1), {}), runner, declarations=declarations)
        return rebuild_release(run, NAME, str(version), into)


def retitled():
    """What is declared, with another title."""
    declared = Declarations.read()
    dataset = declared.datasets[NAME]
    entry = dataset.entry.model_copy(update={"title": "Other words"})
    return replace(declared, datasets={**declared.datasets, NAME: replace(dataset, entry=entry)})


def test_it_is_the_same_and_the_home_is_only_read(lived):
    settings = nights.settings_of(lived)
    before = stamps(lived), files(lived)
    proof = rebuilt(settings, DAYS[1])
    assert (proof.is_proven, proof.reasons, proof.damaged) == (True, (), ())
    assert proof.notes == ("compared with 2025-01-05 as it stands in the home, all its files having their sums",)
    said = in_words_of(proof)
    names = {path.name for path in (settings.home.releases / NAME / str(DAYS[1])).iterdir()}
    assert said[-2] == f"All {len(names)} files are byte for byte those of agile-pilots 2025-01-10."
    assert {line.split("  ")[1] for line in said[: len(names)]} == names
    assert (stamps(lived), files(lived)) == before


@pytest.mark.prove
def test_data_that_came_late_are_put_between(long_settings):
    assert [rebuilt(long_settings, day).is_proven for day in DAYS] == [True, True, True]


@pytest.mark.prove
def test_one_that_is_no_longer_kept_is_made_again_and_put_where_it_is_wanted(long_settings, tmp_path):
    settings = long_settings
    kept = files(settings.home.releases / NAME / str(DAYS[1]))
    with reader(settings.home) as connection:
        goes = [one for one in ledger.releases(connection, NAME) if one.version == str(DAYS[1])]
    prune(settings.home, [Looked(NAME, {}, tuple(goes))], DAYS[2])
    arguments = ["rebuild", NAME, str(DAYS[1]), "--into", str(tmp_path / "again")]
    done = CliRunner().invoke(app, arguments, env={"OPENDISTRICT_HOME": str(settings.home.root)})
    assert done.exit_code == 0, done.output
    assert "byte for byte" in done.output
    assert files(tmp_path / "again" / str(DAYS[1])) == kept


@pytest.mark.prove
def test_what_is_declared_otherwise_now_is_named(settings):
    proof = rebuilt(settings, DAYS[0], declared=retitled())
    assert not proof.is_proven
    assert proof.reasons == (OTHER_WORDS,)
    differing = {file.name: file.difference for file in proof.files if not file.is_same}
    assert "datapackage.json" in differing
    assert f"{NAME}.csv" not in differing
    assert "; line " in differing["datapackage.json"]


@pytest.mark.prove
@pytest.mark.parametrize("lost", ["warehouse.duckdb", "made_of"])
def test_a_home_that_was_moved_and_whose_warehouse_was_made_anew_says_the_same(settings, lost):
    place = settings.home.root / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with Direct() as runner:
        assert rebuild_warehouse(Run(settings, RunRequest(date(2025, 7, 1), {}), runner)).refused == {}
    assert [rebuilt(settings, day).is_proven for day in DAYS[:2]] == [True, True]
    proof = rebuilt(settings, DAYS[0], declared=retitled())
    assert proof.reasons == (OTHER_WORDS,)


def test_what_a_release_was_made_of_is_noted_twice_without_a_path(lived, tmp_path):
    home, day = Home(lived), str(DAYS[1])
    with reader(home) as connection:
        noted = ledger.made_of(connection, NAME, day)
        keep_made_of(connection, Home(tmp_path), NAME, day)  # an earlier program noted it here only
    assert noted is not None
    assert noted == kept_made_of(home, NAME, day) == kept_made_of(Home(tmp_path), NAME, day)
    assert "/" not in json.dumps(noted)
    assert files(tmp_path / "made_of") == files(home.made_of)
    for damaged in ("", "[]", '{"snapshots": [[1]], "declared": {}}', '{"snapshots": 1, "declared": {}}'):
        (tmp_path / "made_of" / NAME / f"{day}.json").write_text(damaged)
        assert kept_made_of(Home(tmp_path), NAME, day) is None


def test_raw_files_that_are_gone_or_damaged_are_named_and_nothing_is_renamed(settings):
    (folder, *_) = sorted((settings.home.raw / "agile_pilots").glob("2025-01-05-*"))
    (raw,) = folder.glob("*.xlsx")
    raw.write_bytes(raw.read_bytes() + b" ")
    before = stamps(settings.home.root)
    proof = rebuilt(settings, DAYS[1])
    assert (proof.is_proven, proof.files) == (False, ())
    assert "have another sum than noted" in proof.reasons[0]
    assert stamps(settings.home.root) == before
    shutil.rmtree(folder)
    assert "are not in" in rebuilt(settings, DAYS[1]).reasons[0]
    assert in_words_of(rebuilt(settings, DAYS[1]))[0] == "agile-pilots 2025-01-10 cannot be made again:"


def test_files_that_are_deleted_by_a_date_or_lack_a_person_are_named(settings):
    (manifest,) = (settings.home.raw / "agile_pilots").glob("2025-01-05-*/manifest.json")
    content = json.loads(manifest.read_text())
    content["files"][0]["erased"] = "2025-03-01"
    manifest.write_text(json.dumps(content))
    assert "may no longer be kept, and were deleted" in rebuilt(settings, DAYS[0]).reasons[0]
    content["files"][0] |= {
        "erased": None,
        "lacking": {"asked": ["2025-03-01"], "sums": [content["files"][0]["sha256"]]},
    }
    manifest.write_text(json.dumps(content))
    assert "people asked to have their records erased" in rebuilt(settings, DAYS[0]).reasons[0]


def test_a_version_that_never_was(settings):
    with pytest.raises(
        NotReleasedError, match="has no version 2020; released were, newest first: 2025-01-10, 2025"
    ):
        rebuilt(settings, "2020")


@pytest.mark.prove
def test_a_release_of_which_nothing_was_noted_and_whose_file_was_changed(settings):
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("UPDATE ledger.releases SET made_of = NULL")
    csv = settings.home.releases / NAME / str(DAYS[0]) / f"{NAME}.csv"
    csv.write_text(csv.read_text() + " ")
    proof = rebuilt(settings, DAYS[0])
    assert proof.is_proven
    assert proof.damaged
    assert in_words_of(proof)[-1].startswith("DAMAGED in the home: agile-pilots.csv")


def test_the_first_difference_is_told(tmp_path):
    then, now = tmp_path / "then", tmp_path / "now"
    for folder in (then, now):
        folder.mkdir()
    for name, old, new in (
        ("a.json", "1\n2\n", "1\n3\n"),
        ("b.parquet", "abc", "abd"),
        ("c.csv", "1\n", "1\n2\n"),
        ("d.csv", "1", None),
        ("same.csv", "x", "x"),
    ):
        (then / name).write_text(old)
        if new is not None:
            (now / name).write_text(new)
    (now / "e.csv").write_text("")
    texts = {path.name: path.read_text() for path in then.iterdir()}
    found = {file.name: file.difference for file in compare(now, {}, texts, then)}
    assert found["a.json"].endswith("line 2 was '2\\n' and is '3\\n'")
    assert found["b.parquet"].endswith("they differ from byte 2 on")
    assert found["c.csv"].endswith("there is more in it: '2\\n'")
    assert found["d.csv"] == "it is not made any more"
    assert found["e.csv"] == "it was not in the release"
    assert found["same.csv"] == ""
