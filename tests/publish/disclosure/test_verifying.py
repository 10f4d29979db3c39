"""What a third party can check from public files alone: a good folder passes, and every planted fault is found."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from itertools import product

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli import app
from publish.disclosure.verifying import verify
from publish.portals.folder import FolderPortal
from publish.release import desired_dataset, release_folder
from tests.publish import protected
from warehouse.home import Home
from warehouse.progress import silent

S = None  # suppressed
AGES, ANSWERS = ("young", "old", "oldest", "total"), ("yes", "no", "total")
# By age and answer. In each row and column two cells or none are suppressed.
GOOD = {
    "young": (S, S, 40),
    "old": (S, S, 35),
    "oldest": (12, 30, 42),
    "total": (45, 72, 117),
}
BLOCK = {
    "population": "people",
    "counts": "person",
    "threshold": 10,
    "period": ["place_id"],
    "dimensions": [["age_code"], ["answer_code"]],
    "totalCode": "total",
    "statusField": "status_code",
    "suppressedCode": "suppressed",
    "protectedFields": [{"name": "people_count", "kind": "count"}],
}
MEAN = {"name": "mean", "kind": "mean", "of": "minutes", "decimals": 1, "minimum": 0, "maximum": 60}
SHARE = {"name": "share_pct", "kind": "share", "of": "answer_code", "decimals": 1}


def rows_of(table, columns=ANSWERS, names=("age_code", "answer_code"), place="park", **others):
    """A table by age and answer as rows; ``others`` are further columns by (age, answer)."""
    made = []
    for age, counts in table.items():
        for answer, count in zip(columns, counts, strict=True):
            row = {"place_id": place, names[0]: age, names[1]: answer}
            row["people_count"] = "" if count is None else str(count)
            row["status_code"] = "suppressed" if count is None else "published"
            row |= {
                name: "" if count is None else values.get((age, answer), "") for name, values in others.items()
            }
            made.append(row)
    return made


def write(folder, rows, *, name="visits", version="2026-01-01", fields=(), **changes):
    """A release's folder with what is looked at: a description and a CSV file."""
    place = folder / name / version
    place.mkdir(parents=True)
    with (place / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    block = {**BLOCK, "protectedFields": [*BLOCK["protectedFields"], *fields], **changes}
    described = {
        "name": name,
        "version": version,
        "dataDate": version[:10],
        "disclosure": block,
        "resources": [{"name": name, "path": f"{name}.csv"}],
    }
    (place / "datapackage.json").write_text(json.dumps(described))
    return place


def faults(folder):
    """The kinds of what is wrong, each with its cell."""
    found = verify(folder)
    assert not found.unreadable
    return sorted({(fault.kind, fault.cell) for one in found.datasets for fault in one.faults})


def changed(**rows):
    return {**GOOD, **rows}


def test_a_good_folder_passes_and_says_what_was_checked(tmp_path):
    write(tmp_path, rows_of(GOOD))
    found = verify(tmp_path)
    assert found.is_good
    (checked,) = found.datasets
    assert (checked.dataset, checked.versions) == ("visits", ["2026-01-01"])
    assert (checked.tables, checked.cells, checked.suppressed, checked.equations) == (1, 12, 4, 7)
    assert not checked.remarks


def test_the_releases_that_the_house_makes_pass(tmp_path):
    home = Home(tmp_path / "home")
    first = protected.release(home)
    grown = [(*row[:3], row[3] and row[3] * 2, *row[4:]) for row in protected.PUBLISHED]
    second = protected.release(home, grown, [first], dt.date(2026, 4, 1))
    found = verify(home.releases)
    assert found.is_good, found
    assert found.datasets[0].versions == [first.version, second.version]
    wanted = desired_dataset(protected.declaration(), second, [first, second], home)
    portal = FolderPortal(tmp_path / "portal")
    portal.apply([wanted], silent, pytest.fail)
    assert verify(tmp_path / "portal").is_good
    assert verify(release_folder(home, first)).is_good


YES, NO = "answer_code=yes", "answer_code=no"


def cell(age, answer=""):
    return f"age_code={age}{answer and ', answer_code='}{answer}"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # one suppressed cell in a row follows by subtraction, and with it the others
        (changed(young=(S, 35, 40)), {("follows", cell("young", "yes")), ("follows", cell("old", "no"))}),
        (changed(young=(4, 36, 40)), {("few", cell("young", "yes")), ("follows", cell("old", "no"))}),
        (changed(total=(45, 72, 118)), {("margins", "")}),
        (changed(oldest=(12, 31, 42)), {("margins", cell("oldest"))}),
        # the parts that are shown are more than their total
        (changed(total=(11, 106, 117)), {("margins", "")}),
        # no more than 8 people are left for two cells
        (changed(total=(20, 97, 117)), {("known", cell("young", "yes")), ("known", cell("old", "yes"))}),
        # nobody is old, and so the young are those whom the columns lack
        (
            {"young": (S, S, 12), "old": (S, S, 0), "oldest": (12, 30, 42), "total": (15, 39, 54)},
            {("follows", cell("young", "yes")), ("follows", cell("young", "no"))},
        ),
        # a total that is suppressed follows from its parts
        (changed(young=(0, 4, S), old=(33, 38, 71)), {("few", cell("young", "no")), ("follows", cell("young"))}),
    ],
)
def test_a_planted_fault_is_found(tmp_path, table, expected):
    write(tmp_path, rows_of(table))
    assert set(faults(tmp_path)) == expected
    assert not verify(tmp_path).is_good


def test_what_is_suppressed_to_no_purpose_is_said_and_is_no_fault(tmp_path):
    write(tmp_path, rows_of(changed(young=(S, 25, 40))))
    found = verify(tmp_path)
    assert found.is_good
    assert len(found.datasets[0].remarks) == 3
    assert "no count of few" in found.datasets[0].remarks[0]


def test_a_sum_that_follows_is_found(tmp_path):
    ten = dict.fromkeys(product(AGES, ANSWERS), "10.0")
    write(tmp_path / "good", rows_of(GOOD, mean=ten), fields=[MEAN])
    assert faults(tmp_path / "good") == []
    write(tmp_path / "bad", rows_of(changed(young=(S, 25, 40)), mean=ten), fields=[MEAN])
    assert faults(tmp_path / "bad") == [
        ("sum", cell("old", "no")),
        ("sum", cell("old", "yes")),
        ("sum", cell("young", "yes")),
    ]


def test_sums_and_shares_that_do_not_fit_are_found(tmp_path):
    ten = dict.fromkeys(product(AGES, ANSWERS), "10.0") | {("oldest", "total"): "10.5"}
    write(tmp_path / "sum", rows_of(GOOD, mean=ten), fields=[MEAN])
    assert faults(tmp_path / "sum") == [("margins", ""), ("margins", cell("oldest"))]
    shares = {("oldest", "yes"): "28.6", ("oldest", "no"): "71.4", ("total", "yes"): "38.5"}
    write(tmp_path / "share", rows_of(GOOD, share_pct=shares), fields=[SHARE])
    assert faults(tmp_path / "share") == []
    wrong = shares | {("oldest", "no"): "72.0"}
    write(tmp_path / "wrong", rows_of(GOOD, share_pct=wrong), fields=[SHARE])
    assert faults(tmp_path / "wrong") == [("margins", cell("oldest", "no"))]


def test_a_share_gives_away_what_it_is_a_share_of(tmp_path):
    table = {"young": (14, S, S), "old": (S, S, S), "oldest": (S, S, S), "total": (74, 66, 140)}
    write(tmp_path / "plain", rows_of(table))
    assert verify(tmp_path / "plain").datasets[0].remarks == []
    write(tmp_path / "shared", rows_of(table, share_pct={("young", "yes"): "70.0"}), fields=[SHARE])
    assert set(faults(tmp_path / "shared")) == {("follows", cell("young", "no"))}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({0: {"people_count": "5"}}, "status"),  # the first row is suppressed
        ({0: {"mean": "3.0"}}, "status"),
        ({2: {"people_count": ""}}, "status"),
        ({2: {"people_count": "-3"}}, "status"),
        ({2: {"people_count": "9" * 5000}}, "status"),
        ({2: {"people_count": "40.0"}}, "status"),
        ({2: {"mean": "nan"}}, "status"),
        ({3: {"age_code": "young", "answer_code": "yes"}}, "margins"),  # it stands there twice
    ],
)
def test_rows_that_say_two_things_are_found(tmp_path, change, expected):
    rows = rows_of(GOOD, mean=dict.fromkeys(product(AGES, ANSWERS), "10.0"))
    for number, values in change.items():
        rows[number] |= values
    write(tmp_path, rows, fields=[MEAN])
    assert expected in {kind for kind, _ in faults(tmp_path)}


def test_a_row_without_its_total_is_found(tmp_path):
    write(tmp_path, rows_of(GOOD)[:-3])
    assert ("margins", cell("oldest", "yes")) in faults(tmp_path) or len(faults(tmp_path)) == 3


def test_a_dimension_of_two_levels_adds_up_at_each(tmp_path):
    dimensions = [["city_code", "district_code"]]
    good = {("north", "a"): 40, ("north", "b"): S, ("north", "c"): S}
    write(tmp_path / "good", _rows(good), dimensions=dimensions)
    assert faults(tmp_path / "good") == []
    bad = {("north", "a"): 40, ("north", "b"): 15, ("north", "c"): S}
    write(tmp_path / "bad", _rows(bad), dimensions=dimensions)
    assert faults(tmp_path / "bad") == [("follows", "city_code=north, district_code=c")]
    write(tmp_path / "lost", _rows({**good, ("total", "a"): 40}), dimensions=dimensions)
    assert ("margins", "district_code=a") in faults(tmp_path / "lost")


def _rows(districts):
    cells = {("total", "total"): 60, ("north", "total"): 60, **districts}
    return [
        {
            "place_id": "park",
            "city_code": city,
            "district_code": district,
            "people_count": "" if count is None else str(count),
            "status_code": "suppressed" if count is None else "published",
        }
        for (city, district), count in cells.items()
    ]


def test_datasets_of_the_same_people_are_solved_together(tmp_path):
    """By itself each leaves room for ten of the oldest; one shows 20 young, the other 32 old, of 60 in all."""
    by_answer = {
        "kids": (10, 10, 20),
        "young": (20, S, S),
        "old": (S, S, S),
        "oldest": (S, S, S),
        "total": (50, 30, 80),
    }
    by_sex = {
        "kids": (10, 10, 20),
        "young": (S, S, S),
        "old": (32, S, S),
        "oldest": (S, S, S),
        "total": (54, 26, 80),
    }
    answers = rows_of(by_answer)
    sexes = rows_of(by_sex, ("m", "f", "total"), ("age_code", "sex_code"))
    dimensions = [["age_code"], ["sex_code"]]
    write(tmp_path / "one", answers)
    write(tmp_path / "other", sexes, name="sexes", dimensions=dimensions)
    assert faults(tmp_path / "one") == faults(tmp_path / "other") == []
    write(tmp_path / "both", answers)
    write(tmp_path / "both", sexes, name="sexes", dimensions=dimensions)
    few = {f"age_code=oldest{more}" for more in ("", f", {YES}", f", {NO}", ", sex_code=m", ", sex_code=f")}
    few |= {cell("young", "no"), "age_code=old, sex_code=f"}
    assert faults(tmp_path / "both") == sorted(("known", one) for one in few)
    # other people, or another place: nothing to do with each other
    write(tmp_path / "apart", answers)
    write(tmp_path / "apart", sexes, name="sexes", dimensions=dimensions, population="others")
    assert faults(tmp_path / "apart") == []


def test_what_one_dataset_suppresses_no_other_may_show(tmp_path):
    write(tmp_path, rows_of(GOOD))
    ages = [row for row in rows_of(changed(young=(S, S, S), old=(S, S, S))) if row["answer_code"] == "total"]
    write(tmp_path, ages, name="ages", dimensions=[["age_code"]])
    found = verify(tmp_path)
    assert {(fault.dataset, fault.kind, fault.cell) for one in found.datasets for fault in one.faults} == {
        ("ages", "follows", cell("young")),
        ("ages", "follows", cell("old")),
    }


def test_datasets_of_different_days_are_solved_each_by_itself(tmp_path):
    write(tmp_path, rows_of(GOOD))
    ages = [
        row for row in rows_of(changed(total=(65, 72, 137), oldest=(S, S, 62))) if row["answer_code"] == "total"
    ]
    write(tmp_path, ages, name="ages", version="2026-02-01", dimensions=[["age_code"]])
    found = verify(tmp_path)
    assert found.is_good
    assert "count different people" in found.datasets[0].remarks[0]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([GOOD, changed(oldest=(12, 50, 62), total=(45, 92, 137))], set()),
        ([GOOD, changed(oldest=(12, 50, 62), total=(45, 92, 137)), GOOD], set()),
        (
            [GOOD, changed(oldest=(12, 33, 45), total=(45, 75, 120))],
            {("change", ""), ("change", NO), ("change", cell("oldest")), ("change", cell("oldest", "no"))},
        ),
        # by twelve more and ten fewer: by two
        (
            [
                GOOD,
                changed(oldest=(12, 42, 54), total=(45, 84, 129)),
                changed(oldest=(12, 32, 44), total=(45, 74, 119)),
            ],
            {("change", ""), ("change", NO), ("change", cell("oldest")), ("change", cell("oldest", "no"))},
        ),
        (
            [GOOD, changed(young=(20, 20, 40), old=(13, 22, 35))],
            {("returned", cell(age, answer)) for age in ("young", "old") for answer in ("yes", "no")},
        ),
    ],
)
def test_versions_are_compared(tmp_path, tables, expected):
    for month, table in enumerate(tables, start=1):
        write(tmp_path, rows_of(table), version=f"2026-0{month}-01")
    assert set(faults(tmp_path)) == expected


def test_a_mean_that_changes_without_people_is_found(tmp_path):
    for version, mean in (("2026-01-01", "10.0"), ("2026-01-01.2", "10.1")):
        means = dict.fromkeys(product(AGES, ANSWERS), mean)
        write(tmp_path, rows_of(GOOD, mean=means), version=version, fields=[MEAN])
    found = verify(tmp_path)
    assert found.datasets[0].versions == ["2026-01-01", "2026-01-01.2"]
    assert {fault.kind for fault in found.datasets[0].faults} == {"change"}
    assert len(found.datasets[0].faults) == 8


def test_other_files_have_to_show_the_same(tmp_path):
    home = Home(tmp_path)
    folder = release_folder(home, protected.release(home))
    name = "gadget-tests"
    parquet, changes = folder / f"{name}.parquet", folder / "changes.csv"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (coalesce(testers_count, 3) AS testers_count) FROM '{parquet}') TO '{parquet}.2'"
        " (FORMAT parquet)"
    )
    parquet.with_suffix(".parquet.2").replace(parquet)
    with changes.open("a") as file:
        file.write("changed,lamp,young,yes,testers_count,,3\n")
    said = [fault.why for fault in verify(folder).datasets[0].faults]
    assert said == [
        f"{name}.parquet is not what its description says",
        f"{name}.parquet shows other rows than the CSV file",
        "changes.csv is not what its description says",
        "changes.csv shows testers_count of a row that is suppressed",
    ]


def test_a_dictionary_may_say_no_more_than_the_rows(tmp_path):
    home = Home(tmp_path)
    folder = release_folder(home, protected.release(home))
    path = folder / "dictionary.csv"
    text = path.read_text()
    assert ",false,9,5,4,2,30,60\n" in text
    path.write_text(text.replace(",false,9,5,4,2,30,60\n", ",false,9,5,4,2,3,60\n"))
    assert [fault.why for fault in verify(folder).datasets[0].faults] == [
        "dictionary.csv is not what its description says",
        "dictionary.csv says of testers_count what the rows do not",
    ]


def spoil(folder, **changes):
    path = folder / "datapackage.json"
    described = json.loads(path.read_text())
    for key, value in changes.items():
        described[key] = value
    path.write_text(json.dumps(described))


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda f: (f / "datapackage.json").write_text("{" * 10), "it is no JSON"),
        (lambda f: (f / "datapackage.json").write_text("[" * 100_000), "cannot be read|no JSON"),
        (lambda f: (f / "datapackage.json").write_text("[]"), "no object"),
        (lambda f: (f / "datapackage.json").write_bytes(b"\xff\xfe"), "no JSON|cannot be read"),
        (lambda f: spoil(f, disclosure=None), "its disclosure is no object"),
        (lambda f: spoil(f, disclosure={**BLOCK, "threshold": 0}), "no threshold"),
        (lambda f: spoil(f, disclosure={**BLOCK, "threshold": True}), "no threshold"),
        (lambda f: spoil(f, disclosure={**BLOCK, "dimensions": [[]]}), "under dimensions"),
        (lambda f: spoil(f, disclosure={**BLOCK, "dimensions": 3}), "no dimensions"),
        (lambda f: spoil(f, disclosure={**BLOCK, "period": ["age_code"]}), "a column twice"),
        (lambda f: spoil(f, disclosure={**BLOCK, "protectedFields": []}), "one column that counts"),
        (lambda f: spoil(f, disclosure={**BLOCK, "protectedFields": [{"kind": "x"}]}), "none of count"),
        (lambda f: spoil(f, disclosure={**BLOCK, "population": ""}), "says no population"),
        (lambda f: spoil(f, disclosure={**BLOCK, "statusField": "nix"}), "no column nix"),
        (lambda f: spoil(f, name=3), "no name"),
        (lambda f: spoil(f, dataDate="yesterday"), "of which date"),
        (lambda f: spoil(f, resources=7), "no CSV file"),
        (
            lambda f: spoil(f, resources=[{"name": "visits", "path": "../../visits.csv"}]),
            "no csv file of this folder",
        ),
        (lambda f: spoil(f, resources=[{"name": "visits", "path": "/etc/passwd"}]), "no csv file of this folder"),
        (lambda f: (f / "visits.csv").unlink(), "visits.csv is missing"),
        (lambda f: (f / "visits.csv").write_text(""), "no column"),
        (lambda f: (f / "visits.csv").write_bytes(b"\x00\xff" * 100), "cannot be read|no CSV|no column"),
        (lambda f: (f / "visits.csv").write_text('place_id,"a' + "x" * 200_000), "no CSV"),
    ],
)
def test_a_hostile_folder_gives_words(tmp_path, spoiled, said):
    spoiled(write(tmp_path, rows_of(GOOD)))
    (unreadable,) = verify(tmp_path).unreadable
    assert "datapackage.json" in unreadable
    assert re.search(said, unreadable), unreadable
    done = CliRunner().invoke(app, ["verify-disclosure", str(tmp_path)])
    assert done.exit_code == 3
    assert done.stdout.startswith("Not checked: ")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    folder = write(tmp_path / "there", rows_of(GOOD))
    (folder / "visits.csv").rename(tmp_path / "elsewhere.csv")
    (folder / "visits.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert "is missing" in verify(tmp_path / "there").unreadable[0]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "datapackage.json").symlink_to(folder / "datapackage.json")
    assert verify(tmp_path / "linked") == verify(tmp_path / "nothing-there")


def test_the_same_version_in_two_places_has_to_be_the_same(tmp_path):
    write(tmp_path / "a", rows_of(GOOD))
    write(tmp_path / "b", rows_of(GOOD))
    found = verify(tmp_path)
    assert found.is_good
    assert found.datasets[0].cells == 12
    write(tmp_path / "c", rows_of(changed(oldest=(12, 50, 62), total=(45, 92, 137))))
    assert "with other rows" in verify(tmp_path).unreadable[0]


def test_the_command_says_what_is_wrong_and_never_a_suppressed_count(tmp_path):
    write(tmp_path, rows_of(changed(young=(S, 35, 40))))
    run = CliRunner().invoke
    done = run(app, ["verify-disclosure", str(tmp_path)])
    assert done.exit_code == 3
    assert "visits (2026-01-01): 1 table, 12 cells, 3 suppressed, 7 equations" in done.stdout
    assert "follows from the total and the other parts over answer_code" in done.stdout
    assert "Nothing is wrong" not in done.stdout
    told = json.loads(run(app, ["verify-disclosure", str(tmp_path), "--json"]).stdout)
    assert not told["is_good"]
    assert [fault["kind"] for fault in told["datasets"][0]["faults"]] == ["follows", "follows"]
    assert not re.search(r"\b(5|28)\b", done.stdout)


def test_the_command_says_so_where_all_is_well_or_nothing_is_there(tmp_path):
    run = CliRunner().invoke
    write(tmp_path / "good", rows_of(GOOD))
    done = run(app, ["verify-disclosure", str(tmp_path / "good")])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "Nothing is wrong.")
    (tmp_path / "empty").mkdir()
    done = run(app, ["verify-disclosure", str(tmp_path / "empty")])
    assert done.exit_code == 1
    assert "no release in it says that it counts people" in done.stdout
    assert run(app, ["verify-disclosure", str(tmp_path / "nowhere")]).exit_code == 2
