"""In whatever order snapshots come, with repeats and corrections, what stands at each date ends up the same."""

import random
from datetime import date

import pytest

from dev.synthetic_register import write_register
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from warehouse import ledger
from warehouse.home import Home
from warehouse.store import reader

MONTHS = [date(2025, month, 1) for month in (9, 10, 11, 12)]
DATASETS = ("tech-city-companies", "tech-city-growth", "data-quality")
# A night costs four seconds of processor: one short history in every run, long ones in `make prove`.
HISTORIES = [(1, 2, 1), *(pytest.param(seed, 4, 2, marks=pytest.mark.prove) for seed in range(1, 22))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """By month, two states of its file: one, and the one that corrects it."""
    root = tmp_path_factory.mktemp("register")
    return {
        day: [write_register(root / f"{rows}", rows=rows, day=day, seed=3)[0] for rows in (300, 280)]
        for day in MONTHS
    }


def run(home, file):
    settings = Settings(Home(home), str(home / "portal"))
    request = RunRequest(date(2025, 12, 24), {"companies_house": str(file)}, DATASETS, DATASETS, publish=False)
    with Direct() as runner:
        night(Run(settings, request, runner))


def releases(home):
    with reader(Home(home)) as connection:
        return {dataset: ledger.releases(connection, dataset) for dataset in DATASETS}


def as_of(home):
    """By dataset and month, the rows of what was the latest release then."""
    found = {}
    for dataset, listed in releases(home).items():
        for day in MONTHS:
            known = [release for release in listed if release.data_date <= day]
            if known:
                file = home / "releases" / dataset / known[-1].version / f"{dataset}.csv"
                found[dataset, day] = file.read_bytes()
    return found


@pytest.mark.parametrize(("seed", "months", "more"), HISTORIES)
def test_every_order_ends_in_the_same_releases(files, tmp_path, seed, months, more):
    chance, days = random.Random(seed), MONTHS[:months]
    events = [(day, chance.randrange(2)) for day in days + chance.choices(days, k=more)]
    chance.shuffle(events)
    latest = dict.fromkeys(DATASETS, (date.min, 0))
    for day, variant in events:
        run(tmp_path / "shuffled", files[day][variant])
        for dataset, listed in releases(tmp_path / "shuffled").items():
            assert listed[-1].order >= latest[dataset]
            latest[dataset] = listed[-1].order
    last = dict(events)
    for day in days:
        run(tmp_path / "ordered", files[day][last[day]])
    assert as_of(tmp_path / "shuffled") == as_of(tmp_path / "ordered")
