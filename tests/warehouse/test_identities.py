"""Which organisation is meant: precision and recall on labelled names, evidence, decisions of people."""

from datetime import date

import duckdb
import pytest
import yaml

from benchmarks.identities import exact_join, judged, load_labelled, make_names, quality
from warehouse import identities
from warehouse.declarations import DeclarationError
from warehouse.identities import decisions
from warehouse.identities.doubts import doubts
from warehouse.identities.names import base_sql, kind_sql, normal_sql, squashed_sql

DAY = date(2020, 6, 1)
MENTION = {
    "source_code": "list", "table_code": "rows", "record_key": "1", "mention_number": 1, "mentioned_name": "",
    "scheme_code": None, "local_id": None, "postcode": None, "city": None, "country_code": None,
    "mention_date": None,
}  # fmt: skip
NAME = {
    "source_code": "register", "table_code": "companies", "scheme_code": "GB-COH", "local_id": "",
    "register_name": "",
    "is_current": True, "from_date": None, "until_date": None, "founded_date": None, "ended_date": None,
    "postcode": None, "city": None, "country_code": "GB",
}  # fmt: skip
TYPES = {"mention_number": "INTEGER", "is_current": "BOOLEAN"}


@pytest.fixture
def world():
    """A function that makes the two input views: of mentions and of names of organisations, by what is told."""
    with duckdb.connect() as connection:

        def make(mentions, names):
            connection.execute("CREATE SCHEMA IF NOT EXISTS core")
            for table, whole, given in (
                ("organisation_mentions", MENTION, mentions),
                ("register_names", NAME, names),
            ):
                types = {name: TYPES.get(name, "DATE" if name.endswith("_date") else "VARCHAR") for name in whole}
                columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
                connection.execute(f"CREATE OR REPLACE TABLE core.{table} ({columns})")
                for number, one in enumerate(given, start=1):
                    row = {**whole, **({"record_key": str(number)} if "record_key" in whole else {}), **one}
                    marks = ", ".join("?" for _ in row)
                    connection.execute(f"INSERT INTO core.{table} VALUES ({marks})", list(row.values()))
            return connection

        yield make


def found(connection):
    """By mentioned name, what was found: org-id, state, evidence of the likeliest."""
    identities.reconcile(connection)
    rows = connection.execute(
        "SELECT mentioned_name, org_id, state_code, evidence_codes FROM identity_matches"
        " WHERE candidate_number = 1"
    ).fetchall()
    return {name: (org_id, state, set(codes.split(";"))) for name, org_id, state, codes in rows}


def names(*listed):
    return [{"local_id": f"0000000{n}", "register_name": name} for n, name in enumerate(listed, start=1)]


@pytest.fixture
def decided(tmp_path, monkeypatch):
    """A function that writes a file of decisions."""

    def write(*given):
        path = tmp_path / f"decisions-{len(list(tmp_path.iterdir()))}.yaml"
        rest = {"source": "list", "decided_by": "a coordinator", "date": "2020-05-01", "reason": "their page"}
        path.write_text(yaml.safe_dump([{**rest, **one} for one in given]))
        monkeypatch.setattr(decisions, "FILE", path)

    return write


# --- labelled names -------------------------------------------------------------------------------------------


def test_automatic_matches_are_right_and_find_nearly_all_on_names_that_were_held_out():
    with duckdb.connect() as connection:
        load_labelled(connection)
        identities.reconcile(connection)
        rows = judged(connection)
    assert len(rows) >= 600
    for part in ("tuned", "held_out"):
        of_part = quality([row for row in rows if row[0] == part])
        assert of_part.wanted >= 150
        assert of_part.precision >= 0.99
        assert of_part.recall >= 0.95


def test_names_among_many_are_found_in_any_writing_and_twice_the_same():
    with duckdb.connect() as connection:
        make_names(connection, 30_000, 150)
        exact_join(connection)
        answers = []
        for _ in range(2):
            identities.reconcile(connection)
            answers.append(connection.execute("FROM identity_matches").fetchall())
        (exact,) = connection.execute("SELECT count(DISTINCT record_key) FROM exact").fetchone()
        (sure, wrong) = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE local_id <> record_key) FROM identity_matches"
            " WHERE state_code = 'automatic'"
        ).fetchone()
    assert answers[0] == answers[1]
    assert sure > 2 * exact
    assert wrong == 0


# --- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base", "kind"),
    [
        ("The Foo & Bar (UK) Limited", "foo and bar uk", "ltd"),
        ("J&M CONTRACTS ( NI ) LIMITED", "j and m contracts ni", "ltd"),
        ("A.I. O’Neill's plc", "ai oneills", "plc"),
        ("Kone Oy Ltd", "kone", "oy"),
        ("Oy Kone Ab", "kone", "oy"),
        ("Ääkköset Osuuskunta", "aakkoset", "osk"),
        ("Straße GmbH", "strasse", "gmbh"),
        ("BEAUTY SPA", "beauty spa", None),
        ("AO.COM  LIMITED", "aocom", "ltd"),
        ("LTD", "ltd", None),
        ("Пример", "пример", None),
        (None, None, None),
    ],
)
def test_a_name_without_what_the_law_disregards(name, base, kind):
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE given (x VARCHAR)")
        connection.execute("INSERT INTO given VALUES (?)", [name])
        row = connection.execute(
            f"SELECT {base_sql('n')}, {kind_sql('n')} FROM (SELECT {normal_sql('x')} AS n FROM given)"
        ).fetchone()
        assert row == (base, kind)


def test_what_differs_by_spaces_or_and_is_the_same_squashed():
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {squashed_sql('x')} FROM unnest(['what 3 words', 'what3words', 'marks and spencer']) AS t(x)"
        ).fetchall()
    assert rows == [("what3words",), ("what3words",), ("marksspencer",)]


# --- evidence -------------------------------------------------------------------------------------------------


def test_a_stated_identifier_comes_first_unless_its_name_is_nothing_alike(world):
    register = names("ALPHA WIDGETS LTD", "BETA ROBOTICS LTD")
    mentions = [
        {"mentioned_name": "Alpha Widgets", "scheme_code": "GB-COH", "local_id": "00000001"},
        {"mentioned_name": "Quite Another", "scheme_code": "GB-COH", "local_id": "00000002"},
        {"mentioned_name": "Left the register", "scheme_code": "GB-COH", "local_id": "09999999"},
        {"mentioned_name": "BETA ROBOTICS", "scheme_code": "GB-COH", "local_id": "unknown"},
        {"mentioned_name": "Nobody", "scheme_code": "XX-ABC", "local_id": "1"},
    ]
    answers = found(world(mentions, register))
    assert answers["Alpha Widgets"] == ("GB-COH-00000001", "automatic", {"identifier"})
    assert answers["Quite Another"] == ("GB-COH-00000002", "review", {"identifier", "name_differs"})
    assert answers["Left the register"] == ("GB-COH-09999999", "automatic", {"identifier", "not_in_register"})
    # what cannot be an identifier is none, and the name has to tell
    assert answers["BETA ROBOTICS"] == ("GB-COH-00000002", "automatic", {"name_equal"})
    assert "Nobody" not in answers


def test_two_that_are_as_good_are_never_told_apart_by_a_guess(world):
    twins = names("ALPHA WIDGETS LTD", "ALPHA WIDGETS LLP")
    twins[0]["postcode"] = "E20 3BS"
    mentions = [{"mentioned_name": "Alpha Widgets"}, {"mentioned_name": "Alpha Widgets Limited"},
                {"mentioned_name": "ALPHA WIDGETS", "postcode": "e203bs"}]  # fmt: skip
    answers = found(world(mentions, twins))
    assert answers["Alpha Widgets"][1] == "review"
    assert "another_as_good" in answers["Alpha Widgets"][2]
    assert answers["Alpha Widgets Limited"][:2] == ("GB-COH-00000001", "automatic")
    assert answers["ALPHA WIDGETS"][:2] == ("GB-COH-00000001", "automatic")
    assert "postcode_equal" in answers["ALPHA WIDGETS"][2]


def test_a_former_name_is_the_organisations_at_its_time_and_somebody_elses_later(world):
    register = [
        {"local_id": "00000001", "register_name": "ALPHA LABS LTD", "from_date": date(2018, 1, 1)},
        {"local_id": "00000001", "register_name": "BETA WIDGETS LTD", "is_current": False,
         "until_date": date(2018, 1, 1)},
        {"local_id": "00000002", "register_name": "BETA WIDGETS LTD", "founded_date": date(2019, 1, 1)},
    ]  # fmt: skip
    mentions = [
        {"mentioned_name": "Beta Widgets", "mention_date": date(2017, 5, 1)},
        {"mentioned_name": "BETA WIDGETS", "mention_date": date(2020, 5, 1)},
        {"mentioned_name": "beta widgets"},
    ]
    answers = found(world(mentions, register))
    assert answers["Beta Widgets"] == ("GB-COH-00000001", "automatic", {"name_equal", "former_name"})
    assert answers["BETA WIDGETS"] == ("GB-COH-00000002", "automatic", {"name_equal"})
    assert answers["beta widgets"][1] == "review"


def test_a_name_long_given_up_is_still_the_organisations_if_nobody_took_it_and_one_taken_later_is_asked(world):
    register = [
        {"local_id": "00000001", "register_name": "ALPHA LABS LTD", "from_date": date(2016, 1, 1),
         "founded_date": date(2010, 1, 1)},
        {"local_id": "00000001", "register_name": "BETA WIDGETS LTD", "is_current": False,
         "until_date": date(2016, 1, 1), "founded_date": date(2010, 1, 1)},
    ]  # fmt: skip
    mentions = [
        {"mentioned_name": "Beta Widgets", "mention_date": date(2019, 5, 1)},
        {"mentioned_name": "Alpha Labs", "mention_date": date(2012, 5, 1)},
    ]
    answers = found(world(mentions, register))
    assert answers["Beta Widgets"] == (
        "GB-COH-00000001", "automatic", {"name_equal", "former_name", "name_given_up_before"}
    )  # fmt: skip
    assert answers["Alpha Labs"] == ("GB-COH-00000001", "review", {"name_equal", "name_taken_later"})


@pytest.mark.parametrize(
    ("mention", "organisation", "code"),
    [
        ({"mention_date": date(2010, 1, 1)}, {"founded_date": date(2015, 1, 1)}, "founded_later"),
        ({"mention_date": date(2019, 1, 1)}, {"ended_date": date(2012, 1, 1)}, "ended_before"),
        ({"country_code": "FI"}, {}, "other_country"),
        ({"mentioned_name": "Alpha Widgets plc"}, {}, "kind_differs"),
    ],
)
def test_what_speaks_against_it_makes_an_equal_name_no_match(world, mention, organisation, code):
    register = [{"local_id": "00000001", "register_name": "ALPHA WIDGETS LTD", **organisation}]
    answers = found(world([{"mentioned_name": "Alpha Widgets", **mention}], register))
    for _, state, codes in answers.values():
        assert state == "review"
        assert code in codes
    assert found(world([{"mentioned_name": "Alpha Widgets"}], register))["Alpha Widgets"][1] == "automatic"


def test_a_word_that_nobody_knows_is_taken_for_one_a_letter_away_and_a_known_word_is_not(world):
    register = names("ALPHA ROBOTICS LTD", "ALPHA ROBOTICA LTD", "GAMMA MACHINES LTD", "MONZO LTD")
    mentions = [
        {"mentioned_name": name} for name in ("Gama Machines", "Gamma Machnies", "Alpha Robotica", "Monzi")
    ]
    answers = found(world(mentions, register))
    assert answers["Gamma Machnies"] == ("GB-COH-00000003", "automatic", {"name_misspelt"})
    assert answers["Alpha Robotica"] == ("GB-COH-00000002", "automatic", {"name_equal"})
    assert answers.get("Monzi", (None, "none"))[1] != "automatic"  # too short for a slip to be told


def test_look_alikes_and_parts_of_names_are_asked_not_matched(world):
    register = names("LOTHIAN SHELF 414 LIMITED", "SKYSCANNER HOLDINGS LIMITED", "MERIDIAN MAGPIE TELECOM LTD")
    listed = ("Lothian Shelf 415", "Skyscanner", "Meridian Magpie Telecoms Group", "Nobody at all")
    answers = found(world([{"mentioned_name": name} for name in listed], register))
    assert {name: answer[1] for name, answer in answers.items()} == {
        "Lothian Shelf 415": "review",
        "Skyscanner": "review",
        "Meridian Magpie Telecoms Group": "review",
    }


# --- decisions ------------------------------------------------------------------------------------------------


def faults(connection):
    return sorted(connection.execute("SELECT mentioned_name, reason_code FROM identity_faults").fetchall())


def test_a_person_confirms_and_refuses(world, decided):
    twins = names("ALPHA WIDGETS LTD", "ALPHA WIDGETS LLP", "BETA ROBOTICS LTD")
    decided(
        {"name": "alpha widgets", "org_id": "GB-COH-00000002", "is_same": True},
        {"name": "Beta Robotics", "org_id": "GB-COH-00000003", "is_same": False},
    )
    connection = world([{"mentioned_name": "Alpha Widgets"}, {"mentioned_name": "Beta Robotics"}], twins)
    answers = found(connection)
    assert answers["Alpha Widgets"][:2] == ("GB-COH-00000002", "confirmed")
    assert "Beta Robotics" not in answers
    assert faults(connection) == []


def test_of_two_as_good_one_that_is_refused_leaves_the_other(world, decided):
    decided({"name": "Alpha Widgets", "org_id": "GB-COH-00000002", "is_same": False})
    connection = world([{"mentioned_name": "Alpha Widgets"}], names("ALPHA WIDGETS LTD", "ALPHA WIDGETS LLP"))
    assert found(connection)["Alpha Widgets"] == ("GB-COH-00000001", "automatic", {"name_equal"})


def test_a_decision_that_speaks_of_nothing_is_told(world, decided):
    decided(
        {"name": "Renamed since", "org_id": "GB-COH-00000001", "is_same": True},
        {"name": "Alpha Widgets", "org_id": "GB-COH-00000009", "is_same": True},
        {"name": "Gamma Machines", "org_id": "GB-COH-00000002", "is_same": False},
        {"name": "Beta Robotics", "org_id": "GB-COH-00000001", "is_same": True},
        {"name": "Abroad", "org_id": "FI-PRO-0112038-9", "is_same": True},
    )
    mentions = [
        {"mentioned_name": "Alpha Widgets"}, {"mentioned_name": "Gamma Machines"}, {"mentioned_name": "Abroad"},
        {"mentioned_name": "Beta Robotics", "scheme_code": "GB-COH", "local_id": "00000002"},
    ]  # fmt: skip
    connection = world(mentions, names("ALPHA WIDGETS LTD", "BETA ROBOTICS LTD"))
    answers = found(connection)
    assert faults(connection) == [
        ("Alpha Widgets", "decision_without_organisation"),
        ("Beta Robotics", "decision_against_identifier"),
        ("Gamma Machines", "decision_without_candidate"),
        ("Renamed since", "decision_without_mention"),
    ]
    # of a register that is not loaded nobody can say what it lacks
    assert answers["Abroad"][:2] == ("FI-PRO-0112038-9", "confirmed")
    assert answers["Alpha Widgets"][1] == "automatic"


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"name": "ALPHA", "org_id": "GB-COH-00000001", "is_same": False}, "decided twice"),
        ({"name": "Alpha", "org_id": "GB-COH-00000002", "is_same": True}, "decided twice"),
        ({"name": "Alpha", "org_id": "GB-COH-1", "is_same": False}, "no org-id in its canonical form"),
        ({"name": "Alpha", "org_id": "GB-COH-00000002", "is_same": False, "date": None}, "valid date"),
    ],
)
def test_decisions_that_contradict_each_other_or_are_not_complete_are_refused(decided, second, told):
    decided({"name": "Alpha", "org_id": "GB-COH-00000001", "is_same": True}, second)
    with pytest.raises(DeclarationError, match=told):
        decisions.decisions()


@pytest.mark.parametrize(("org_id", "is_same"), [("GB-COH-00000002", True), ("GB-COH-00000001", False)])
def test_decisions_that_contradict_each_other_by_another_way_of_writing_count_neither(
    world, decided, org_id, is_same
):
    decided(
        {"name": "Müller & Alpha", "org_id": "GB-COH-00000001", "is_same": True},
        {"name": "Muller and Alpha", "org_id": org_id, "is_same": is_same},
    )
    connection = world(
        [{"mentioned_name": "Muller and Alpha"}], names("MULLER & ALPHA LTD", "MULLER AND ALPHA LLP")
    )
    assert found(connection)["Muller and Alpha"][1] == "review"
    assert {reason for _, reason in faults(connection)} == {"decision_against_decision"}


def test_a_decision_written_in_two_ways_is_one(world, decided):
    same = {"org_id": "GB-COH-00000001", "is_same": True}
    decided({"name": "Müller", **same}, {"name": "Muller", **same})
    connection = world([{"mentioned_name": "Muller"}], names("MULLER LTD"))
    identities.reconcile(connection)
    assert connection.execute("SELECT state_code FROM identity_matches").fetchall() == [("confirmed",)]


def test_a_doubt_gives_the_line_that_settles_it(world, decided, tmp_path):
    mentions = [{"mentioned_name": 'Alpha "Widgets"'}]
    connection = world(mentions, names("ALPHA WIDGETS LTD", "ALPHA WIDGETS LLP"))
    assert doubts(connection, "list", 10) == []
    identities.compute(connection, DAY, "inputs", is_newest=True)
    listed = doubts(connection, "list", 10)
    assert [(one.org_id, one.records_count) for one in listed] == [("GB-COH-00000001", 1), ("GB-COH-00000002", 1)]
    assert doubts(connection, "another", 10) == []
    line = listed[1].line.replace('by: ""', 'by: "a coordinator"').replace("date: ,", "date: 2020-05-01,")
    (said,) = yaml.safe_load(line.replace('reason: ""', 'reason: "their page"'))
    decided({**said, "date": "2020-05-01"})
    identities.compute(connection, DAY, "inputs", is_newest=True)
    assert doubts(connection, "list", 10) == []
    assert connection.execute("SELECT org_id, state_code FROM identities.matches").fetchall() == [
        ("GB-COH-00000002", "confirmed")
    ]


# --- once, and only where it is asked for -----------------------------------------------------------------------


def test_it_is_worked_out_once_for_the_same_input_and_anew_for_another(world, decided, monkeypatch):
    connection = world([{"mentioned_name": "Alpha Widgets"}], names("ALPHA WIDGETS LTD"))
    done = []
    real = identities.reconcile
    monkeypatch.setattr(identities, "reconcile", lambda given: (done.append(1), real(given)))
    for inputs, day in (("a", DAY), ("a", DAY), ("b", DAY), ("b", date(2019, 1, 1)), ("b", DAY)):
        identities.compute(connection, day, inputs, is_newest=True)
    assert len(done) == 3
    decided({"name": "Alpha Widgets", "org_id": "GB-COH-00000001", "is_same": False})
    identities.compute(connection, DAY, "b", is_newest=True)
    assert len(done) == 4
    assert connection.execute("SELECT count(*) FROM identities.matches").fetchone() == (0,)


def test_of_an_earlier_date_a_decision_may_speak_of_nothing_yet(world, decided):
    decided({"name": "Not yet there", "org_id": "GB-COH-00000001", "is_same": True})
    connection = world([{"mentioned_name": "Alpha Widgets"}], names("ALPHA WIDGETS LTD"))
    for is_newest, count in ((False, 0), (True, 1)):
        identities.compute(connection, DAY, "inputs", is_newest=is_newest)
        assert connection.execute("SELECT count(*) FROM identities.decision_faults").fetchone() == (count,)
