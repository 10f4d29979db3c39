"""The districts: where they lie and which postcodes belong to them. Data, not code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from warehouse.declared import DATASET_SLUG, DeclarationError, Declared, parse, read_yaml

_FILE = Path(__file__).parent / "reference" / "districts.yaml"

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Ring = tuple[tuple[Longitude, Latitude], ...]


class Polygon(Declared):
    """A GeoJSON polygon in WGS84: rings of longitude and latitude, the outer one first."""

    type: Literal["Polygon"]
    coordinates: tuple[Ring, ...] = Field(min_length=1)

    @field_validator("coordinates")
    @classmethod
    def _closed(cls, rings: tuple[Ring, ...]) -> tuple[Ring, ...]:
        for ring in rings:
            if len(ring) < 4 or ring[0] != ring[-1]:
                raise ValueError("a ring has at least four points, and its last one is its first")
        return rings


class District(Declared):
    """A district. ``postcode_areas`` decide what lies in it; ``geometry`` is an outline for maps.

    ``nearby_postcode_areas`` are around it: what is listed of its surroundings too says which of the two it is.
    """

    id: str = Field(pattern=DATASET_SLUG)
    title: str
    description: str = ""
    city: str
    country: str = Field(pattern=r"^[A-Z]{2}$")  # ISO 3166-1
    postcode_areas: tuple[str, ...] = Field(min_length=1)  # exact: E1 is not E10
    ocd_divisions: tuple[str, ...] = ()  # ids of the divisions that make it up, in the Open Civic Data form
    nearby_postcode_areas: tuple[str, ...] = ()
    source: str
    source_url: str | None = None
    attribution: str
    geometry: Polygon

    @property
    def all_postcode_areas(self) -> tuple[str, ...]:
        """Those of the district, then those around it."""
        return (*self.postcode_areas, *self.nearby_postcode_areas)

    @property
    def geojson(self) -> dict[str, object]:
        """The outline as a GeoJSON geometry of lists and numbers."""
        return self.geometry.model_dump(mode="json")


def load_districts(path: Path | None = None) -> dict[str, District]:
    """The districts by id, from ``warehouse/reference/districts.yaml`` or another file of its form.

    Raises:
        DeclarationError: the file cannot be used.
    """
    place = path or _FILE
    content = read_yaml(place)
    if not isinstance(content, dict):
        raise DeclarationError(f"{place}: expected districts by id")
    return {
        str(name): parse(District, {**(entry or {}), "id": name}, f"{place}: {name}")
        for name, entry in content.items()
    }
