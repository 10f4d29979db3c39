"""Organisations from lists and registers to the portal: what is sure, what is asked, what a decision does."""

import html
from datetime import date

import pytest
import yaml

from flows.outcomes import DONE, HELD
from sources import samples
from tests import workbook_factory as factory
from tests.flows.test_night import published, run, state
from warehouse.identities import decisions

DAY = date(2026, 11, 23)
SHEETS = {
    "Pilots": [
        factory.pilot(1, Company="Falcon Vector Payments", **{"Y-tunnus": None}),
        factory.pilot(2, Company="Quill Indigo Transport Ltd; Hazel & Osprey Fabrications", **{"Y-tunnus": None}),
        factory.pilot(3),
        factory.pilot(4, Company="Juniper Silver", **{"Y-tunnus": None}),
    ],
    "Rounds": [factory.ROUND],
}


@pytest.fixture
def lists(tmp_path):
    """By name, the origins of a workbook of pilots and of the register's sample."""
    sheets = {name: factory.table(rows) for name, rows in SHEETS.items()}
    workbook = factory.save(tmp_path / "pilots.xlsx", sheets)
    return {"agile_pilots": workbook, "companies_house": samples()["companies_house"]}


def night(home, lists, day=DAY):
    return run(home, day, ["organisations"], **lists)


def matched(home):
    """By pilot and place in it, the organisation and how sure it is."""
    return {
        (row["record_key"], row["mention_number"]): (row["org_id"], row["state_code"])
        for row in published(home, "organisations")
        if row["source_code"] == "agile_pilots"
    }


def test_what_is_sure_is_published_what_is_doubtful_asked_and_a_decision_of_nothing_told(
    tmp_path, lists, monkeypatch
):
    home, path = tmp_path / "home", tmp_path / "decisions.yaml"
    monkeypatch.setattr(decisions, "FILE", path)
    path.write_text("[]\n")
    assert state(night(home, lists))["organisations"] == "released"
    sure = {
        ("demo-1", "1"): ("GB-COH-08140586", "automatic"),
        ("demo-2", "1"): ("GB-COH-09106006", "automatic"),
        ("demo-2", "2"): ("GB-COH-09830071", "automatic"),
        ("demo-3", "1"): ("FI-PRO-2170029-2", "automatic"),
    }
    assert matched(home) == {**sure, ("demo-4", "1"): ("", "review")}
    registered = {
        (row["org_id"], row["state_code"])
        for row in published(home, "organisations")
        if row["source_code"] == "companies_house"
    }
    assert registered == {(org_id, "register") for org_id, _ in sure.values() if org_id.startswith("GB-COH-")}
    (page,) = home.glob("reports/*/agile_pilots.html")
    words = html.unescape(page.read_text())
    assert "Which organisation is meant?" in words
    line = '- {source: agile_pilots, name: "Juniper Silver", org_id: GB-COH-06442494, is_same: true'
    assert line in words

    said = {"decided_by": "coordinator", "date": "2026-11-20", "reason": "their own page"}
    path.write_text(yaml.safe_dump([{**yaml.safe_load(line + "}")[0], **said}]))
    assert night(home, lists).exit_code == DONE
    assert matched(home) == {**sure, ("demo-4", "1"): ("GB-COH-06442494", "confirmed")}
    before = published(home, "organisations")

    sheets = {"Pilots": SHEETS["Pilots"][:3], "Rounds": SHEETS["Rounds"]}
    lists["agile_pilots"] = factory.save(
        tmp_path / "without.xlsx", {name: factory.table(rows) for name, rows in sheets.items()}
    )
    outcome = night(home, lists, date(2026, 11, 24))
    (held,) = [one for one in outcome.datasets if one.name == "organisations"]
    assert (outcome.exit_code, held.state) == (HELD, "held")
    assert "A decision speaks of a name that the source does not have any more." in held.message
    assert published(home, "organisations") == before
