"""GeoJSON: rows with coordinates as points, whatever their texts hold; nowhere else, and wherever it should be."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from publish.files import render
from publish.files.geojson import write_geojson
from publish.metadata.dcat import dataset_node
from publish.portals.ckan.wanted import wanted_dataset
from publish.portals.folder import pages
from publish.release import release_folder
from publish.withdrawal import rewrite
from tests.publish import places
from warehouse.declarations import DeclarationError, quote
from warehouse.home import Home
from warehouse.withdrawals import withdrawal

POINTS = [
    {"name": "longitude", "title": "Longitude", "type": "number", "unit": "deg"},
    {"name": "latitude", "title": "Latitude", "type": "number", "decimals": 6, "unit": "deg"},
]
CHANGES: dict[str, Any] = {"fields": [*places.ENTRY["fields"], *POINTS], "formats": ["geojson"]}
DATASET = places.declaration(**CHANGES)
SMALL = places.declaration(
    fields=[
        {"name": "number", "title": "Number", "type": "integer"},
        {"name": "name", "title": "Name"},
        {"name": "score", "title": "Score", "type": "number"},
        *POINTS,
    ],
    primaryKey=["number"],
    formats=["geojson"],
)


def rows(count: int = 30) -> list[tuple[Any, ...]]:
    points = [(24.97853, 60.17876), (None, None), (-0.123456789, 51.5), (24.9, None), (181.0, 10.0)]
    return [(*row, *points[n % len(points)]) for n, row in enumerate(places.rows(count))]


def read(home: Home, made: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((release_folder(home, made) / "places.geojson").read_text("utf-8"))
    return content


def test_every_row_is_a_feature_and_only_a_whole_position_is_a_point(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = places.release(home, rows(), dataset=DATASET)
    content = read(home, made)
    assert set(content) == {"type", "features"}  # no crs: RFC 7946 knows one only
    features = {(one["properties"]["code"], one["properties"]["number"]): one for one in content["features"]}
    assert len(features) == 30
    assert list(features) == sorted(features)
    for code, number, name, _, area, *_, opened, seen, longitude, latitude in rows():
        feature = features[code, number]
        assert set(feature) == {"type", "geometry", "properties"}  # a key of two columns is no id
        assert list(feature["properties"]) == places.COLUMNS
        assert feature["properties"]["name"] == name
        assert feature["properties"]["area_m2"] == area
        assert feature["properties"]["opened_date"] == opened.isoformat()
        assert feature["properties"]["seen_at"] == seen.isoformat()
        if latitude is None or longitude > 180:
            assert feature["geometry"] is None
        else:
            point = shape(feature["geometry"])
            assert (point.x, point.y) == (round(longitude, 7), latitude)


def test_the_same_rows_make_the_same_bytes_in_any_order_and_number_of_threads(tmp_path: Path) -> None:
    homes = [Home(tmp_path / name) for name in ("one", "two")]
    first = places.release(homes[0], rows(), dataset=DATASET)
    second = places.release(homes[1], rows()[::-1], dataset=DATASET, threads=4)
    assert places.tree(homes[0].releases) == places.tree(homes[1].releases)
    assert first == second


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.one_of(st.none(), TEXTS, st.sampled_from(places.HOSTILE)),
            NUMBERS,
            NUMBERS,
            st.one_of(st.none(), st.floats(-90, 90)),
        ),
        max_size=5,
        unique_by=lambda row: row[0],
    )
)
def test_any_text_and_number_survives(tmp_path: Path, table: list[tuple[Any, ...]]) -> None:
    with duckdb.connect() as connection:
        columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in SMALL.table.fields)
        connection.execute(f"CREATE TABLE given ({columns})")
        if table:
            connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?, ?)", [list(row) for row in table])
        with render.published(connection, "given", SMALL.table) as view:
            write_geojson(connection, view, SMALL, tmp_path / "any.geojson")
    text = (tmp_path / "any.geojson").read_text("utf-8")
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["features"]
    assert [one["id"] for one in found] == sorted(row[0] for row in table)
    wanted = {row[0]: row for row in table}
    for feature in found:
        number, name, score, longitude, latitude = wanted[feature["id"]]
        assert feature["properties"]["number"] == number
        assert feature["properties"]["name"] == (name or None)
        assert feature["properties"]["score"] == (score if math.isfinite(score) else None)
        is_place = math.isfinite(longitude) and abs(longitude) <= 180 and latitude is not None
        assert (feature["geometry"] is not None) == is_place


def test_it_is_described_and_every_portal_shows_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = places.release(home, rows(), dataset=DATASET)
    assert made is not None
    file = made.file("geojson")
    assert file is not None
    assert (file.name, file.media_type) == ("places.geojson", "application/geo+json")
    described = json.loads((release_folder(home, made) / "datapackage.json").read_text())
    (resource,) = [one for one in described["resources"] if one["path"] == file.name]
    assert (resource["format"], resource["mediatype"], resource["hash"]) == (
        "geojson",
        "application/geo+json",
        f"sha256:{file.sha256}",
    )
    assert "schema" not in resource
    wanted = places.wanted(home, made, dataset=DATASET)
    in_ckan = wanted_dataset(wanted, "https://ckan.example").resources.values()
    assert [one["format"] for one in in_ckan] == ["CSV", "Parquet", "XLSX", "GeoJSON", "CSV", "CSV", "JSON"]
    assert [one["mimetype"] for one in in_ckan][3] == "application/geo+json"
    (node,) = [
        one
        for one in dataset_node(wanted, "places/")["dcat:distribution"]
        if one["dcat:downloadURL"] == {"@id": "places/places.geojson"}
    ]
    assert node["dct:format"]["@id"].endswith("/file-type/GEOJSON")
    assert node["dcat:mediaType"]["@id"].endswith("application/geo+json")
    assert '<a href="places.geojson" download>' in pages.dataset_page(wanted, pages.Site())


def test_frictionless_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    from frictionless import Package, system

    home = Home(tmp_path)
    made = places.release(home, rows(), dataset=DATASET)
    assert made is not None
    with system.use_context(trusted=True):
        report = Package(str(release_folder(home, made) / "datapackage.json")).validate()
    assert not report.errors
    assert [task.errors for task in report.tasks if task.errors] == []


def test_what_is_withdrawn_is_gone_from_it_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = places.release(home, rows(), dataset=DATASET)
    assert made is not None
    key = {"code": "P01", "number": "1"}
    listed = [withdrawal("places", key, "name", "asked", "2026-02-02")]
    again = rewrite(home, made, DATASET, {}, listed)
    (feature,) = [one for one in read(home, again)["features"] if one["properties"]["number"] == 1]
    assert feature["properties"]["name"] is None
    assert feature["properties"]["area_m2"] == 1.25


@pytest.mark.parametrize("changes", [{"formats": ["geojson"]}, {**CHANGES, "formats": []}])
def test_coordinates_and_the_format_come_together(changes: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="longitude and latitude"):
        places.declaration(**changes)
