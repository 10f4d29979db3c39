"""Writes the sample of Code-Point Open: the postcodes of the shipped register sample in Tech City.

    python -m dev.sample_postcodes [TARGET]

Most of those postcodes are invented, as the companies are, and so are all positions and areas here: points spread
around the middle of their postcode area (the middles, to 100 m, are of Code-Point Open of August 2014; contains OS
data © Crown copyright and database right 2014). A few have no position, a few are not in it at all, as in life.
The form is the publisher's. The same bytes come out every time.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "sources" / "code_point_open" / "sample" / "codepo_gb.zip"
REGISTER = ROOT / "sources" / "companies_house" / "sample" / "BasicCompanyDataAsOneFile-2026-10-01.zip"
DAY = "20260801"


class Area(NamedTuple):
    """The middle of a postcode area in metres on the National Grid, and the borough that most of it is in."""

    easting_m: int
    northing_m: int
    borough: str


AREAS: Mapping[str, Area] = {
    "E1": Area(534700, 181600, "E09000030"),
    "E15": Area(539100, 184300, "E09000025"),
    "E2": Area(534500, 183000, "E09000030"),
    "E20": Area(538200, 185000, "E09000025"),
    "E8": Area(534200, 184500, "E09000012"),
    "EC1V": Area(532000, 182600, "E09000019"),
    "EC2A": Area(532800, 182300, "E09000012"),
    "N1": Area(532100, 183800, "E09000019"),
}
_LICENCE = "Invented positions for the demonstration, in the form of Code-Point Open. No use is restricted.\r\n"
_SPREAD_M = 400
_HEADER = "PC,PQ,EA,NO,CY,RH,LH,CC,DC,WC\r\n"


def postcodes(register: Path = REGISTER) -> list[str]:
    """The register sample's postcodes in those areas, as the product pads them: 'E1  0AA', 'EC1A1AA'."""
    with zipfile.ZipFile(register) as archive, archive.open(archive.namelist()[0]) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, "utf-8"), skipinitialspace=True)
        found = {row["RegAddress.PostCode"].replace(" ", "") for row in rows}
    good = (re.fullmatch(r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})", one) for one in found)
    return sorted(f"{one[1]:<4}{one[2]}" for one in good if one and one[1] in AREAS)


def record(postcode: str) -> str | None:
    """A line of the product for a padded postcode; None for one in forty, which the product does not know."""
    chance = int.from_bytes(hashlib.sha256(postcode.encode()).digest()[:8], "big")
    area = AREAS[postcode[:4].strip()]
    if chance % 40 == 0:
        return None
    if chance % 40 == 1:
        return f'"{postcode}",90,0,0,"E92000001","","","","{area.borough}",""'
    east, north = (chance >> 8) % (2 * _SPREAD_M), (chance >> 24) % (2 * _SPREAD_M)
    place = f"{area.easting_m - _SPREAD_M + east},{area.northing_m - _SPREAD_M + north}"
    return f'"{postcode}",{50 if chance % 40 == 2 else 10},{place},"E92000001","","","","{area.borough}",""'


def write(target: Path = TARGET) -> None:
    """Write the zip."""
    lines = {postcode: line for postcode in postcodes() if (line := record(postcode))}
    by_area: dict[str, list[str]] = {}
    for postcode, line in lines.items():
        by_area.setdefault(postcode[:2].rstrip("0123456789 "), []).append(line)
    members = {f"Data/CSV/{area.lower()}.csv": _text(found) for area, found in sorted(by_area.items())}
    counts = "".join(f"      {area:>2}\t{len(found)}\r\n" for area, found in sorted(by_area.items()))
    members["Doc/Code-Point_Open_Column_Headers.csv"] = _HEADER
    members["Doc/licence.txt"] = _LICENCE
    members["Doc/metadata.txt"] = f"PRODUCT: INVENTED SAMPLE\r\nCOPYRIGHT DATE: {DAY}\r\n{counts}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
