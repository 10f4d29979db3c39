from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import sources as sources_room
from publish.catalogue import FOLDER, load_catalogue, load_entry
from tests.publish import places
from warehouse.curate import load_model
from warehouse.declarations import DeclarationError, Privacy, load_source
from warehouse.districts import load_districts


@pytest.fixture(scope="module")
def declared():
    found = [load_source(path) for path in Path(sources_room.__path__[0]).glob("*/source.yaml")]
    return {source.name: source for source in found}


def write(folder, **changes):
    path = folder / "places.yaml"
    path.write_text(yaml.safe_dump({**places.ENTRY, **changes}, sort_keys=False))
    return path


def test_the_catalogue_loads_and_every_field_is_public(declared):
    catalogue = load_catalogue(None, declared)
    assert {"tech-city-companies", "tech-city-growth", "agile-pilots"} <= set(catalogue)
    for dataset in catalogue.values():
        assert (FOLDER / f"{dataset.stem}.yaml").is_file()
        assert {field.privacy for field in dataset.table.fields} == {Privacy.PUBLIC}
        assert all(field.title for field in dataset.table.fields)
        assert dataset.entry.usage_warnings
        assert load_model(dataset.stem).sql


def test_file_and_dataset_share_their_name(tmp_path):
    write(tmp_path).rename(tmp_path / "other.yaml")
    with pytest.raises(DeclarationError, match=r"its file must be places\.yaml"):
        load_catalogue(tmp_path, {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"district": "atlantis"}, "there is no atlantis"),
        (
            {
                "fields": [{"name": "code", "title": "C", "constraints": {"codeList": "nix"}}],
                "primaryKey": ["code"],
            },
            "nix",
        ),
        ({"fields": [{"name": "old", "title": "Old"}], "primaryKey": ["old"]}, "cannot be called old"),
        ({"fields": [{"from": "town.places.code"}], "primaryKey": ["code"]}, "no source has a field"),
        ({"licens": "x"}, "licens"),
    ],
)
def test_faults_name_the_file_and_the_reason(tmp_path, changes, said):
    path = write(tmp_path, **changes)
    with pytest.raises(DeclarationError, match=said) as caught:
        load_catalogue(tmp_path, {})
    assert str(path) in str(caught.value)


def test_what_a_source_keeps_to_itself_cannot_be_listed(tmp_path, declared):
    source = declared["agile_pilots"]
    kept = next(
        f"{source.name}.{table.name}.{field.name}"
        for table in source.tables
        for field in table.fields
        if field.privacy is not Privacy.PUBLIC
    )
    path = write(tmp_path, fields=[{"name": "code", "title": "C"}, {"from": kept}], primaryKey=["code"])
    with pytest.raises(DeclarationError, match="cannot be published"):
        load_entry(path, declared)


def test_districts_are_data():
    districts = load_districts()
    assert "E1" in districts["tech-city"].postcode_areas
    assert not {"E10", "E1W"} & set(districts["tech-city"].postcode_areas)
    for district in districts.values():
        ring = district.geometry.coordinates[0]
        assert ring[0] == ring[-1]
        assert 10 < len(ring) < 45
        turns = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
        assert turns < 0, "the outer ring runs against the clock"


def test_a_broken_polygon_is_refused(tmp_path):
    content = yaml.safe_load(
        (Path(load_districts.__code__.co_filename).parent / "reference/districts.yaml").read_text()
    )
    content["kalasatama"]["geometry"]["coordinates"][0].pop()
    (tmp_path / "d.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DeclarationError, match="its last one is its first"):
        load_districts(tmp_path / "d.yaml")
