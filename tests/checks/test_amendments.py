"""Exceptions and corrections: what they cost and say, that they never outlive their case, and what is refused."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from checks.accepted import AcceptedException
from checks.amendments import READING_RULES, Amendments, amendments_of_sources
from checks.corrections import Correction
from checks.plausible import Before
from checks.rules import SourceRules
from checks.verdicts import check_source, source_fingerprint
from tests.checks.hand_ins import COLUMNS, FIRST, LAX, Desk, HandIn, Row, declared
from warehouse import ledger
from warehouse.declarations import DeclarationError, Severity
from warehouse.ledger import Verdict
from warehouse.lives import Stage, lives, tally
from warehouse.messages import Language, said_in

ROOT = Path(__file__).resolve().parents[2]
SOURCE = declared()
UNTIL = date(2026, 2, 1)


def sheet(*faults, day=FIRST, number=0):
    """A hand-in whose first rows have the faults, with enough good ones behind them."""
    rows = tuple(Row(f"o{n}", "water", n, "a", set(one)) for n, one in enumerate([*faults, *[()] * 6], start=1))
    return HandIn(day, number, rows, "offers.xlsx", "Grant", tuple(COLUMNS))


def accepting(day=FIRST, **more):
    given = {"table": "offers", "rule": "range", "column": "grant", "reason": "It was paid back.",
             "accepted_by": "programme office", "until": UNTIL}  # fmt: skip
    one = AcceptedException.model_validate({**given, **more}).at("checks/accepted/offers.yaml, line 3")
    return Amendments((one,)).on(day, FIRST)


def correcting(day=FIRST, key="o1", **more):
    given = {"table": "offers", "key": {"offer_id": key}, "column": "grant", "from": "-1", "to": "100",
             "reason": "A slip.", "evidence": "https://example.org/decision", "status": "reported"}  # fmt: skip
    one = Correction.model_validate({**given, **more}).at("checks/corrections/offers.yaml, line 3")
    return Amendments(corrections=(one,)).on(day, day)


def judged(one, amendments, desk=None):
    desk = desk or Desk()
    checked = desk.judge(one, LAX, amendments)
    return desk, checked, ledger.findings(desk.connection, "offers", one.id)


def test_what_is_accepted_is_told_and_costs_nothing():
    one = sheet({"grant"}, {"people"})
    _, before, _ = judged(one, Amendments())
    assert before.verdict is Verdict.PARTIAL
    desk, _, found = judged(one, accepting(key={"offer_id": "o1"}))
    assert {(f.rule, f.row_key): f.severity for f in found} == {
        ("range", "o1"): Severity.INFO,
        ("required", "o2"): Severity.ERROR,
    }
    (accepted,) = [f for f in found if f.rule == "range"]
    life = lives(desk.connection, "offers", one.id)[accepted.finding_id]
    assert (life.stage, life.accepted_until, life.reason) == (Stage.ACCEPTED, UNTIL, "It was paid back.")
    assert tally(desk.connection, "offers", FIRST).accepted == 1


@pytest.mark.parametrize(
    "more",
    [{"key": {"offer_id": "o1"}}, {"group": {"theme": "water"}}, {}, {"value": "-1"}, {"value": "-1.0"}],
)
def test_a_row_a_group_or_all_rows_are_accepted(more):
    _, checked, _ = judged(sheet({"grant"}), accepting(**more))
    assert checked.verdict is Verdict.PASSED


def test_a_cell_that_cannot_be_read_may_be_accepted():
    given = accepting(rule="type", key={"offer_id": "o1"})
    assert judged(sheet({"grant unread"}), given)[1].verdict is Verdict.PASSED


@pytest.mark.parametrize("more", [{"value": "-2"}, {"group": {"theme": "waste"}}, {"key": {"offer_id": "o9"}}])
def test_another_value_or_row_is_not_accepted(more):
    _, checked, found = judged(sheet({"grant"}), accepting(**more))
    assert checked.verdict is Verdict.PARTIAL
    assert {f.rule for f in found} == {"range", "stale-exception"}


def test_after_its_day_it_counts_again_and_that_is_said():
    one = sheet({"grant"})
    desk, _, _ = judged(one, accepting())
    _, checked, found = judged(one, accepting(day=date(2026, 2, 2)), desk)
    assert checked.verdict is Verdict.PARTIAL
    (told,) = [f for f in found if f.rule == "acceptance-ran-out"]
    assert "line 3" in told.message
    assert "It was paid back." in told.message
    life = next(one for one in lives(desk.connection, "offers", one.id).values() if one.reason)
    assert (life.stage, life.accepted_until) == (Stage.NEW, UNTIL)


def test_the_verdict_is_due_again_the_day_after():
    given = accepting()
    on = [source_fingerprint(SOURCE, SourceRules(), given, day) for day in (FIRST, UNTIL, date(2026, 2, 2))]
    assert on[0] == on[1] != on[2]
    assert source_fingerprint(SOURCE, SourceRules()) not in on


@pytest.mark.parametrize("amendments", [accepting(), correcting(**{"from": "7"})])
def test_a_line_that_matches_nothing_is_an_error_that_says_what_to_delete(amendments):
    _, _, found = judged(sheet(), amendments)
    (told,) = found
    assert told.severity is Severity.ERROR
    assert "line 3" in told.message
    assert "elete the entry" in told.help
    assert said_in(told.message, Language.FINNISH) != told.message


def test_nothing_is_called_idle_that_nobody_could_look_at():
    one = replace(sheet(), lost=True)
    assert {f.rule for f in judged(one, accepting())[2]} == {"missing-column"}
    assert {f.rule for f in judged(one, correcting(key="o99"))[2]} == {"missing-column"}


def test_a_correction_is_made_before_the_rules_and_both_values_are_kept():
    one = sheet({"grant"})
    desk, checked, found = judged(one, correcting())
    assert checked.verdict is Verdict.PASSED
    (told,) = found
    assert (told.rule, told.severity, told.row_number, told.column_name) == (
        "corrected",
        Severity.INFO,
        2,
        "grant",
    )
    assert "“-1”" in told.message
    assert "“100”" in told.message
    assert "A slip." in told.message
    (kept,) = ledger.corrections(desk.connection, "offers", one.id)
    assert (kept.row_key, kept.old_value, kept.new_value, kept.status) == ("o1", "-1", "100", "reported")


@pytest.mark.parametrize(
    ("fault", "was", "to"), [("grant unread", "a lot", "5"), ("people", "", "7"), ("grant", "-1", "")]
)
def test_what_could_not_be_read_and_what_is_empty_can_be_corrected(fault, was, to):
    column = fault.split()[0]
    _, checked, found = judged(sheet({fault}), correcting(column=column, **{"from": was, "to": to}))
    assert checked.verdict is Verdict.PASSED
    assert [f.rule for f in found] == ["corrected"]


def test_no_personal_value_is_kept_that_a_correction_took_out():
    one = sheet()
    one.rows[0].note = "ask anna@example.org"
    desk, _, _ = judged(one, correcting(column="note", **{"from": "ask anna@example.org", "to": "ask us"}))
    (kept,) = ledger.corrections(desk.connection, "offers", one.id)
    assert (kept.old_value, kept.new_value) == ("(withheld)", "ask us")
    told = "FROM ledger.findings UNION ALL BY NAME FROM ledger.corrections"
    assert "anna" not in repr(desk.connection.execute(told).fetchall())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"from": "9", "to": "1"}, "not needed any more"),  # o1 has the grant 1
        ({"from": "9"}, "says “1” now, not “9”"),
        ({"key": "o99"}, "a row that is not there"),
    ],
)
def test_an_idle_correction_says_why(more, says):
    (told,) = judged(sheet(), correcting(**more))[2]
    assert told.rule == "stale-correction"
    assert says in told.message


def test_a_correction_is_of_the_data_of_its_time():
    one = sheet({"grant"})
    for bounds in ({"valid_to": date(2025, 1, 1)}, {"valid_from": date(2027, 1, 1)}):
        assert [f.rule for f in judged(one, correcting(**bounds))[2]] == ["range"]


def test_a_second_check_takes_back_what_the_first_corrected():
    desk, run = Desk(), None
    run = desk.connection.execute
    run("ATTACH ':memory:' AS staging; USE staging")
    desk._stage(sheet({"grant"}, {"grant unread"}), SOURCE)
    both = Amendments(
        corrections=(*correcting().corrections, *correcting(key="o2", **{"from": "a lot", "to": "5"}).corrections)
    ).on(FIRST, FIRST)
    everything = "SELECT rule, severity, value, row_number, finding_id FROM main.findings ORDER BY ALL"
    said = []
    for given in (Amendments(), both, both, Amendments()):
        check_source(desk.connection, SOURCE, SourceRules(), Before({}), amendments=given)
        grants = run("SELECT grant FROM staged.offers WHERE _row < 4 ORDER BY _row").fetchall()
        said.append((run(everything).fetchall(), grants))
    assert said[0] == said[3]
    assert said[1] == said[2] != said[0]
    assert said[1][1] == [(100,), (5,)]
    assert said[0][1] == [(-1,), (None,)]


# --- files ------------------------------------------------------------------------------------------------

ACCEPTED = """
- table: offers
  rule: range
  column: grant
  key: {offer_id: "o1"}
  reason: It was paid back.
  accepted_by: programme office
  until: 2026-02-01
"""
CORRECTED = """
- table: offers
  key: {offer_id: "o1"}
  column: grant
  from: "-1"
  to: "100"
  reason: A slip.
  evidence: https://example.org/decision
  status: reported
"""


def read(tmp_path, accepted=None, corrected=None, name="offers", source=SOURCE):
    for kind, text in (("accepted", accepted), ("corrections", corrected)):
        (tmp_path / kind).mkdir()
        if text:
            (tmp_path / kind / f"{name}.yaml").write_text(text)
    return amendments_of_sources({"offers": source}, {"offers": SourceRules()}, tmp_path)["offers"]


def test_the_files_are_read_and_know_their_lines(tmp_path):
    found = read(tmp_path, ACCEPTED, CORRECTED)
    assert found.accepted[0].place == "checks/accepted/offers.yaml, line 2"
    assert found.corrections[0].place == "checks/corrections/offers.yaml, line 2"


@pytest.mark.parametrize(
    ("was", "then", "says"),
    [
        ("table: offers", "table: ofers", "line 2: 0.table: offers has no table ofers; perhaps offers is meant"),
        ("rule: range", "rule: rangee", "line 3: 0.rule: no rule rangee that may be accepted"),
        ("column: grant", "column: gran", "line 4: 0.column: offers has no column gran; perhaps grant"),
        ("offer_id", "id", "line 5: 0.key: the key of offers is offer_id"),
        ("until: 2026-02-01", "until: soon", "line 8"),
        ("rule: range", "rule: personal-data", "line 3: 0.rule: no rule personal-data"),
        ("rule: range\n  column: grant", "rule: row-count", "line 3: 0.rule: row-count holds the whole table"),
        ("rule: range\n  column: grant", "rule: unique", "line 3: 0.rule: unique is on the key"),
        ("rule: range\n  column: grant", "rule: type\n  column: offer_id", "is on the key"),
        ("rule: range", "rule: personal-data", "no rule personal-data that may be accepted"),
        ('key: {offer_id: "o1"}', "group: {contact: x}", "holds personal data"),
        ("  until", '  group: {theme: "water"}\n  until', "not both"),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_its_line(tmp_path, was, then, says):
    with pytest.raises(DeclarationError) as error:
        read(tmp_path, accepted=ACCEPTED.replace(was, then))
    assert says in str(error.value)
    assert "offers.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("was", "then", "says"),
    [
        ("column: grant", "column: contact", "line 4: 0.column: contact holds personal data"),
        ('to: "100"', "to: much", "line 6: 0.to: 'much' is no value of grant (integer)"),
        ('to: "100"', 'to: "-1"', "from and to are the same"),
        ("offer_id", "id", "line 3: 0.key"),
        ("status: reported", "status: forgotten", "line 9"),
        ("evidence: ", "evidence: Ask matti@firma.fi. ", "line 8: 0.evidence: it holds personal data (e-mail"),
    ],
)
def test_what_cannot_be_corrected_is_refused_with_its_line(tmp_path, was, then, says):
    with pytest.raises(DeclarationError) as error:
        read(tmp_path, corrected=CORRECTED.replace(was, then))
    assert says in str(error.value)


def test_a_file_of_no_source_and_a_cell_corrected_twice_are_refused(tmp_path):
    with pytest.raises(DeclarationError, match=r"line 1: there is no source offer .*perhaps offers is meant"):
        read(tmp_path, ACCEPTED, name="offer")
    (tmp_path / "twice").mkdir()
    with pytest.raises(DeclarationError, match=r"line 10: .*corrected twice"):
        read(tmp_path / "twice", corrected=CORRECTED + CORRECTED.lstrip("\n"))


def test_no_line_names_anybody_of_a_table_about_people(tmp_path):
    table = SOURCE.tables[0].model_dump(by_alias=True, exclude={"person_key"})
    people = SOURCE.model_copy(
        update={"tables": (type(SOURCE.tables[0]).model_validate({**table, "about_people": True}),)}
    )
    for number, given in enumerate([{"accepted": ACCEPTED}, {"corrected": CORRECTED}]):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(DeclarationError, match=r"about people|holds personal data"):
            read(tmp_path / str(number), source=people, **given)


def test_every_rule_of_reading_that_may_be_accepted_is_one():
    text = "".join(path.read_text() for path in (ROOT / "sources").rglob("*.py"))
    assert [rule for rule in READING_RULES if f'"{rule}"' not in text] == []
