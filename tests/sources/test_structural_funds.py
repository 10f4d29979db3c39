"""Lists of the structural funds: damaged lines are what they were or set aside, never something else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.sample_funding import english_list, finnish_list
from sources import NothingThereError, PullRequest, SourceError, declarations, samples
from sources.loading import stage
from sources.structural_funds import english, pull, read
from sources.structural_funds.finnish import COLUMNS, day_of, take_apart
from tests.web_server import give, served
from warehouse.archive import Archive
from warehouse.home import Home
from warehouse.staging import Staged

REAL = Path(__file__).parents[3] / "shared" / "data" / "structural_funds"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
DECLARATION = declarations()["structural_funds"]
DAY = date(2026, 11, 1)


def request(home: Home, origin: object) -> PullRequest:
    return PullRequest(home, DECLARATION, str(origin), DAY)


def staged(tmp_path: Path, *files: Path) -> Staged:
    home = Home(tmp_path / "home")
    origin = files[0]
    if len(files) > 1:
        origin = files[0].parent
    return stage(DECLARATION, pull(request(home, origin)), home, read)


def rows(one: Staged, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(one.path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


BROKEN = "A79005,EAKR,Rivi jota ei voi lukea,1,Y,Toiminnassa,31.12.2018,Example Oy,9000, 100,,;"


# --- damaged lines --------------------------------------------------------------------------------------

WORDS = st.text("abc äÖ-&.;:()0123", min_size=1, max_size=8).map(str.strip).filter(bool)
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(", ".join)
HARD = st.sampled_from(
    ["Vaihe 1,2,3", "A,1,B", "x,Toiminnassa,y", "x,Toiminnassa,1.1.2015,2.2.2016,y", "7,8", "a,,b"]
)
DAYS = st.dates(date(2014, 1, 1), date(2022, 12, 31)).map(lambda day: f"{day.day}.{day.month}.{day.year}")
AMOUNTS = st.one_of(
    st.integers(0, 9_999_999).map(str),
    st.decimals(0, 99_999, places=2, allow_nan=False).map(str),
    st.integers(1, 99).map(lambda number: f"-{number}"),
)


@st.composite
def records(draw: st.DrawFn) -> list[str]:
    """A record as an authority keeps it: any names, and amounts that are never empty."""
    days = [draw(st.one_of(DAYS, st.just(""))) for _ in range(2)]
    name, authority, lead = (draw(st.one_of(NAMES, HARD)) for _ in range(3))
    code = f"{draw(st.sampled_from('AS'))}{draw(st.integers(10000, 99999))}"
    fund, axis = draw(st.sampled_from(["EAKR", "ESR"])), str(draw(st.integers(1, 13)))
    return [code, fund, name, axis, authority, "Toiminnassa", *days, lead, *(draw(AMOUNTS) for _ in range(4))]


def plain(record: list[str]) -> list[str]:
    return [cell.strip() for cell in record]


@settings(max_examples=400, deadline=None)
@given(record=records(), padding=st.sampled_from(["", ",,"]), end=st.sampled_from(["", ";"]), quoted=st.booleans())
def test_a_damaged_line_is_what_it_was_or_set_aside(
    record: list[str], padding: str, end: str, quoted: bool
) -> None:
    line = ",".join(record) + padding
    line = f'"{line}"' if quoted else line
    cells, is_recovered, reason = take_apart(line + end)
    if cells is None:
        assert reason
        assert line.count(",") > 12
    else:
        assert plain(cells) == plain(record)
        assert is_recovered or line + end == ",".join(record)


@settings(max_examples=200, deadline=None)
@given(record=records(), places=st.sets(st.integers(0, 12), min_size=1, max_size=3))
def test_a_line_that_lost_cells_is_never_read_as_another(record: list[str], places: set[int]) -> None:
    record[2] = record[4] = record[8] = "Nimi"
    record[6] = record[6] or "1.1.2015"
    left = [cell for place, cell in enumerate(record) if place not in places]
    assert take_apart(",".join(left) + ";")[0] is None


@pytest.mark.parametrize(
    ("line", "lead", "name"),
    [
        ("A70001,EAKR,T3K, Tuotteita, tehoa,2,Lapin liitto,Toiminnassa,1.1.2015,2.2.2016,Salla,1,2,3,4;",
         "Salla", "T3K, Tuotteita, tehoa"),
        ('A70001,EAKR,"a, b",2,Lapin liitto,Toiminnassa,1.1.2015,2.2.2016,Salla,1,2,3,4', "Salla", "a, b"),
        ('"A70001,EAKR,""Musculo""""-hieronta,1,X-, y,Toiminnassa,2.2.2015,3.3.2016,HELLSTEN OY,15,12,15,12";',
         "HELLSTEN OY", '"Musculo""-hieronta'),
    ],
)  # fmt: skip
def test_lines_as_the_list_has_them(line: str, lead: str, name: str) -> None:
    cells, _, reason = take_apart(line)
    assert cells is not None, reason
    found = dict(zip(COLUMNS, cells, strict=True))
    assert (found["lead_name"], found["project_name"]) == (lead, name)


@pytest.mark.parametrize(
    "line",
    [
        "A70355,EAKR,X,1,Y,Toiminnassa,31.12.2015,31.12.2015,KONEPAJA OY,100000,15.10.2014, 100000,93277,, ;",
        "A70447,EAKR,X,1,Y,Toiminnassa,7560,31.12.2016,SALLA OY,,7560,0,7560",
        "A70001,EAKR,a,1,b,2,c,Toiminnassa,1.1.2015,2.2.2016,d,1,2,3,4",  # two ways
        BROKEN,
        "",
        "," * 12,
        "a" * 5000,
        "," * 5000,
    ],
)
def test_a_line_with_displaced_cells_is_set_aside(line: str) -> None:
    assert take_apart(line)[0] is None


# --- whole lists ----------------------------------------------------------------------------------------


def test_the_sample_is_read_and_a_list_that_is_not_there_is_not_spoken_of(tmp_path: Path) -> None:
    finnish = written(tmp_path / "in" / "list_2026-10-17.csv", f"{finnish_list()}{BROKEN}\n")
    one = staged(tmp_path, finnish)
    assert one.rows == {"finnish_projects": 9, "english_projects": 0}
    assert rows(one, "FROM main.incomplete") == [("english_projects", "not there")]
    both = staged(tmp_path, finnish, written(tmp_path / "in" / "other_2026-10-17.csv", english_list()))
    assert both.rows == {"finnish_projects": 9, "english_projects": 4}
    assert rows(both, "FROM main.incomplete") == []
    assert rows(both, "SELECT row_number, row_key FROM main.quarantine") == [(11, '{"project_code":"A79005"}')]
    found = rows(
        both, "SELECT fund_code, priority_axis, status_code, start_date, granted_eu_state_eur, lead_organisation"
        " FROM staged.finnish_projects WHERE project_code = 'A79001'"
    )  # fmt: skip
    day = date(2017, 9, 1)
    assert found == [("erdf", 2, "running", day, Decimal("140000.00"), "Forum Virium Helsinki Oy")]
    names = rows(both, "SELECT project_name FROM staged.finnish_projects WHERE project_name LIKE '%laajennus%'")
    assert names == [("Verstaan laajennus, toinen vaihe (invented)",)]


def test_a_list_alone_passes_its_checks(tmp_path: Path) -> None:
    from checks.rules import SourceRules
    from checks.verdicts import Before, check_source
    from warehouse.ledger import Verdict

    one = staged(tmp_path, written(tmp_path / "in" / "list_2026-10-17.csv", english_list()))
    with duckdb.connect(str(one.path)) as connection:
        judged = check_source(connection, DECLARATION, SourceRules(), Before({"finnish_projects": 2_881}))
    assert judged.verdict is Verdict.PASSED
    assert judged.accepted == {"finnish_projects": 0, "english_projects": 4}


def test_who_may_be_a_person_is_withheld_with_what_repeats_the_name(tmp_path: Path) -> None:
    lines = finnish_list().splitlines()[:1]
    lines += [
        f"A7900{n},EAKR,{name},1,Lapin liitto,Toiminnassa,1.1.2015,2.2.2016,{lead},1,2,3,4;"
        for n, (name, lead) in enumerate(
            [
                ("Kone", "Example Tmi"),
                ("Doen saha", "DOEN, JANE"),
                ("Saha", "Saha Oy"),
                ("A", "PAJA OYJANE DOE"),
                ("B", ""),
            ]
        )
    ]
    one = staged(tmp_path, written(tmp_path / "list.csv", "\n".join(lines)))
    found = rows(
        one, "SELECT project_name, lead_organisation, lead_kind_code FROM staged.finnish_projects ORDER BY _row"
    )
    assert found == [
        ("Kone", None, "withheld"),
        (None, None, "withheld"),
        ("Saha", "Saha Oy", "organisation"),
        ("A", None, "withheld"),
        ("B", None, "not_stated"),
    ]
    said = " ".join(str(row) for row in rows(one, "SELECT message, value FROM main.findings"))
    assert "3 names of leads are withheld" in said
    assert "JANE" not in said.upper()
    broken = lines[2].replace("1.1.2015,2.2.2016", "1.1.2015,2")
    two = staged(tmp_path / "two", written(tmp_path / "broken.csv", "\n".join([*lines[:2], broken])))
    ((kept,),) = rows(two, "SELECT record FROM main.quarantine")
    assert "JANE" not in kept


@pytest.mark.parametrize(
    ("text", "is_end", "expected"),
    [
        ("01. Nov 15", False, (date(2015, 11, 1), "day")),
        ("31. Dez 18", True, (date(2018, 12, 31), "day")),
        ("Feb 16", False, (date(2016, 2, 1), "month")),
        ("Feb 16", True, (date(2016, 2, 29), "month")),
        ("10-Mrz-2016", False, (date(2016, 3, 10), "day")),
        ("01. Mai 16", False, (date(2016, 5, 1), "day")),
        ("01/02/2016", False, (date(2016, 2, 1), "day")),
        ("31/04/2014", False, (None, None)),
        ("31-Nov-18", True, (None, None)),
        ("soon", False, (None, None)),
    ],
)
def test_german_months(text: str, is_end: bool, expected: tuple[date | None, str | None]) -> None:
    assert english.day_of(text, is_end=is_end) == expected


def test_finnish_days() -> None:
    assert day_of(" 1.3.2015 ") == date(2015, 3, 1)
    assert day_of("31.2.2015") is None


@pytest.mark.parametrize(
    ("costs", "expected", "rule"),
    [
        (("480000", "300000", "125001", "1500000"), Decimal(480000), ("info", None)),
        (("0,48", "0,30", "0,13", "1,5"), Decimal(480000), None),
        (("4800", "3000", "5000", "6000"), None, ("critical", None)),
    ],
)
def test_the_amounts_decide_on_their_unit(
    tmp_path: Path, costs: tuple[str, ...], expected: Decimal | None, rule: tuple[str, None] | None
) -> None:
    text = english_list()
    for old, new in zip(("480000", "300000", "125001", "1500000"), costs, strict=True):
        text = text.replace(f",{old},", f',"{new}",')
    one = staged(tmp_path, written(tmp_path / "list.csv", text))
    ((cost,),) = rows(one, "SELECT total_cost_gbp FROM staged.english_projects WHERE _row = 2")
    assert cost == expected
    said = rows(one, "SELECT severity, value FROM main.findings WHERE rule = 'unit-of-amounts'")
    assert said == ([rule] if rule else [])


def test_projects_without_codes_keep_their_reference_when_an_amount_is_corrected(tmp_path: Path) -> None:
    first = staged(tmp_path / "one", written(tmp_path / "a.csv", english_list()))
    text = english_list().replace("900000,", "910000,").replace("\x92", "’")
    second = staged(tmp_path / "two", written(tmp_path / "b.csv", text, "cp1252"))
    sql = "SELECT project_ref, project_name, eu_gbp FROM staged.english_projects ORDER BY _row"
    assert [row[:2] for row in rows(first, sql)] == [row[:2] for row in rows(second, sql)]
    assert rows(first, sql) != rows(second, sql)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", b"", b"PK\x03\x04 a workbook"])
def test_what_is_no_list_does_not_enter_the_archive(home: Home, body: bytes) -> None:
    with (
        served({"/list.csv": lambda handler: give(handler, 200, body)}) as base,
        pytest.raises(SourceError, match=r"list\.csv"),
    ):
        pull(request(home, f"{base}/list.csv"))
    assert Archive(home, "structural_funds").snapshots() == []


def test_without_an_origin_the_lists_lie_in_the_inbox(home: Home) -> None:
    request = PullRequest(home, DECLARATION, None, DAY)
    with pytest.raises(NothingThereError, match=r"inbox/structural_funds.* --source structural_funds="):
        pull(request)
    written(home.inbox / "structural_funds" / "list_2016-10-17.csv", finnish_list())
    assert [file.name for file in pull(request).files] == ["list_2016-10-17.csv"]


def test_a_file_of_another_kind_is_said_to_be_none(tmp_path: Path) -> None:
    one = staged(tmp_path, written(tmp_path / "list.csv", "a,b\n1,2\n"))
    assert ("unknown-list", "critical") in rows(one, "SELECT rule, severity FROM main.findings")
    lacking = finnish_list().replace("Tila,", "Olo,")
    two = staged(tmp_path / "two", written(tmp_path / "lacking.csv", lacking))
    assert ("missing-column", "status_code") in rows(two, "SELECT rule, column_name FROM main.findings")


def test_the_sample_has_the_bytes_that_its_generator_makes() -> None:
    sample = samples()["structural_funds"]
    texts = {path.name.split("_")[0]: path.read_text(encoding="utf-8-sig") for path in sample.iterdir()}
    assert texts == {"projektilista": finnish_list(), "ESIF": english_list()}


# --- the real lists -------------------------------------------------------------------------------------


@needs_real
def test_the_damaged_list_gives_what_the_mended_one_has(tmp_path: Path) -> None:
    damaged = staged(tmp_path / "one", REAL / "projektilista_2014-2020_original.csv")
    mended = staged(tmp_path / "two", REAL / "projektilista_2014-2020.csv")
    assert damaged.rows["finnish_projects"] == 2_868
    assert mended.rows["finnish_projects"] == 2_880
    assert rows(damaged, "SELECT count(*), count(row_key) FROM main.quarantine") == [(13, 13)]
    assert rows(mended, "SELECT count(*), count(row_key) FROM main.quarantine") == [(1, 1)]
    columns = "project_code, fund_code, priority_axis, start_date, end_date, granted_eu_state_eur,"
    columns += " paid_eu_state_eur, planned_public_eur, realised_public_eur"
    loose = "regexp_replace(lower({}), '[^a-z0-9åäö]', '', 'g')"
    columns += f", {loose.format('authority')} AS authority, {loose.format('project_name')} AS project_name"
    query = f"SELECT {columns} FROM staged.finnish_projects"
    with duckdb.connect() as connection:
        for name, one in (("damaged", damaged), ("mended", mended)):
            connection.execute(f"ATTACH '{one.path}' AS {name} (READ_ONLY)")
        both = (query.replace("staged.", f"{name}.staged.") for name in ("damaged", "mended"))
        differing = connection.execute(" EXCEPT ".join(both)).fetchall()
    # whoever mended the list set these two right by hand: part of the project's name stood before the authority's
    assert [row[0] for row in differing] in ([], ["A70423", "A70452"])


@needs_real
def test_the_english_list_loads_whole(tmp_path: Path) -> None:
    one = staged(tmp_path, REAL / "ESIF_England_2014-2020_beneficiaries_Oct_2016.csv")
    assert one.rows["english_projects"] == 394
    counted = rows(
        one, "SELECT count(DISTINCT project_ref), count(start_date), count(end_date), count(eu_gbp),"
        " count(eu_share_pct), count(eu_share_text), count(*) FILTER (lep_area = 'London'),"
        " count(*) FILTER (fund_code = 'esf_yei'), min(eu_gbp) FROM staged.english_projects"
    )  # fmt: skip
    assert counted == [(394, 393, 393, 394, 392, 2, 22, 13, Decimal("5489.00"))]
    said = dict(rows(one, "SELECT rule, message FROM main.findings WHERE rule <> 'unreadable'"))
    assert said["damaged-characters"].startswith("370 ")
    assert "they are pounds" in said["unit-of-amounts"]
