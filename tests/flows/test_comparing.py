"""What rules compare with: tables of other sources, and how their own last were."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

from flows.comparing import Compared, compared
from flows.declarations import Declarations
from tests.flows.nights import FEW, run, settings_of
from warehouse import ledger
from warehouse.store import reader

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 2)


def test_a_follow_up_of_a_pilot_that_nobody_knows_is_told_once_the_pilots_are_known(tmp_path):
    settings, declared = settings_of(tmp_path / "home"), Declarations.read()
    assert compared(settings.home, declared, "pilot_followups", DAY, tmp_path, "1GB") == Compared()
    pilots = ROOT / "sources" / "agile_pilots" / "sample"
    followups = ROOT / "sources" / "pilot_followups" / "sample"
    run(settings, DAY, {"agile_pilots": pilots}, FEW)

    known = compared(settings.home, declared, "pilot_followups", DAY, tmp_path, "1GB")
    assert set(known.elsewhere) == {"agile_pilots.pilots"}
    assert compared(settings.home, declared, "agile_pilots", DAY, tmp_path, "1GB") == Compared()
    earlier = compared(settings.home, declared, "agile_pilots", DAY + timedelta(days=1), tmp_path, "1GB").earlier
    assert set(earlier) == {"pilots"}
    assert compared(settings.home, declared, "kalasatama", DAY, tmp_path, "1GB") == Compared()

    outcome = run(settings, DAY + timedelta(days=1), {"pilot_followups": followups}, FEW)
    (snapshot,) = [one.snapshot for one in outcome.sources if one.name == "pilot_followups"]
    with reader(settings.home) as connection:
        found = ledger.findings(connection, "pilot_followups", snapshot.snapshot_id)
    with duckdb.connect() as connection:
        path = str(known.elsewhere["agile_pilots.pilots"])
        ids = {row[0] for row in connection.execute("SELECT pilot_id FROM read_parquet(?)", [path]).fetchall()}
        assert len(ids) > 10
    told = {one.value for one in found if one.rule == "pilot-is-known"}
    assert not told & ids
    assert all(one.severity == "warning" for one in found if one.rule == "pilot-is-known")
