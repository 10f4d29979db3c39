"""The outline of a district from its city's map, for an entry in warehouse/reference/districts.yaml.

    python -m dev.outline osa_alueet.geojson --where kokotunnus --is 0913301102 --is 0913301103 --metres 30

The file is GeoJSON in WGS84 (CRS84), as Helsinki gives its districts and sub-districts. The areas are joined; of
several pieces the greatest counts. The outline is simplified in metres, in the zone of UTM it lies in, and rounded
to five decimals (a metre). A map is the publisher's: name it, with its date and terms, beside the outline.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from pathlib import Path

from warehouse.districts import Polygon


def outline(content: str, key: str, values: Collection[str], metres: float) -> Polygon:
    """The joined, simplified outline of the areas of a map whose property ``key`` is one of the values.

    Args:
        content: GeoJSON, a FeatureCollection of longitudes and latitudes.
        key: a property's name.
        values: what it is for the areas that are meant, as text; each has to be there.
        metres: how far the outline may be off.

    Raises:
        ValueError: the text is no such map, or an area is not on it.
    """
    from pyproj import Transformer
    from shapely import set_precision, simplify, transform, union_all
    from shapely.geometry import shape

    said = json.loads(content)
    if not isinstance(said, dict) or not isinstance(said.get("features"), list):
        raise ValueError("this is no GeoJSON with features")
    found = {str(one["properties"].get(key)): one["geometry"] for one in said["features"]}
    if missing := sorted(set(values) - set(found)):
        raise ValueError(
            f"no area has {key} = {', '.join(missing)}; there are {', '.join(sorted(found)[:10])} ..."
        )
    joined = union_all([shape(found[value]) for value in sorted(values)])
    centre = joined.centroid
    if not (-180 <= centre.x <= 180 and -80 <= centre.y <= 84):
        raise ValueError("its coordinates are no longitudes and latitudes: ask for the map in WGS84 (EPSG:4326)")
    zone = (32600 if centre.y >= 0 else 32700) + int((centre.x + 180) // 6) + 1
    there = Transformer.from_crs(4326, zone, always_xy=True).transform
    back = Transformer.from_crs(zone, 4326, always_xy=True).transform
    flat = transform(joined, there, interleaved=False)
    simple = set_precision(transform(simplify(flat, metres), back, interleaved=False), 1e-5)
    whole = max(getattr(simple, "geoms", [simple]), key=lambda one: one.area)
    ring = tuple((round(x, 5), round(y, 5)) for x, y in whole.exterior.coords)
    return Polygon(type="Polygon", coordinates=(ring,))


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m dev.outline", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("map", type=Path)
    parser.add_argument("--where", required=True, help="the property by which areas are named")
    parser.add_argument("--is", dest="values", action="append", required=True, help="an area; may be repeated")
    parser.add_argument("--metres", type=float, default=30)
    given = parser.parse_args(arguments)
    try:
        found = outline(given.map.read_text(encoding="utf-8"), given.where, given.values, given.metres)
    except ValueError as error:
        sys.stderr.write(f"{given.map}: {error}\n")
        return 1
    print("  geometry:\n    type: Polygon\n    coordinates:")
    for place, (longitude, latitude) in enumerate(found.coordinates[0]):
        opening = "  " if place else "- "
        print(f"      {opening}- [{longitude}, {latitude}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
