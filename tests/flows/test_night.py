"""A night as its operator knows it: what is loaded, held, published; and a second night with nothing to do."""

import csv
import json
import shutil
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from dev.synthetic_register import broken, write_register
from flows.backfill import backfill
from flows.errors import RequestError
from flows.outcomes import DONE, FAILED, HELD
from flows.run import Direct, Run, RunRequest
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files, stamps
from warehouse import ledger
from warehouse.home import Home
from warehouse.ledger import Verdict
from warehouse.store import reader

DAY = date(2026, 11, 23)
MONTHS = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "companies_house"
POSTCODE_AREAS = {"EC1V", "EC2A", "E1", "E2", "E8", "E15", "E20", "N1"}


def run(home, day=DAY, datasets=nights.FEW, allow_shrink=(), **sources):
    return nights.run(nights.settings_of(home), day, sources, tuple(datasets), tuple(allow_shrink))


def state(outcome):
    return {one.name: one.state for one in (*outcome.sources, *outcome.datasets)}


def published(home, dataset):
    with (home / "portal" / "datasets" / dataset / f"{dataset}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    folder = tmp_path_factory.mktemp("months")
    for day in MONTHS:
        write_register(folder, rows=1500, day=day, seed=7, zipped=True)
    return folder


def month_file(months, day):
    (found,) = months.glob(f"*{day.isoformat()}*")
    return found


@pytest.fixture(scope="module")
def by_month(tmp_path_factory, months):
    """By month, a home after a night a month up to it: to be read only."""
    folder = tmp_path_factory.mktemp("by-month")
    for day in MONTHS:
        outcome = run(folder / "home", day, companies_house=month_file(months, day))
        assert state(outcome)["tech-city-growth"] == "released"
        shutil.copytree(folder / "home", folder / day.isoformat())
    return {day: folder / day.isoformat() for day in MONTHS}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_good_workbook_goes_to_the_portal_and_the_second_night_writes_nothing(home, tmp_path):
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    first = run(home, agile_pilots=workbook)
    assert first.exit_code == DONE
    assert state(first)["agile-pilots"] == "released"
    assert len(published(home, "agile-pilots")) == 12
    before = stamps(home)
    second = run(home, agile_pilots=workbook)
    assert second.exit_code == DONE
    assert (second.run_id, second.portal.writes) == (None, 0)
    after = stamps(home)
    # a look that found nothing new is noted by a time alone
    for noted in [name for name in after if name.endswith("origins.json")]:
        assert before.pop(noted)[1] == after.pop(noted)[1]
    assert after == before


def test_every_wrong_cell_is_found_and_marked_and_the_good_rows_are_published(home, tmp_path):
    workbook = factory.workbook_with_one_of_each_error(tmp_path / "pilots.xlsx")
    outcome = run(home, agile_pilots=workbook)
    assert outcome.exit_code == HELD
    (source,) = outcome.sources
    assert source.snapshot.verdict is Verdict.PARTIAL
    with reader(Home(home)) as connection:
        found = ledger.findings(connection, "agile_pilots", source.snapshot.snapshot_id)
        kept = connection.execute("SELECT record FROM ledger.quarantine WHERE table_name = 'pilots'").fetchall()
    cells = {(one.row_key, one.column_name) for one in found}
    for name, (_, (column, _, _)) in factory.ERRORS.items():
        assert any(column == other and name in (key or name) for key, other in cells), name
    assert sum(one.rule == "unique" for one in found) == 2
    assert any(one.rule == "unknown-column" for one in found)
    rows = {row["pilot_id"]: row for row in published(home, "agile-pilots")}
    # optional, and no rule of the row depends on it: only the cell is lost, and it is marked
    cells_only = {
        name: column
        for name, (_, (column, _, severity)) in factory.ERRORS.items()
        if column in ("business_id", "participants_count") and severity == "error"
    }
    good = {f"demo-{number}" for number in range(2, 13)}  # demo-1 is there twice: which one is right?
    assert set(rows) == good | set(cells_only)
    assert {name: row["held_columns"] for name, row in rows.items() if row["held_columns"]} == cells_only
    assert all(rows[name][column] == "" for name, column in cells_only.items())
    assert len(kept) == len(factory.ERRORS) - len(cells_only) + 2
    marked = openpyxl.load_workbook(source.annotated)
    pilots = marked["Pilots"]
    commented = {(cell.row, cell.column) for row in pilots.iter_rows() for cell in row if cell.comment}
    rows = {row[0].value: row[0].row for row in pilots.iter_rows(min_row=4)}
    for name in factory.ERRORS:
        assert any(row == rows[name] for row, _ in commented), name
    assert marked.sheetnames[0] == "To do"


def test_a_workbook_without_a_mandatory_column_is_held_and_the_last_good_one_stands_in(home, tmp_path):
    good = factory.good_workbook(tmp_path / "pilots.xlsx")
    run(home, date(2026, 11, 1), agile_pilots=good)
    before = files(home / "portal")
    rows = [{k: v for k, v in factory.pilot(n).items() if k != "Theme"} for n in range(1, 13)]
    (tmp_path / "bad").mkdir()
    bad = factory.save(
        tmp_path / "bad" / "pilots.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    outcome = run(home, DAY, agile_pilots=bad)
    assert outcome.exit_code == HELD
    (source,) = outcome.sources
    assert (source.state, source.stale_since) == ("held", date(2026, 11, 1))
    assert files(home / "portal") == before
    again = run(home, DAY, agile_pilots=bad)  # it stays held, and is not looked at twice
    assert (again.exit_code, again.run_id, state(again)["agile_pilots"]) == (HELD, None, "held")


def test_rubbish_instead_of_a_workbook_is_a_message_and_the_night_goes_on(home, tmp_path, months):
    rubbish = tmp_path / "pilots.xlsx"
    rubbish.write_bytes(b"\x00\x01 not a workbook" * 100)
    outcome = run(home, agile_pilots=rubbish, companies_house=month_file(months, MONTHS[0]))
    assert outcome.exit_code == HELD
    assert state(outcome)["agile_pilots"] in ("held", "failed")
    assert "pilots.xlsx" in next(one.message for one in outcome.sources if one.name == "agile_pilots")
    assert state(outcome)["tech-city-companies"] == "released"


def test_a_source_that_cannot_be_had_fails_the_night_only_if_nothing_stands_in(home, tmp_path):
    assert run(home, agile_pilots=tmp_path / "absent.xlsx").exit_code == FAILED
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    run(home, agile_pilots=workbook)
    outcome = run(home, agile_pilots=tmp_path / "absent.xlsx")
    assert outcome.exit_code == HELD
    assert outcome.sources[0].stale_since == DAY


def test_a_register_that_shrank_is_held_until_somebody_says_so(home, tmp_path, months, by_month):
    shutil.copytree(by_month[MONTHS[0]], home)
    with zipfile.ZipFile(month_file(months, MONTHS[1])) as archive:
        (member,) = archive.infolist()
        lines = archive.read(member).splitlines(keepends=True)
    short = tmp_path / "BasicCompanyDataAsOneFile-2026-02-01.csv"
    short.write_bytes(b"".join(lines[: len(lines) // 2]))
    held = run(home, companies_house=short)
    assert held.exit_code == HELD
    assert held.sources[0].stale_since == MONTHS[0]
    assert "allow-shrink" in held.sources[0].message
    allowed = run(home, companies_house=short, allow_shrink=["companies_house", "tech-city-companies"])
    assert state(allowed)["companies_house"] == "loaded"
    assert state(allowed)["tech-city-companies"] == "released"


def test_personal_columns_leave_neither_the_staging_file_nor_a_page(months, by_month):
    home = by_month[MONTHS[0]]
    with zipfile.ZipFile(month_file(months, MONTHS[0])) as archive:
        (member,) = archive.infolist()
        with archive.open(member) as file:
            text = [line.decode() for line in file]
    header = [name.strip() for name in text[0].split(",")]
    place = header.index("RegAddress.CareOf")
    named = {row[place] for row in csv.reader(text[1:]) if row[place]}
    assert len(named) > 3
    for folder in ("portal", "releases", "reports"):
        for path in (home / folder).rglob("*"):
            if path.suffix in (".csv", ".html", ".json", ".jsonld"):
                content = path.read_text()
                assert not [name for name in named if name in content], path
    with reader(Home(home)) as connection:
        columns = connection.execute("SELECT DISTINCT column_name FROM information_schema.columns").fetchall()
        kept = " ".join(row[0] for row in connection.execute("SELECT record FROM ledger.quarantine").fetchall())
    assert ("care_of",) not in columns
    assert not [name for name in named if name in kept]


@pytest.mark.prove
def test_three_nights_and_one_backfill_make_the_same_releases(tmp_path, months, by_month):
    by_night, filled = by_month[MONTHS[-1]], tmp_path / "filled"
    settings = nights.settings_of(filled)
    request = RunRequest(MONTHS[-1], {"companies_house": str(months)}, nights.FEW)
    with Direct() as runner:
        outcome = backfill(Run(settings, request, runner), MONTHS[0], MONTHS[-1])
    assert outcome.exit_code == DONE
    assert files(filled / "releases") == files(by_night / "releases")
    assert files(filled / "portal") == files(by_night / "portal")
    assert len(list((filled / "releases" / "tech-city-companies").iterdir())) == 3
    growth = published(filled, "tech-city-growth")
    assert sum(int(row["dissolved_count"] or 0) for row in growth if row["year"] == "2026") > 0
    before = stamps(filled / "releases")
    with Direct() as runner:
        again = backfill(Run(settings, request, runner), MONTHS[0], MONTHS[-1])
    assert (again.run_id, again.portal.writes) == (None, 0)
    assert stamps(filled / "releases") == before


def test_a_backfill_of_the_past_never_moves_latest_backwards(home, months):
    run(home, companies_house=month_file(months, MONTHS[2]))
    latest = json.loads((home / "portal/datasets/tech-city-companies/datapackage.json").read_text())
    outcome = run(home, companies_house=month_file(months, MONTHS[0]))
    assert outcome.exit_code == DONE
    with reader(Home(home)) as connection:
        releases = ledger.releases(connection, "tech-city-companies")
    assert releases[0].data_date == MONTHS[0]
    assert releases[-1].data_date == MONTHS[2]
    now = json.loads((home / "portal/datasets/tech-city-companies/datapackage.json").read_text())
    assert now["version"][:10] >= latest["version"][:10]
    # what was first seen in March has been there since January for some: the newest release says so
    assert {row["first_seen_date"] for row in published(home, "tech-city-companies")} == {
        "2026-01-01",
        "2026-03-01",
    }


def test_a_backfill_says_what_of_the_archive_is_damaged_and_goes_on(home, by_month):
    shutil.copytree(by_month[MONTHS[1]], home)
    (first,) = (home / "raw" / "companies_house").glob("2026-01-01-*")
    (packed,) = first.glob("*.zip")
    packed.write_bytes(packed.read_bytes()[:-100])
    (home / "warehouse.duckdb").unlink()
    settings = nights.settings_of(home)
    request = RunRequest(MONTHS[1], {"companies_house": None}, ("tech-city-companies",))
    with Direct() as runner:
        outcome = backfill(Run(settings, request, runner), MONTHS[0], MONTHS[1])
    assert outcome.exit_code == HELD
    assert "damaged" in outcome.sources[0].message
    with reader(Home(home)) as connection:
        assert [one.data_date for one in ledger.promoted(connection, "companies_house")] == [MONTHS[1]]


def test_an_address_with_a_password_is_refused(home):
    with pytest.raises(RequestError, match="password"):
        run(home, companies_house="https://me:secret@example.org/file.zip")
    assert not home.exists()


def test_the_same_rows_make_the_same_bytes_whatever_the_day(home, months, by_month):
    run(home, date(2027, 6, 1), companies_house=month_file(months, MONTHS[0]))
    assert files(home / "releases") == files(by_month[MONTHS[0]] / "releases")


def test_unknown_names_are_refused_before_anything_is_done(home):
    with pytest.raises(RequestError, match="declared are: agile_pilots, code_point_open, companies_house"):
        run(home, agile_pilot="x")
    assert not home.exists()


@pytest.mark.skipif(not SHARED.exists(), reason="the register's real files are not beside the project")
def test_the_real_sample_gives_the_rows_that_an_independent_count_gives(home):
    sample = SHARED / "BasicCompanyDataAsOneFile-2020-05-01_sample.csv"
    outcome = run(home, companies_house=sample, datasets=["tech-city-companies"])
    assert outcome.exit_code == DONE
    with sample.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = set()
    for row in rows:
        postcode = "".join(row["RegAddress.PostCode"].split()).upper()
        if postcode[:-3] in POSTCODE_AREAS:
            expected.add(row["CompanyNumber"])
    found = published(home, "tech-city-companies")
    assert {row["company_number"] for row in found} == expected
    assert len(found) == len(expected) == 137
    names = {row["CompanyNumber"]: row["CompanyName"] for row in rows}
    assert all(row["company_name"].lstrip("'") == names[row["company_number"]].lstrip("'") for row in found)


@pytest.mark.skipif(not SHARED.exists(), reason="the register's real files are not beside the project")
def test_the_publishers_own_test_file_loads_whole(home):
    outcome = run(home, companies_house=SHARED / "CompaniesHouseTestData.zip")
    assert outcome.sources[0].snapshot.tables["companies"].accepted == 87


# --- what a snapshot does not speak of -----------------------------------------------------------------------


def releases_of(home, dataset):
    """By date of the data, the rows of the newest release of that date."""
    with reader(Home(home)) as connection:
        newest = {release.data_date: release for release in ledger.releases(connection, dataset)}
    return {
        day: (home / "releases" / dataset / release.version / f"{dataset}.csv").read_bytes()
        for day, release in newest.items()
    }


def changes_of(home, dataset):
    with (home / "portal" / "datasets" / dataset / "changes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def two_months(tmp_path_factory):
    """Two months of one register, unpacked: the second with one row in fifty broken, and with those rows as they
    were in the first (or not at all, where the company is new).
    """
    folder = tmp_path_factory.mktemp("broken")
    for day in MONTHS[:2]:
        write_register(folder, rows=1500, day=day, seed=7, zipped=False)
    first, second = sorted(folder.glob("*.csv"))
    content, faults = broken(second.read_bytes(), 0.02, seed=5)
    (folder / "broken").mkdir()
    bad = folder / "broken" / second.name
    bad.write_bytes(content)

    def lines(path):
        header, *rows = path.read_bytes().splitlines(keepends=True)
        return header, {row.split(b'","')[1].decode(): row for row in rows}

    (header, before), (_, now) = lines(first), lines(second)
    kept = [before.get(number, b"") if number in faults else row for number, row in now.items()]
    (folder / "as before").mkdir()
    as_before = folder / "as before" / second.name
    as_before.write_bytes(header + b"".join(kept))
    return first, as_before, bad, faults


@pytest.mark.prove
def test_broken_rows_of_the_register_stand_as_they_last_were(home, two_months):
    first, as_before, bad, faults = two_months
    whole = home.with_name("whole")
    for root, newest in ((whole, as_before), (home, bad)):
        run(root, MONTHS[0], companies_house=first)
        outcome = run(root, MONTHS[1], companies_house=newest)
    assert outcome.exit_code == HELD

    def by_key(root, dataset, *keys):
        return {tuple(row[key] for key in keys): row for row in published(root, dataset)}

    companies = {root: by_key(root, "tech-city-companies", "company_number") for root in (whole, home)}
    marked = {key for key, row in companies[home].items() if row["held_since_date"]}
    assert marked
    assert {number for (number,) in marked} <= set(faults)
    assert {companies[home][key]["held_since_date"] for key in marked} == {MONTHS[1].isoformat()}
    unmarked = {key: row | {"held_since_date": ""} for key, row in companies[home].items()}
    assert unmarked == companies[whole]
    of_rows = [row for row in changes_of(home, "tech-city-companies") if row["field"] != "held_since_date"]
    assert of_rows == changes_of(whole, "tech-city-companies")
    removed = [
        {row["company_number"] for row in changes_of(root, "tech-city-companies") if row["change"] == "removed"}
        for root in (whole, home)
    ]
    assert removed[0] == removed[1]
    dissolved = [
        {
            key: row["dissolved_count"]
            for key, row in by_key(root, "tech-city-growth", "year", "sector_code").items()
        }
        for root in (whole, home)
    ]
    assert dissolved[0] == dissolved[1]
    assert published(home, "tech-city-growth") == published(whole, "tech-city-growth")


@pytest.mark.prove  # one seed of tests/flows/test_orders.py shows it in every run
def test_the_order_of_nights_does_not_matter(home, months):
    ordered = home.with_name("ordered")
    for day in MONTHS:
        run(ordered, day, companies_house=month_file(months, day))
    latest = []
    for day in (MONTHS[2], MONTHS[1], MONTHS[0]):
        run(home, MONTHS[2], companies_house=month_file(months, day))
        with reader(Home(home)) as connection:
            latest.append(ledger.releases(connection, "tech-city-companies")[-1].order)
    assert latest == sorted(latest)
    for dataset in ("tech-city-companies", "tech-city-growth"):
        assert releases_of(home, dataset) == releases_of(ordered, dataset)


@pytest.mark.prove  # as above
def test_a_late_correction_reaches_the_dates_after_it(home, months, tmp_path):
    corrected = tmp_path / month_file(months, MONTHS[0]).name
    write_register(tmp_path, rows=1400, day=MONTHS[0], seed=7, zipped=True)
    assert corrected.exists()
    ordered = home.with_name("ordered")
    for day, file in ((MONTHS[0], corrected), (MONTHS[1], month_file(months, MONTHS[1]))):
        run(ordered, day, companies_house=file, allow_shrink=["companies_house"])
    for day in MONTHS[:2]:
        run(home, day, companies_house=month_file(months, day))
    run(home, MONTHS[1], companies_house=corrected, allow_shrink=["companies_house", "tech-city-companies"])
    for dataset in ("tech-city-companies", "tech-city-growth"):
        assert releases_of(home, dataset) == releases_of(ordered, dataset)


def test_one_bad_date_does_not_remove_a_known_pilot(home, tmp_path):
    run(home, date(2026, 11, 1), agile_pilots=factory.good_workbook(tmp_path / "pilots.xlsx"))
    rows = [factory.pilot(number) for number in range(1, 13)]
    rows[4]["Ends"] = "some day"
    rows[5]["Participants"] = "n. twelve"
    (tmp_path / "next").mkdir()
    sheets = {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    outcome = run(home, DAY, agile_pilots=factory.save(tmp_path / "next" / "pilots.xlsx", sheets))
    assert outcome.exit_code == HELD
    pilots = {row["pilot_id"]: row for row in published(home, "agile-pilots")}
    assert len(pilots) == 12
    assert pilots["demo-5"]["held_since_date"] == DAY.isoformat()
    assert pilots["demo-5"]["end_date"] == "2016-08-31"
    assert (pilots["demo-6"]["participants_count"], pilots["demo-6"]["held_columns"]) == ("", "participants_count")
    assert not [row for row in changes_of(home, "agile-pilots") if row["change"] == "removed"]
    (source,) = outcome.sources
    load = source.snapshot.tables["pilots"]
    assert (load.quarantined, load.held, load.held_cells, load.vanished) == (1, 1, 1, 0)
