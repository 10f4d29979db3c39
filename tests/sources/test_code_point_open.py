"""Code-Point Open: where a postcode lies; what a broken line, a missing file and a missing position come to."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import sources
from dev import sample_postcodes
from sources import PullRequest, SourceError, declarations
from sources.code_point_open import pull, read
from sources.code_point_open.grid import Grid
from sources.loading import stage
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration
from warehouse.home import Home

REAL = Path(__file__).parents[3] / "shared" / "data" / "reference" / "codepoint_open_2014"
SAMPLE = Path(sources.__file__).parent / "code_point_open" / "sample" / "codepo_gb.zip"
METADATA = "PRODUCT: CODE-POINT OPEN\r\nCOPYRIGHT DATE: 20260801\r\n      E\t{}\r\n     EC\t{}\r\n"
LINE = '"E1  0AA",10,535267,181084,"E92000001","E19000003","E18000007","","E09000030","E05009332"\r\n'
NOWHERE = '"EC1A1AA",90,0,0,"E92000001","","","","E09000019",""\r\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def declaration() -> SourceDeclaration:
    return declarations()["code_point_open"]


def taken(home: Home, declaration: SourceDeclaration, origin: Path, day: str = "2026-10-09") -> Snapshot:
    return pull(PullRequest(home, declaration, str(origin), date.fromisoformat(day)))


def product(folder: Path, files: Mapping[str, bytes | str], name: str = "codepo_gb.zip") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    return folder / name


def staged(home: Home, declaration: SourceDeclaration, origin: Path, *queries: str) -> list[list[tuple[Any, ...]]]:
    path = stage(declaration, taken(home, declaration, origin), home, read).path
    with duckdb.connect(str(path), read_only=True) as connection:
        return [connection.execute(query).fetchall() for query in queries]


ALL = "SELECT postcode, position_quality_code, easting_m, longitude, _file, _row FROM staged.postcodes ORDER BY 1"
FOUND = "SELECT rule, severity, row_number FROM findings ORDER BY ALL"


def test_a_point_of_the_national_grid_lies_where_the_survey_says_to_some_metres() -> None:
    # the water tower at Caister, of the survey's own worked example, in OSGB36 and in ETRS89
    easting, northing = np.array([651409.903, np.nan]), np.array([313177.270, 1.0])
    longitude, latitude = Grid().to_wgs84(easting, northing)
    metres_north, metres_east = 111_300, 111_300 * np.cos(np.radians(52.66))
    assert abs(latitude[0] - 52.658007833) * metres_north < 5
    assert abs(longitude[0] - 1.716073973) * metres_east < 5
    assert np.isnan([longitude[1], latitude[1]]).all()


def test_the_zip_is_read_as_its_publisher_gives_it_and_dated_by_what_it_says(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    files = {
        "Data/CSV/e.csv": LINE,
        "Data/CSV/ec.csv": NOWHERE,
        "Doc/Code-Point_Open_Column_Headers.csv": "PC,PQ\r\n",
        "Doc/metadata.txt": METADATA.format(1, 1),
    }
    origin = product(tmp_path, files)
    assert taken(home, declaration, origin).date == date(2026, 8, 1)
    rows, found = staged(home, declaration, origin, ALL, FOUND)
    assert found == []
    assert [row[:3] + row[4:] for row in rows] == [
        ("E1 0AA", "10", 535267, "e.csv", 1),
        ("EC1A 1AA", "90", None, "ec.csv", 1),
    ]
    assert float(rows[0][3]) == pytest.approx(-0.0520, abs=1e-3)
    assert rows[1][3] is None


def test_a_folder_of_unpacked_files_is_one_snapshot_of_their_date(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    folder = tmp_path / "Data" / "CSV"
    folder.mkdir(parents=True)
    (folder / "e.csv").write_text(LINE)
    (folder / "ec.csv").write_text(NOWHERE)
    (tmp_path / "Doc").mkdir()
    (tmp_path / "Doc" / "metadata.txt").write_text(METADATA.format(1, 1))
    snapshot = taken(home, declaration, folder)
    assert (snapshot.date, len(snapshot.files)) == (date(2026, 8, 1), 3)
    assert len(staged(home, declaration, folder, ALL)[0]) == 2
    assert taken(home, declaration, folder / "e.csv").date == date(2026, 10, 9)  # nothing says another


def test_a_name_with_a_date_is_believed_and_the_newest_zip_up_to_the_day_is_taken(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    for day in ("2026-05-01", "2026-08-01"):
        product(tmp_path, {"Data/CSV/e.csv": LINE}, f"codepo_gb-{day}.zip")
    assert taken(home, declaration, tmp_path).date == date(2026, 8, 1)
    assert taken(home, declaration, tmp_path, "2026-07-31").date == date(2026, 5, 1)


def test_a_broken_line_costs_itself_and_nothing_in_its_file_is_gone(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    bad = [
        b'"E1  0AB",10,535043,181123,"E92000001"\r\n',  # five values too few
        b'"E1  0AD",10,53x,181123,"E92000001","","","","E09000030",""\r\n',  # no number
        b'"E1 \xc90AE",10,1,2,"E92000001","","","","",""\n',  # no UTF-8, and another end of the line
        b"E1  0AF,10,535243,181123,E92000001,,,,,\n",  # without quotes: good
        b'\r\n"E1  0AG",10,535243,181123,"E92000001","","","","E0',  # cut off
    ]
    origin = product(tmp_path, {"e.csv": LINE.encode() + b"".join(bad)})
    rows, found, aside = staged(
        home, declaration, origin, ALL, FOUND, "SELECT row_number, row_key FROM quarantine ORDER BY ALL"
    )
    # a strange character in the postcode is for its pattern to judge
    assert [(row[0], row[-1]) for row in rows] == [("E1 0AA", 1), ("E1 0AF", 5), ("E1\xc9 0AE", 4)]
    assert found == [("unreadable-record", "error", row) for row in (2, 3, 6)]
    assert aside == [(row, None) for row in (2, 3, 6)]


def test_what_the_product_lists_and_lacks_is_said(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    origin = product(tmp_path, {"e.csv": LINE, "metadata.txt": METADATA.format(2, 1)})
    said, incomplete = staged(
        home, declaration, origin, "SELECT rule, message FROM findings ORDER BY 2", "FROM incomplete"
    )
    assert said == [
        ("missing-part", "Of 2 postcode areas that the product lists, 1 have no file here (EC)."),
        ("missing-part", "e.csv has 1 records, and the product says 2."),
    ]
    assert [table for table, _ in incomplete] == ["postcodes"]


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><p>no", b"PK\x03\x04 broken"])
def test_what_is_no_product_does_not_enter_the_archive(
    content: bytes, home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    (tmp_path / "codepo_gb.zip").write_bytes(content)
    with pytest.raises(SourceError, match="codepo_gb"):
        taken(home, declaration, tmp_path / "codepo_gb.zip")


def test_a_zip_without_postcodes_is_told(home: Home, declaration: SourceDeclaration, tmp_path: Path) -> None:
    origin = product(tmp_path, {"readme.csv": "x"})
    with pytest.raises(SourceError, match="holds no file of postcodes"):
        staged(home, declaration, origin, ALL)


def test_the_sample_is_what_its_generator_writes(tmp_path: Path) -> None:
    sample_postcodes.write(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == SAMPLE.read_bytes()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_the_real_files_of_five_areas_load_whole(home: Home, declaration: SourceDeclaration) -> None:
    assert taken(home, declaration, REAL).date == date(2014, 7, 29)
    counts, found, one = staged(
        home,
        declaration,
        REAL,
        "SELECT count(*), count(longitude), count(*) FILTER (longitude NOT BETWEEN -0.24 AND 0.14 OR latitude NOT"
        " BETWEEN 51.38 AND 51.67) FROM staged.postcodes",
        "SELECT rule, message FROM findings",
        "SELECT easting_m, northing_m, longitude, latitude, local_authority_code FROM staged.postcodes"
        " WHERE postcode = 'EC1A 1AA'",
    )
    assert counts == [(60_709, 60_709, 0)]
    assert [rule for rule, _ in found] == ["missing-part"]
    assert "Of 120 postcode areas that the product lists, 115 have no file here" in found[0][1]
    ((easting, northing, longitude, latitude, authority),) = one
    assert (easting, northing, authority) == (531131, 182382, "E09000019")
    assert (float(longitude), float(latitude)) == (-0.111183, 51.525136)
