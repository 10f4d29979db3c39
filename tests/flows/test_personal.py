"""Personal data in a workbook, from the night to all it leaves: nothing outside the raw archive holds them."""

import zipfile
from datetime import date

import duckdb
import pytest

from flows.night import Direct, NightRequest, night
from flows.outcomes import HELD
from flows.settings import Settings
from tests import workbook_factory as factory
from warehouse.home import Home

SECRETS = ("matti.meikalainen@firma.fi", "040 123 4567", "131052-308T")
DAY = date(2026, 11, 23)


def run(home, workbook, day=DAY):
    settings = Settings(Home(home), str(home / "portal"))
    with Direct() as runner:
        return night(settings, NightRequest(day, {"agile_pilots": str(workbook)}, ("agile-pilots",)), runner)


def workbook(path, **values):
    path.parent.mkdir(exist_ok=True)
    rows = [factory.pilot(1, **values), *(factory.pilot(number) for number in range(2, 13))]
    return factory.save(path, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})


def holders(home, *secrets, private=("raw", "staging", "inbox")):
    """Files below a home, but for private ones, whose bytes or contents hold one of the texts."""
    found = []
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.relative_to(home).parts[0] in private:
            continue
        contents = [path.read_bytes(), str(path.relative_to(home)).encode()]
        if path.suffix == ".parquet":
            contents.append(repr(duckdb.read_parquet(str(path)).fetchall()).encode())
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                contents += [book.read(name) for name in book.namelist()]
        found += [(str(path.relative_to(home)), s) for s in secrets if any(s.encode() in one for one in contents)]
    return found


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_night_leaves_nothing_of_it_but_in_what_goes_back_to_its_keeper(home, tmp_path):
    name = f"pilots {SECRETS[0]}.xlsx"
    book = workbook(
        tmp_path / name,
        **{
            "Description": f"Ask {SECRETS[0]}.",
            "Result": f"Call {SECRETS[1]}.",
            "Note": f"Tested by {SECRETS[2]}",
        },
    )
    outcome = run(home, book)
    assert outcome.exit_code == HELD
    (row,) = duckdb.sql(
        f"SELECT description, result, held_columns FROM '{home}/portal/datasets/agile-pilots/agile-pilots.parquet'"
        " WHERE pilot_id = 'demo-1'"
    ).fetchall()
    assert row == (None, None, "description;result")
    assert SECRETS[0] not in repr(outcome)
    left = [(path, secret) for path, secret in holders(home, *SECRETS) if "annotated" not in path]
    assert left == []
