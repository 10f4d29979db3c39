"""Versions that need no longer be kept leave; what is asked of them afterwards is answered in words."""

import json
import shutil
from datetime import date

import pytest
from typer.testing import CliRunner

from flows import pruning
from flows.cli import app
from flows.declarations import Declarations
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from publish.release import Draft, desired_dataset, make_release
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files, stamps
from warehouse import frames, ledger
from warehouse.database import opened
from warehouse.declarations import quote
from warehouse.pruned import pruned
from warehouse.releases import NotReleasedError
from warehouse.store import reader

NAME = "agile-pilots"
FIRST, GOES, MONTH, LAST = (date(2025, 1, 5), date(2025, 1, 10), date(2025, 1, 20), date(2025, 6, 1))


def released(settings, day, numbers):
    """Release pilots of these numbers as of a day, as a night would."""
    declared = Declarations.read()
    dataset = declared.datasets[NAME]
    columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in dataset.table.fields)
    settings.home.root.mkdir(exist_ok=True)
    with opened(settings.home.warehouse, temporary=settings.home.temporary) as connection:
        ledger.create_ledger(connection)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows ({columns})")
        listed = ", ".join(f"('AP-{number}', 'Pilot {number}')" for number in numbers)
        connection.execute(f"INSERT INTO rows (pilot_id, pilot_name) VALUES {listed}")
        releases = ledger.releases(connection, NAME)
        made = make_release(connection, Draft(dataset, "rows", day, releases), settings.home)
        ledger.record_release(connection, made, "r")
    return made


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A home with four versions, of which one may go."""
    settings = nights.settings_of(tmp_path_factory.mktemp("before") / "home")
    for day, count in ((FIRST, 3), (GOES, 4), (MONTH, 5), (LAST, 6)):
        released(settings, day, range(1, count + 1))
    return settings.home.root


@pytest.fixture
def full(before, tmp_path):
    """A copy of it."""
    shutil.copytree(before, tmp_path / "home")
    return nights.settings_of(tmp_path / "home")


@pytest.fixture
def settings(full):
    """A copy of it from which that one left."""
    pruning.prune(full.home, looked_at(full), LAST)
    return full


def looked_at(settings):
    return pruning.look_through(settings, Declarations.read(), [NAME], LAST)


def versions(settings):
    return sorted(path.name for path in (settings.home.releases / NAME).iterdir())


def test_what_left_is_remembered(settings):
    assert versions(settings) == [str(FIRST), str(MONTH), str(LAST)]
    assert [(one.version, one.day) for one in pruned(settings.home)] == [(str(GOES), str(LAST))]
    with reader(settings.home) as connection:
        releases = ledger.releases(connection, NAME)
    assert [one.version for one in releases] == list(map(str, (FIRST, GOES, MONTH, LAST)))
    shown = desired_dataset(Declarations.read().datasets[NAME], releases[-1], releases, settings.home)
    assert f"## {GOES}" in shown.changelog
    assert [one.release.version for one in shown.versions] == list(map(str, (LAST, MONTH, FIRST)))
    standing = stamps(settings.home.root)
    pruning.prune(settings.home, looked_at(settings), LAST)
    assert stamps(settings.home.root) == standing


def test_a_night_deletes_what_may_go_and_compares_with_what_is_kept(full):
    origin = full.home.root.parent / "a.xlsx"
    rows = [factory.pilot(number) for number in range(1, 4)]
    factory.save(origin, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})
    outcome = nights.run(full, LAST, {"agile_pilots": origin}, (NAME,), (NAME,))
    assert outcome.pruned == {NAME: (str(GOES),)}
    with reader(full.home) as connection:
        assert ledger.runs(connection, full.home)[-1].run_id == outcome.run_id
    again = nights.run(full, LAST, {"agile_pilots": origin}, (NAME,), (NAME,))
    assert (again.pruned, again.portal.writes) == ({}, 0)
    # data of a day whose version left
    factory.save(origin, {"Pilots": factory.table(rows[:2]), "Rounds": factory.table([factory.ROUND])})
    nights.run(full, date(2025, 1, 12), {"agile_pilots": origin}, (NAME,), (NAME,))
    with reader(full.home) as connection:
        made = {one.version: one for one in ledger.releases(connection, NAME)}
    assert made["2025-01-12"].previous_version == str(FIRST)


def test_the_only_version_with_a_row_that_the_latest_lacks_stays(full):
    released(full, LAST, [1, 2, 3, 4, 6])  # 2025-06-01.2 lacks the fifth
    (looked,) = looked_at(full)
    assert [one.version for one in looked.goes] == [str(GOES)]
    released(full, LAST, [1, 2, 3, 6])
    released(full, LAST, [1, 2, 3, 6, 7])
    (looked,) = pruning.look_through(full, Declarations.read(), [NAME], date(2025, 12, 1))
    assert {one.version for one in looked.goes} == {str(GOES), str(LAST), f"{LAST}.2"}
    assert looked.stays[f"{LAST}.3"] == "the latest is compared with it"
    released(full, date(2025, 1, 31), [1, 2, 3])
    (looked,) = pruning.look_through(full, Declarations.read(), [NAME], date(2025, 12, 1))
    assert {one.version for one in looked.goes} == {str(GOES), str(MONTH), f"{LAST}.2"}
    assert looked.stays[str(LAST)] == "no other one that is kept has 2 of its rows, which the latest lacks"


def test_as_of_a_version_that_left_names_those_that_are_there(settings):
    assert len(frames.read(NAME, home=settings.home, as_of="2025-01-09")) == 3
    with pytest.raises(NotReleasedError) as told:
        frames.read(NAME, home=settings.home, as_of="2025-01-12")
    assert "2025-01-10 is no longer kept" in str(told.value)
    assert "the next one that is kept is 2025-01-20" in str(told.value)
    assert "the one before it that is kept is 2025-01-05" in str(told.value)


def test_a_warehouse_made_anew_remembers_the_versions_that_left(settings):
    released = files(settings.home.releases)
    with Direct() as runner:
        done = rebuild_warehouse(Run(settings, RunRequest(LAST, {}), runner))
    assert (done.refused, done.releases) == ({}, 4)
    assert files(settings.home.releases) == released
    with reader(settings.home) as connection:
        there = [one.version for one in ledger.releases(connection, NAME)]
    assert there == list(map(str, (FIRST, GOES, MONTH, LAST)))


@pytest.mark.parametrize("step", ["rename", "rmtree"])
def test_killed_half_way_the_next_run_completes_it(full, monkeypatch, step):
    looked = looked_at(full)

    class KilledError(Exception):
        pass

    def killed(*_, **__):
        raise KilledError

    with monkeypatch.context() as patch:
        if step == "rename":
            patch.setattr("pathlib.Path.rename", killed)
        else:
            patch.setattr(pruning.shutil, "rmtree", killed)
        with pytest.raises(KilledError):
            pruning.prune(full.home, looked, LAST)
    assert json.loads((full.home.root / "pruned.json").read_text())[0]["version"] == str(GOES)
    full.home.sweep()
    pruning.prune(full.home, looked_at(full), LAST)
    assert versions(full) == [str(FIRST), str(MONTH), str(LAST)]
    assert len(pruned(full.home)) == 1


def test_a_version_that_is_missing_and_was_not_deleted_lets_nothing_go(full):
    shutil.rmtree(full.home.releases / NAME / str(MONTH))
    (looked,) = looked_at(full)
    assert looked.goes == ()
    assert "are missing" in looked.stays[str(GOES)]


# --- the commands -----------------------------------------------------------------------------------


def command(home, *arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"OPENDISTRICT_HOME": str(home)})
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def test_prune_tells_why_each_version_stays_and_deletes_only_when_told(full):
    home = full.home.root
    standing = files(home)
    told = command(home, "prune", "--dataset", NAME, "--dry-run")
    assert f"would be deleted: {GOES}" in told
    assert f"stays: {MONTH}: the latest is compared with it" in told
    assert f"stays: {FIRST}: the first, before which there is nothing" in told
    assert files(home) == standing
    (looked,) = json.loads(command(home, "prune", "--dataset", NAME, "--json"))
    assert looked["goes"] == [str(GOES)]
    assert looked["bytes"] > 0
    assert "0 deleted" in command(home, "prune", "--dataset", NAME)


def test_changes_since_a_version_as_a_file_with_the_lines_that_apply_it(settings, tmp_path):
    printed = command(settings.home.root, "changes", NAME, "--since", FIRST)
    assert printed.startswith("_removed,pilot_id,")
    told = command(settings.home.root, "changes", NAME, "--since", FIRST, "-o", tmp_path / "since.csv")
    assert "3 added" in told
    assert "pd.read_csv" in told
    assert (tmp_path / "since.csv").read_text() == printed
    found = json.loads(command(settings.home.root, "changes", NAME, "--since", MONTH, "--json"))
    assert (found["added"], found["changed"], found["removed"]) == (1, 0, 0)


def test_changes_since_a_version_that_left_or_never_was(settings):
    with pytest.raises(NotReleasedError, match="next one that is kept is 2025-01-20"):
        CliRunner().invoke(
            *(app, ["changes", NAME, "--since", str(GOES)]),
            env={"OPENDISTRICT_HOME": str(settings.home.root)},
            catch_exceptions=False,
        )
    with pytest.raises(NotReleasedError, match="has no version 2020; those that are kept"):
        CliRunner().invoke(
            *(app, ["changes", NAME, "--since", "2020"]),
            env={"OPENDISTRICT_HOME": str(settings.home.root)},
            catch_exceptions=False,
        )
