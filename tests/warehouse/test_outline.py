"""The outline of a district from its city's map."""

import json
from pathlib import Path

import pytest
import yaml
from shapely import Polygon as Shape

from dev.outline import main, outline
from warehouse.districts import load_districts

REAL = Path(__file__).parents[3] / "shared" / "data" / "reference" / "helsinki" / "osa_alueet.geojson"


def square(name: str, west: float, south: float, side: float = 0.01) -> dict[str, object]:
    east, north, middle = west + side, south + side, west + side / 2
    # A point of a tenth of a metre beside the line, which goes when the outline is simplified.
    ring = [[west, south], [middle, south + 1e-6], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"nimi": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


@pytest.fixture
def city(tmp_path: Path) -> Path:
    areas = [square("itä", 24.98, 60.18), square("länsi", 24.97, 60.18), square("saari", 25.2, 60.1, 0.001)]
    path = tmp_path / "city.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": areas}), encoding="utf-8")
    return path


def test_areas_are_joined_and_the_greatest_piece_counts(city):
    found = outline(city.read_text(), "nimi", ["itä", "länsi", "saari"], 5)
    (ring,) = found.coordinates
    assert set(ring) == {(24.97, 60.18), (24.99, 60.18), (24.99, 60.19), (24.97, 60.19)}


def test_what_it_prints_is_an_entry_of_the_districts(city, capsys):
    assert main([str(city), "--where", "nimi", "--is", "itä", "--metres", "5"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["geometry"]["type"] == "Polygon"
    (ring,) = printed["geometry"]["coordinates"]
    assert (len(ring), ring[0]) == (5, ring[-1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"type": "Feature"}', "no GeoJSON with features"),
        ("[]", "no GeoJSON with features"),
        (json.dumps({"features": [square("pohjoinen", 24, 60)]}), "no area has nimi = itä"),
        (json.dumps({"features": [square("itä", 25_496_000, 6_672_000, 500)]}), "no longitudes"),
    ],
)
def test_a_map_that_does_not_serve_says_why(tmp_path, capsys, content, said):
    path = tmp_path / "city.geojson"
    path.write_text(content, encoding="utf-8")
    assert main([str(path), "--where", "nimi", "--is", "itä"]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.skipif(not REAL.is_file(), reason="the real map is not here")
def test_the_outline_of_kalasatama_is_that_of_the_citys_map():
    found = outline(REAL.read_text(encoding="utf-8"), "kokotunnus", ["0913301102", "0913301103"], 30)
    ours = Shape(load_districts()["kalasatama"].geometry.coordinates[0])
    theirs = Shape(found.coordinates[0])
    assert ours.symmetric_difference(theirs).area < 0.01 * theirs.area
