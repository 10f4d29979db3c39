"""Exceptions and corrections over nights: exit codes, when a verdict is due again, lives after a rebuild."""

from datetime import date

import pytest

from checks.accepted import AcceptedException
from checks.amendments import Amendments
from flows.declarations import Declarations
from flows.listing import read_status
from flows.night import night
from flows.outcomes import DONE, HELD
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from tests import workbook_factory as factory
from tests.flows import nights
from warehouse import ledger
from warehouse.ledger import Verdict
from warehouse.lives import Stage, lives, tally
from warehouse.store import reader

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (23, 24, 25))


@pytest.fixture
def home(tmp_path):
    return nights.settings_of(tmp_path / "home")


def declared(*exceptions):
    read = Declarations.read()
    given = {name: Amendments() for name in read.sources}
    read.__dict__["amendments"] = {**given, "agile_pilots": Amendments(tuple(exceptions))}
    return read


def run(settings, day, workbook, declarations):
    with Direct() as runner:
        request = RunRequest(day, {"agile_pilots": str(workbook)}, ("agile-pilots",))
        return night(Run(settings, request, runner, declarations=declarations))


def accepted(**more):
    given = {"table": "pilots", "rule": "range", "column": "grant_eur", "reason": "Paid back.",
             "accepted_by": "programme office", "until": MONDAY}  # fmt: skip
    return AcceptedException.model_validate({**given, **more}).at("checks/accepted/agile_pilots.yaml, line 1")


def newest(settings):
    with reader(settings.home, settings.memory) as connection:
        last = ledger.snapshots(connection, "agile_pilots")[-1]
        found = ledger.findings(connection, "agile_pilots", last.snapshot_id)
        return last, found, lives(connection, "agile_pilots", last.snapshot_id)


def spells(settings):
    with reader(settings.home, settings.memory) as connection:
        columns = "subject, finding_id, opened_date, closed_date, closing, severity"
        ours = "('acceptance-ran-out', 'stale-exception')"
        query = f"SELECT {columns} FROM ledger.spells WHERE rule NOT IN {ours} ORDER BY ALL"
        return connection.execute(query).fetchall()


@pytest.mark.e2e
def test_an_exception_holds_for_its_day_and_is_told_when_it_runs_out(tmp_path, home):
    workbook = tmp_path / "pilots.xlsx"
    rows = [factory.pilot(1, **{"Grant (EUR)": -5}), *(factory.pilot(number) for number in range(2, 13))]
    factory.save(workbook, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})
    assert run(home, MONDAY, workbook, declared(accepted())).exit_code == DONE
    (finding,) = [one for one in newest(home)[1] if one.rule == "range"]
    assert newest(home)[2][finding.finding_id].stage is Stage.ACCEPTED

    outcome = run(home, TUESDAY, workbook, declared(accepted()))  # the same workbook: it is judged anew
    assert outcome.exit_code == HELD
    last, found, told = newest(home)
    assert (last.verdict, told[finding.finding_id].stage) == (Verdict.PARTIAL, Stage.NEW)
    assert "acceptance-ran-out" in {one.rule for one in found}
    with reader(home.home, home.memory) as connection:
        assert tally(connection, "agile_pilots", MONDAY).still_open >= 1

    factory.good_workbook(workbook)  # it is mended: the line is of no use any more
    outcome = run(home, WEDNESDAY, workbook, declared(accepted()))
    assert (outcome.exit_code, outcome.sources[0].snapshot.verdict) == (HELD, Verdict.PASSED)
    assert "line 1 matches nothing any more" in outcome.sources[0].notice
    assert run(home, WEDNESDAY, workbook, declared(accepted())).exit_code == HELD  # until somebody deletes it
    (wrong,) = [row for row in read_status(home, declared(accepted()))["held"] if row["what"] == "agile_pilots"]
    assert "Delete the entry" in wrong["why"] + wrong["what_to_do"]
    assert newest(home)[2][finding.finding_id].stage is Stage.FIXED

    before = spells(home)
    with Direct() as runner:
        request = RunRequest(WEDNESDAY, {"agile_pilots": None}, ("agile-pilots",))
        rebuild_warehouse(Run(home, request, runner, declarations=declared()))
    assert spells(home) == before
