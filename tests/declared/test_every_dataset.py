"""What holds of every declared dataset: a new one is tested by being there."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from dev.questions import DAY
from flows import publishing
from flows.declarations import Declarations
from flows.settings import Settings
from tests.declared.test_every_source import faults_of_name
from warehouse import ledger
from warehouse.curate import curate, prepare
from warehouse.database import opened
from warehouse.declarations import Privacy
from warehouse.store import reader

DECLARED = Declarations.read()
SAY_IT_IN_THE_TITLE = {("tech-city-growth", "sector_title")}


@pytest.fixture(scope="module")
def said(samples_home):
    """By dataset, what a night of all samples said of it."""
    with reader(samples_home) as connection:
        (run,) = ledger.runs(connection, samples_home)
    return run.datasets


@pytest.mark.parametrize("name", DECLARED.datasets)
def test_its_columns_say_what_they_are_and_none_is_personal(name):
    for field in DECLARED.datasets[name].table.fields:
        assert field.title
        assert field.description or (name, field.name) in SAY_IT_IN_THE_TITLE
        assert field.privacy is Privacy.PUBLIC
        assert faults_of_name(field) == []


@pytest.mark.parametrize("name", DECLARED.datasets)
def test_it_says_where_and_when_its_rows_lie_and_whom_to_ask(name):
    entry = DECLARED.datasets[name].entry
    assert entry.district or entry.places
    assert entry.period
    assert entry.contact.email


@pytest.mark.parametrize("name", DECLARED.datasets)
def test_its_translations_are_of_the_words_as_they_are(name):
    for translation in DECLARED.datasets[name].translations:
        assert translation.stale == (), "translate it anew; python -m dev.translations says of which words"
        assert translation.title
        assert translation.description


@pytest.mark.parametrize("name", sorted(DECLARED.held_back))
def test_one_about_people_is_held_back_though_its_model_gives_what_its_entry_lists(
    name, samples_home, said, tmp_path
):
    home = samples_home
    assert (said[name].state, said[name].message) == ("held back", DECLARED.held_back[name])
    assert not [path for path in home.root.rglob(f"{name}*") if path.is_file()]
    assert not (home.releases / name).exists()
    assert not (home.portal / "datasets" / name).exists()
    assert not changes(home, name)
    with reader(home) as connection:
        known = {source: ledger.snapshots(connection, source) for source in DECLARED.models[name].sources}
        assert ledger.releases(connection, name) == []
    copied = shutil.copy(home.warehouse, tmp_path / "warehouse.duckdb")
    with opened(copied, temporary=tmp_path) as connection:
        prepare(connection, [DECLARED.sources[source] for source in known], known, DAY)
        assert curate(connection, DECLARED.models[name], DECLARED.datasets[name]) > 0


@pytest.mark.parametrize("name", [name for name in DECLARED.datasets if name not in DECLARED.held_back])
def test_it_is_released_from_the_samples_and_the_portal_shows_it(name, samples_home, said):
    home, table = samples_home, DECLARED.datasets[name].table
    with reader(home) as connection:
        *_, release = ledger.releases(connection, name)
    assert (said[name].state, said[name].what) == ("good", release.version)
    folder = home.releases / name / release.version
    package = json.loads((folder / "datapackage.json").read_text())
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == release.rows == package["rows"] > 0
    assert list(rows[0]) == [field.name for field in table.fields]
    keys = [tuple(row[column] for column in table.primary_key) for row in rows]
    assert len(set(keys)) == len(keys)
    assert (home.portal / "datasets" / name / "index.html").exists()
    assert not changes(home, name)


def changes(home, name):
    """What the portal lacks of a dataset."""
    return publishing.plan(Settings(home, str(home.portal)), DECLARED, [name]).changes
