"""A night on CSV files that a program wrote nearly right: only what is whole is published."""

import csv
import io
from datetime import date

from flows.outcomes import HELD
from tests import workbook_factory as factory
from tests.flows.test_night import published, run
from warehouse.findings import key_text
from warehouse.home import Home
from warehouse.ledger import Verdict
from warehouse.store import reader


def written(rows):
    text = io.StringIO()
    csv.writer(text).writerows(factory.table(rows))
    return text.getvalue()


def test_broken_records_are_kept_aside_with_their_keys_and_the_others_published(tmp_path):
    inbox = tmp_path / "downloads"
    inbox.mkdir()
    pilots = written([factory.pilot(number, Pilot="Kävely", Note="") for number in range(1, 11)])
    lines = pilots.splitlines(keepends=True)
    lines[2] = lines[2].replace("8000", "8000,50")
    lines[4] = lines[4].replace("A demonstration", "A demon\nstration")
    data = "".join(lines).encode()
    broken = data.splitlines(keepends=True)
    broken[7] = broken[7].replace("ä".encode(), b"\xe4")
    (inbox / "Agile pilots - Pilots.csv").write_bytes(b"".join(broken))
    (inbox / "Agile pilots - Rounds.csv").write_text(written([factory.ROUND]), encoding="utf-8")
    outcome = run(tmp_path / "home", date(2026, 11, 25), agile_pilots=inbox)
    assert outcome.exit_code == HELD
    (source,) = outcome.sources
    assert source.snapshot.verdict is Verdict.PARTIAL
    rows = published(tmp_path / "home", "agile-pilots")
    assert [(row["pilot_id"], row["pilot_name"], row["grant_eur"]) for row in rows] == [
        (f"demo-{number}", "Kävely", "8000.00") for number in (1, 10, 3, 5, 7, 8, 9)
    ]
    with reader(Home(tmp_path / "home")) as connection:
        kept = connection.execute("SELECT row_number, row_key FROM ledger.quarantine ORDER BY ALL").fetchall()
    assert [row for row, _ in kept] == [3, 5, 6, 8]
    keys = [key_text({"pilot_id": f"demo-{number}"}) for number in (2, 4, 6)]
    assert [key for _, key in kept] == [keys[0], keys[1], None, keys[2]]
