"""A dataset's pages: honest figures, maps, rows, columns, versions, in two languages, and always the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import time

import duckdb
import pytest

from flows.declarations import Declarations
from publish.desired import Standing
from publish.files.render import labels
from publish.portals.folder import figures, mapping
from publish.portals.folder.pages import Site, dataset_pages, preview
from publish.portals.folder.pages.changed import changed_versions
from publish.portals.folder.pages.dictionary import dictionary
from publish.portals.folder.plotting import LeftOut
from publish.portals.folder.reading import rows_of
from publish.portals.folder.speaking import Speaker, number
from publish.release import desired_dataset, release_folder
from tests.publish import places, protected
from warehouse.declarations import DeclarationError
from warehouse.home import Home
from warehouse.messages import Language

ENGLISH, FINNISH = Language.ENGLISH, Language.FINNISH
POINTS = [
    *places.ENTRY["fields"],
    {"name": "longitude", "title": "Longitude", "type": "number"},
    {"name": "latitude", "title": "Latitude", "type": "number"},
]


def shown(**show):
    return places.declaration(show=show)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def versions(home):
    first = places.release(home, places.rows(60))
    changed = [(*row[:4], (row[4] or 0) + 1, *row[5:]) if row[1] % 9 == 0 else row for row in places.rows(62)]
    second = places.release(home, changed, [first], day=dt.date(2026, 3, 1))
    return first, second


@pytest.fixture(scope="module")
def made(home, versions):
    wanted = places.wanted(home, *versions)
    return {language: dataset_pages(wanted, Site(), language) for language in Language}


def page_of(home, release, dataset):
    wanted = places.wanted(home, release, dataset=dataset)
    return dataset_pages(wanted, Site(), ENGLISH)["index.html"].decode()


# --- what an entry may ask ------------------------------------------------------------------------------


def catalogue():
    return sorted(Declarations.read().datasets.items())


@pytest.mark.parametrize(("name", "declaration"), catalogue(), ids=[name for name, _ in catalogue()])
def test_every_entrys_figures_run_on_its_columns(name, declaration):
    show = declaration.entry.show
    assert show.headline
    assert show.columns
    assert figures.faults(declaration) == []
    assert (not declaration.entry.disclosure) == bool(show.charts)
    for one in (show.headline, *show.charts):
        assert one.title_fi
        assert bool(one.note) == bool(one.note_fi)
    for chart in show.charts:
        for column in filter(None, (chart.x_codes, chart.series_codes)):
            assert labels(declaration.table.field(column))


@pytest.mark.parametrize(
    "show",
    [
        {"columns": ["nothing"]},
        {"newest_by": "nothing"},
        {"charts": [{"title": "x", "sql": "SELECT 1 AS x", "x_codes": "nothing"}]},
        {"map": {"label": "name"}},
        {"headline": {"title": "x", "sql": "DELETE FROM rows"}},
        {"headline": {"title": "x", "sql": "SELECT 1; SELECT 2"}},
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_declared(show):
    with pytest.raises(DeclarationError, match="show"):
        shown(**show)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nothing AS value, 1 AS shown FROM rows",
        "SELECT 1 AS figure FROM rows",
        "SELECT 1 AS value, count(*) AS shown FROM read_csv('/etc/passwd')",
        "FROM rows",
    ],
)
def test_sql_that_cannot_be_run_is_told(sql):
    (fault,) = figures.faults(shown(headline={"title": "x", "sql": sql}))
    assert fault.startswith("places: show.headline: ")


def test_sql_sees_nothing_but_the_rows(home, versions):
    file = release_folder(home, versions[0]) / "places.parquet"
    other = release_folder(home, versions[1]) / "places.parquet"
    with rows_of(places.declaration().table, file) as connection:
        assert connection.execute("SELECT count(*) FROM rows").fetchone() == (60,)
        for sql in (
            f"FROM '{other}'",
            "FROM read_csv('/etc/passwd')",
            "COPY rows TO '/tmp/rows.csv'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "ATTACH '/tmp/other.db'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)


# --- figures ----------------------------------------------------------------------------------------------


def drawn(home, release, sql, **more):
    dataset = shown(charts=[{"title": "Chart", "sql": sql, **more}])
    with rows_of(dataset.table, release_folder(home, release) / "places.parquet") as connection:
        return figures.chart(connection, dataset.entry.show.charts[0], dataset, Speaker())


def test_a_chart_says_of_how_many_rows_it_is(home, versions):
    sql = "SELECT theme_code AS x, count(*) AS y, count(*) AS shown FROM rows WHERE theme_code <> '' GROUP BY 1"
    chart = drawn(home, versions[0], sql, x_codes="theme_code")
    assert chart.caption.note == "40 of 60 rows."
    assert {bar.label for bar in chart.bars} == {"Climate", "Energy"}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 1 AS x, NULL AS y, 0 AS shown", "no row has what it shows"),
        ("SELECT 1 AS x, 1 AS y, 0 AS shown FROM rows WHERE false", "no row has what it shows"),
        ("SELECT gone AS x, 1 AS y, 0 AS shown FROM rows", "it does not fit the columns of this version"),
    ],
)
def test_a_chart_without_a_point_is_left_out_and_says_why(home, versions, sql, why):
    assert drawn(home, versions[0], sql) == LeftOut("Chart", why)
    dataset = shown(charts=[{"title": "Chart", "sql": sql}])
    page = page_of(home, versions[0], dataset)
    assert f"Not drawn: Chart, because {why}." in page


def test_one_known_year_is_a_sentence_and_no_chart(home, versions):
    sql = "SELECT x, y, 1 AS shown FROM (VALUES (2001, NULL), (2002, 2)) AS v (x, y)"
    assert drawn(home, versions[0], sql, kind="lines", unit="EUR") == LeftOut(
        "Chart", "one year alone is known, 2002: 2 €"
    )


def test_a_label_of_several_parts_says_its_codes_in_words(home, versions):
    sql = "SELECT ['2018', theme_code] AS x, count(*) AS y, 1 AS shown FROM rows GROUP BY 1"
    chart = drawn(home, versions[0], sql, x_codes="theme_code")
    assert {bar.label for bar in chart.bars} == {"2018, climate", "2018, energy", "2018"}


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2008-01-01", "2040-12-31", "2008 – 2040"),  # of years nobody knew the days
        ("2016-01-01", "2016-12-31", "2016"),
        ("2016-01-01", "2016-12-30", "1 January 2016 – 30 December 2016"),
        ("2016-03-01", "2016-03-01", "1 March 2016"),
    ],
)
def test_the_time_covered_is_no_more_exact_than_what_is_known(start, end, said):
    assert Speaker().period(start, end) == said


def test_a_year_that_is_unknown_breaks_the_line(home, versions):
    sql = "SELECT x, y, 1 AS shown FROM (VALUES (2001, 1), (2002, 2), (2003, NULL), (2004, 4)) AS v (x, y)"
    chart = drawn(home, versions[0], sql, kind="lines")
    (line,) = chart.lines
    assert line.path.count("M") == 1
    assert len(line.dots) == 2  # the end of the first run, and the point that stands alone
    assert line.values == (1, 2, None, 4)
    assert chart.caption.note == "3 of 60 rows."


def test_the_headline_stands_on_the_page(home, versions):
    dataset = shown(
        headline={
            "title": "open places",
            "sql": "SELECT count(*) AS value, count(*) AS shown FROM rows WHERE is_open",
        }
    )
    page = page_of(home, versions[0], dataset)
    assert '<p class="value">30</p>' in page
    assert "30 of 60 rows." in page


@pytest.mark.parametrize(
    ("value", "decimals", "english", "finnish"),
    [
        (1234567, None, "1,234,567", "1\u00a0234\u00a0567"),
        (-1234.5, 2, "−1,234.50", "−1\u00a0234,50"),
        (-0.001, 1, "0.0", "0,0"),
        (0.1 + 0.2, None, "0.3", "0,3"),
    ],
)
def test_numbers_by_language(value, decimals, english, finnish):
    assert number(value, ENGLISH, decimals) == english
    assert number(value, FINNISH, decimals) == finnish


# --- the map ----------------------------------------------------------------------------------------------


def mapped(home, points, **show):
    dataset = places.declaration(fields=POINTS, formats=["geojson"], show=show)
    table = [(*row, *point) for row, point in zip(places.rows(len(points)), points, strict=True)]
    made = places.release(home, table, dataset=dataset)
    wanted = places.wanted(home, made, dataset=dataset)
    with rows_of(dataset.table, release_folder(home, made) / "places.parquet") as connection:
        return mapping.draw_map(connection, dataset, wanted.spatial, Speaker())


def test_a_map_says_what_it_leaves_out(tmp_path):
    inside = [(24.98, 60.187)] * 5 + [(24.975, 60.185)]
    found = mapped(
        Home(tmp_path), [*inside, (None, None), (25.5, 61.0)], map={"label": "name", "colour": "is_open"}
    )
    assert found.note.startswith("6 of 8 rows; not shown: 1 without a position, 1 beyond the map's edge.")
    assert [spot.rows for spot in found.listed] == [5, 1]
    assert {text for _, text in found.legend} == {"yes", "no"}
    assert found.spots[0].radius > found.spots[1].radius
    assert all(0 <= spot.x <= found.width and 0 <= spot.y <= found.height for spot in found.spots)


def test_many_places_are_drawn_as_fewer_circles(tmp_path):
    points = [(24.96 + (n % 50) * 0.0008, 60.18 + (n // 50) * 0.0008) for n in range(1000)]
    found = mapped(Home(tmp_path), points)
    assert len(found.spots) < 700
    assert "Places that lie close together are one circle." in found.note


def test_without_a_position_there_is_no_map(tmp_path):
    assert mapped(Home(tmp_path), [(None, None)] * 3) == LeftOut("Map", "no row has a position")


# --- rows and columns -------------------------------------------------------------------------------------


def test_the_newest_rows_and_the_telling_columns_come_first(home, versions):
    dataset = shown(columns=["opened_date"], newest_by="opened_date")
    page = page_of(home, versions[0], dataset)
    table = page[page.index('id="preview-table"') :]
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", table)
    assert heads[:3] == ["Code", "Number", "Opened"]
    days = re.findall(r'<td data-of="Opened"[^>]*>(\d{4}-\d\d-\d\d)</td>', table)
    assert days == sorted(days, reverse=True)
    assert len(days) == 20


def test_what_is_not_known_is_said(made):
    page = made[ENGLISH]["index.html"].decode()
    assert re.search(r'<td data-of="Area"[^>]*><i class="quiet">unknown</i></td>', page)
    assert ">tuntematon</i>" in made[FINNISH]["fi/index.html"].decode()


def test_the_file_of_rows_is_a_script_with_every_row(made):
    text = made[ENGLISH]["preview.js"].decode()
    assert text.startswith("openDistrictRows(")
    content = json.loads(text.removeprefix("openDistrictRows(").removesuffix(");\n"))
    assert content["columns"][:2] == ["code", "number"]
    assert len(content["rows"]) == 62
    assert "<" not in text
    assert "preview.js" not in {place.rsplit("/", 1)[-1] for place in made[FINNISH]}


def test_a_file_of_rows_is_bounded(home):
    table = [(f"P{n}", n, "x" * 400, None, None, None, None, None, None) for n in range(3000)]
    wanted = places.wanted(home, places.release(home, table, day=dt.date(2026, 5, 1)))
    pages = dataset_pages(wanted, Site(), ENGLISH)
    assert len(pages["preview.js"]) < 310_000
    assert len(pages["index.html"]) < 200_000
    assert re.search(r"Load 1,\d\d\d rows", pages["index.html"].decode())


def test_columns_say_how_many_rows_fill_them(home, versions):
    table = places.declaration().table
    with rows_of(table, release_folder(home, versions[0]) / "places.parquet") as connection:
        found = {one.field.name: one for one in dictionary(connection, table, 60, Speaker())}
    assert (found["area_m2"].filled, found["area_m2"].filled_pct) == (48, 80)
    assert (found["number"].low, found["number"].high, found["number"].distinct) == ("0", "59", 60)
    assert found["is_open"].true == 30
    assert found["theme_code"].labels["climate"] == "Climate"


def test_a_protected_datasets_pages_tell_no_more_than_its_rows(tmp_path):
    home = Home(tmp_path)
    released = protected.release(home)
    wanted = desired_dataset(protected.declaration(), released, [released], home)
    pages = dataset_pages(wanted, Site(), ENGLISH)
    page = pages["index.html"].decode()
    assert '<i class="quiet">suppressed</i>' in page
    told = dict(re.findall(r'<tr role="row" id="column-(\w+)">.*?<span>(\d+) %</span>', page, re.S))
    assert told["testers_count"] == "56"  # five of nine rows: what is suppressed is empty in the files too


# --- versions ---------------------------------------------------------------------------------------------


def test_every_kept_version_has_a_page_and_a_row_in_the_list(made, versions):
    first, second = versions
    pages = made[ENGLISH]
    for one in versions:
        page = pages[f"versions/{one.version}/index.html"].decode()
        assert all(file.sha256 in page for file in one.files)
    assert "There is a newer version." in pages[f"versions/{first.version}/index.html"].decode()
    assert "This is the latest version." in pages[f"versions/{second.version}/index.html"].decode()
    assert 'data-versions="2026-02-01 2026-03-01"' in pages["versions/index.html"].decode()


def test_what_changed_is_told_row_by_row(home, versions, made):
    (found,) = changed_versions(places.wanted(home, *versions), Speaker())
    assert found.counts == "2 rows added, 7 rows changed"
    assert sum(row.change == "changed" for row in found.rows) == 7
    page = made[ENGLISH]["changes/index.html"].decode()
    assert "<b>Area:</b>" in page
    assert "<del>" in page


def test_a_hundred_versions_cost_little_and_read_no_file(home, versions):
    wanted = places.wanted(home, *versions)
    many = [
        dataclasses.replace(
            wanted.versions[1], release=dataclasses.replace(versions[0], version=f"2025-01-{n:03d}")
        )
        for n in range(100)
    ]
    releases = (versions[1], *(one.release for one in many))
    begun = time.perf_counter()
    pages = dataset_pages(
        dataclasses.replace(wanted, versions=(wanted.versions[0], *many), releases=releases), Site(), ENGLISH
    )
    assert len(pages) == 101 + 4
    assert len(pages["index.html"]) < 200_000
    assert time.perf_counter() - begun < 10


def test_the_same_release_gives_the_same_pages(home, versions, made):
    again = {language: dataset_pages(places.wanted(home, *versions), Site(), language) for language in Language}
    assert again == made


def test_finnish_pages_link_to_the_same_files(made):
    pages = made[FINNISH]
    assert {"fi/index.html", "fi/changes/index.html", "fi/versions/index.html"} <= set(pages)
    page = pages["fi/index.html"].decode()
    assert '<html lang="fi">' in page
    assert 'href="../places.csv"' in page
    assert "Sarakkeiden kuvaukset" in page
    for word in ("Before you use it", "How to cite it", "unknown<", "All rows, for programs", "Column<"):
        assert word not in page


def test_the_page_knows_its_address_where_the_portal_does(home, versions):
    wanted = dataclasses.replace(
        places.wanted(home, *versions), standing=Standing(score=80.0, open_findings={"info": 1})
    )
    site = Site(base="https://data.town.example/")
    page = dataset_pages(wanted, site, ENGLISH)["index.html"].decode()
    assert "FROM &#39;https://data.town.example/datasets/places/places.parquet&#39;" in page
    assert "https://data.town.example/datasets/places/versions/2026-03-01/" in page
    assert "80.0 / 100" in page
    assert "1 finding is open on the rows that are published: 1 suggestions" in " ".join(page.split())


def test_what_search_engines_read_cannot_leave_its_place(home):
    evil = "</script><script>alert(1)</script><!-- \u2028"
    dataset = places.declaration(title=evil, keywords=[evil])
    wanted = places.wanted(home, places.release(home, places.rows(3), dataset=dataset), dataset=dataset)
    page = dataset_pages(wanted, Site(), ENGLISH)["index.html"].decode()
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert json.loads(block)["@type"] == "Dataset"
    assert json.loads(block)["keywords"] == [evil]
    assert "<script>alert" not in page
    assert "<!-- " not in page


def test_a_long_address_in_the_preview_still_leads_where_it_led():
    field, speaker = places.declaration().table.fields[0], Speaker()
    address = "https://example.com/" + "a" * 200
    assert preview.cell(address, field, speaker).text == address
    assert preview.cell("a" * 200, field, speaker).text == "a" * 159 + "…"
    assert preview.cell("https://example.com/" + "a" * 3000, field, speaker).text.endswith("…")
