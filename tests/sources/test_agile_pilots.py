"""The agile pilots: their declaration, their sample, and how the workbook is pulled."""

import csv
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dev import sample_pilots
from sources import NothingThereError, PullRequest, SourceError, declarations, package
from sources.workbooks.inbox import pull
from tests.workbook_factory import ROOT, ROUND, SAMPLE, declaration, good_workbook, pilot, save, snapshot, table
from warehouse.declarations import Privacy, Severity, normalised, read_yaml
from warehouse.home import Home

FACTS = (
    Path(os.environ.get("OPENDISTRICT_SHARED_DATA", ROOT.parent / "shared" / "data"))
    / "facts"
    / "agile_pilots.csv"
)
agile_pilots = package(declaration())


@pytest.fixture(scope="module")
def sample():
    return agile_pilots.read(snapshot(SAMPLE), declaration(), SAMPLE.parent)


def codes(name):
    return set(read_yaml(ROOT / "warehouse" / "reference" / "code_lists.yaml")[name]["codes"])


def has_valid_check_digit(business_id):
    total = sum(int(digit) * weight for digit, weight in zip(business_id, (7, 9, 10, 5, 8, 4, 2), strict=False))
    return int(business_id[-1]) == (11 - total % 11) % 11


def test_no_header_means_two_columns():
    for source in declarations().values():
        for declared in source.tables:
            named = Counter(
                text
                for field in declared.fields
                for text in {normalised(name) for name in (field.name, field.title, *field.source_names)}
            )
            assert [text for text, times in named.items() if times > 1] == []


def test_contacts_are_personal_and_everything_a_person_fills_in_has_help():
    pilots = declaration().table("pilots")
    personal = {field.name for field in pilots.fields if field.privacy is Privacy.PERSONAL}
    assert personal == {"contact_name", "contact_email"}
    for declared in declaration().tables:
        assert all(field.help and field.description for field in declared.fields)


def test_the_sample_is_read_without_an_error(sample):
    assert {f.severity for f in sample.findings} <= {Severity.WARNING, Severity.INFO}
    assert sorted(f.rule for f in sample.findings) == [
        "skipped-row", "skipped-row", "skipped-row", "unknown-column", "unknown-sheet",
    ]  # fmt: skip


def test_the_sample_keeps_its_own_rules(sample):
    pilots = sample.tables["pilots"].to_pylist()
    rounds = sample.tables["rounds"].to_pylist()
    assert len(pilots) == 69
    assert sum("(invented)" in row["programme"] for row in pilots) == 7
    for name, rows, key in (("pilots", pilots, "pilot_id"), ("rounds", rounds, "round_id")):
        assert len({row[key] for row in rows}) == len(rows)
        for field in declaration().table(name).fields:
            values = [row[field.name] for row in rows]
            held = field.constraints
            if held.required:
                assert all(values), field.name
            if held.code_list:
                assert {value for value in values if value} <= codes(held.code_list), field.name
            if held.max_length:
                assert all(len(value) <= held.max_length for value in values if value), field.name
    assert {row["round_id"] for row in pilots if row["round_id"]} <= {row["round_id"] for row in rounds}
    for row in pilots:
        assert row["business_id"] is None or has_valid_check_digit(row["business_id"])
        assert row["end_date"] is None or 0 <= (row["end_date"] - row["start_date"]).days <= 183
        assert (row["start_date"] is None) == (row["date_precision_code"] is None)
        if row["date_precision_code"] == "month":
            assert row["start_date"].day == 1
        assert bool(row["source_url"]) != ("(invented)" in row["programme"])
    for row in rounds:
        assert row["offers_count"] is None or row["selected_count"] <= row["offers_count"]


def test_the_sample_is_what_the_script_writes(tmp_path):
    sample_pilots.write(tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == SAMPLE.read_bytes()


@pytest.mark.skipif(not FACTS.exists(), reason="the collected facts are not here")
def test_the_sample_says_what_the_facts_say(sample):
    with FACTS.open(encoding="utf-8", newline="") as file:
        facts = [row for row in csv.DictReader(file) if row["row_kind"] == "pilot"]
    ours = {row["pilot_name"]: row for row in sample.tables["pilots"].to_pylist()}
    for fact in facts:
        name = fact["pilot_name"]
        row = ours["Pilot of T-APPS BV (title not stated)" if name.startswith("(pilot title") else name]
        assert row["source_url"] == fact["source_url"]
        assert row["confidence_code"] == fact["confidence"]
        assert row["programme"] == fact["programme"]
        assert row["city"] == fact["city"]
        assert not fact["business_id"] or row["business_id"] == fact["business_id"]
        assert row["grant_eur"] == (int(fact["grant_eur"]) if fact["grant_eur"] else None)
        assert (row["organisation"] is None) == (not fact["organisation"])
        assert (row["district"] or "") == fact["district"]
        if row["start_date"]:
            assert row["start_date"].isoformat().startswith(fact["start_date"])
        else:
            assert not fact["start_date"].replace("-", "").isdigit()
        if row["end_date"]:
            assert row["end_date"].isoformat().startswith(fact["end_date"])


# --- pulling -----------------------------------------------------------------------------------------


def request(tmp_path, origin=None, day=date(2026, 1, 31)):
    return PullRequest(Home(tmp_path / "home"), declaration(), origin, day)


def test_the_newest_of_the_inbox_is_pulled_and_once_only(tmp_path):
    inbox = tmp_path / "home" / "inbox" / "agile_pilots"
    inbox.mkdir(parents=True)
    old = good_workbook(inbox / "a.xlsx", pilots=3)
    os.utime(old, (1, 1))
    good_workbook(inbox / "b.xlsx", pilots=4)
    (inbox / "~$b.xlsx").write_bytes(b"a lock")
    (inbox / "notes.docx").write_bytes(b"no workbook")
    first = agile_pilots.pull(request(tmp_path))
    assert [file.name for file in first.files] == ["b.xlsx"]
    assert first.date == date(2026, 1, 31)
    assert agile_pilots.pull(request(tmp_path, day=date(2026, 2, 1))).id == first.id


def test_a_path_a_folder_and_nothing(tmp_path):
    path = good_workbook(tmp_path / "pilots of 2016.xlsx")
    assert agile_pilots.pull(request(tmp_path, str(path))).files[0].name == "pilots of 2016.xlsx"
    assert agile_pilots.pull(request(tmp_path, str(tmp_path))).files[0].name == "pilots of 2016.xlsx"
    for origin in (None, str(tmp_path / "no such.xlsx")):
        with pytest.raises(SourceError):
            agile_pilots.pull(request(tmp_path, origin))


def test_csv_files_of_the_tables_belong_together(tmp_path):
    for name, rows in (("pilots", [pilot()]), ("rounds", [ROUND])):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table(rows))
    pulled = agile_pilots.pull(request(tmp_path, str(tmp_path)))
    assert [file.name for file in pulled.files] == ["pilots.csv", "rounds.csv"]
    reading = agile_pilots.read(pulled, declaration(), tmp_path)
    assert reading.tables["pilots"].num_rows == reading.tables["rounds"].num_rows == 1
    assert not reading.findings


def test_sheets_downloaded_one_by_one_are_one_snapshot(tmp_path):
    """Google Sheets names each file after the spreadsheet and the sheet."""
    names = ["Agile pilots - Pilots.csv", "Agile pilots - Rounds.csv"]
    for stamp, (name, rows) in enumerate(zip(names, ([pilot()], [ROUND]), strict=True), start=1):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table(rows))
        os.utime(tmp_path / name, (stamp, stamp))
    pulled = agile_pilots.pull(request(tmp_path, str(tmp_path)))
    assert [file.name for file in pulled.files] == names
    reading = agile_pilots.read(pulled, declaration(), tmp_path)
    assert reading.tables["pilots"].num_rows == reading.tables["rounds"].num_rows == 1
    assert not reading.findings


def test_a_workbook_far_too_large_is_not_pulled(tmp_path, monkeypatch):
    path = save(tmp_path / "book.xlsx", {"Pilots": [["x"]]})
    monkeypatch.setattr("sources.workbooks.inbox.MAX_BYTES", 100)
    with pytest.raises(SourceError, match="right file"):
        agile_pilots.pull(request(tmp_path, str(path)))


def test_a_link_in_the_inbox_reads_nothing_from_elsewhere(tmp_path):
    home = Home(tmp_path / "home")
    inbox, other = home.inbox / "agile_pilots", home.inbox / "kalasatama" / "theirs.csv"
    inbox.mkdir(parents=True)
    other.parent.mkdir()
    other.write_text("Pilot ID\nsecret-1\n", encoding="utf-8")
    (inbox / "mine.csv").symlink_to(other)
    request = PullRequest(home, declaration(), None, date(2026, 1, 31))
    with pytest.raises(NothingThereError):
        pull(request)
    (inbox / "real.csv").write_text("Pilot ID\nown-1\n", encoding="utf-8")
    assert [file.name for file in pull(request).files] == ["real.csv"]
