"""Marks: what stands because the source's newer word could not be used is told apart from what changed."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish import release
from publish.portals.folder import pages
from tests.publish import places
from warehouse.declarations import DeclarationError
from warehouse.home import Home

PLAIN = [
    {"name": "code", "title": "Code"},
    {"name": "name", "title": "Name"},
    {"name": "visits_count", "title": "Visits", "type": "integer"},
]
MARKS = [
    {"name": "held_since_date", "title": "Held since", "type": "date", "mark": True},
    {"name": "held_columns", "title": "Held columns", "mark": True},
]
BEFORE = places.declaration(fields=PLAIN, primaryKey=["code"])
DATASET = places.declaration(fields=[*PLAIN, *MARKS], primaryKey=["code"])
MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


def two(tmp_path, old, new, before=DATASET):
    """Two releases, the second one's lines of changes, its description and its page."""
    home = Home(tmp_path)
    first = places.release(home, old, dataset=before)
    second = places.release(home, new, [first], day=MARCH, dataset=DATASET)
    assert second
    folder = release.release_folder(home, second)
    with (folder / "changes.csv").open(newline="") as file:
        lines = [tuple(row) for row in list(csv.reader(file))[1:]]
    described = json.loads((folder / "datapackage.json").read_text())
    page = pages.dataset_page(places.wanted(home, first, second, dataset=DATASET), pages.Site())
    return second, lines, described, page


values = st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None]))
marks = st.tuples(
    st.sampled_from([None, MARCH, APRIL]),
    st.sampled_from([None, "name", "visits_count", "name;visits_count", "other"]),
)
records = st.dictionaries(st.sampled_from("abcdef"), st.tuples(values, marks), max_size=6)


def kind_of_cell(name, was, now, was_set, now_set):
    if now is None and name in now_set:
        return "held"
    return "released" if was is None and name in was_set else "changed"


def what_differs(old, new):
    """An independent reading of what a mark means: lines as in changes.csv, and rows by kind."""
    lines, rows = [], dict.fromkeys(("added", "changed", "removed", "newly_held", "released"), 0)
    for key in sorted({*old, *new}):
        if key not in old or key not in new:
            kind = "removed" if key in old else "added"
            rows[kind] += 1
            lines.append((kind, key, "", "", ""))
            continue
        (was, (was_since, was_emptied)), (now, (since, emptied)) = old[key], new[key]
        was_set, now_set = (set(text.split(";")) if text else set() for text in (was_emptied, emptied))
        found = [
            (kind_of_cell(name, a, b, was_set, now_set), key, name, str(a or ""), str(b or ""))
            for name, a, b in zip(("name", "visits_count"), was, now, strict=True)
            if a != b
        ]
        if was_since != since:
            kind = "held" if since else "released"
            found.append((kind, key, "held_since_date", str(was_since or ""), str(since or "")))
        if was_set != now_set:
            kind = "held" if now_set - was_set else "released"
            found.append((kind, key, "held_columns", was_emptied or "", emptied or ""))
        kinds = {line[0] for line in found}
        for kind, counted in (("changed", "changed"), ("held", "newly_held"), ("released", "released")):
            if kind in kinds:
                rows[counted] += 1
                break
        lines += found
    return lines, rows


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(old=records, new=records)
def test_marks_are_told_apart_from_changes(tmp_path_factory, old, new):
    home = Home(tmp_path_factory.mktemp("home"))
    tables = [[(key, *row, *marked) for key, (row, marked) in table.items()] for table in (old, new)]
    first = places.release(home, tables[0], dataset=DATASET)
    second = places.release(home, tables[1], [first], day=MARCH, dataset=DATASET)
    lines, rows = what_differs(old, new)
    if second is None:
        assert not lines
        return
    with (release.release_folder(home, second) / "changes.csv").open(newline="") as file:
        assert [tuple(row) for row in list(csv.reader(file))[1:]] == lines
    assert {name: getattr(second, name) for name in rows} == rows
    assert second.held == sum(any(marked) for _, marked in new.values())
    assert release.load_release(release.release_folder(home, second)) == second


def test_a_held_row_is_neither_changed_nor_removed_and_everyone_is_told(tmp_path):
    old = [("a", "x", 1, None, None), ("b", "x", 1, None, None), ("c", "x", 1, None, None)]
    new = [("a", "x", 1, MARCH, None), ("b", "x", None, None, "visits_count"), ("c", "x", 1, None, None)]
    made, lines, described, page = two(tmp_path, old, new)
    assert (made.added, made.changed, made.removed, made.newly_held, made.held) == (0, 0, 0, 2, 2)
    assert lines == [
        ("held", "a", "held_since_date", "", "2026-03-01"),
        ("held", "b", "visits_count", "1", ""),
        ("held", "b", "held_columns", "", "visits_count"),
    ]
    assert described["heldRows"] == 2
    since, emptied = described["heldNotes"]
    assert since.startswith("1 of 3 rows stands as it was before 2026-03-01: what the source")
    assert emptied.startswith("In 1 of 3 rows a value is left empty")
    assert "visits_count in 1" in emptied
    for text in (since, emptied, "<dt>Rows held</dt><dd>2</dd>"):
        assert text in page
    assert "Since 2026-02-01: 2 held as they were." in page
    assert "their description changed" not in page


def test_a_mark_is_seen_also_where_the_version_before_had_no_such_column(tmp_path):
    made, lines, _, _ = two(
        tmp_path, [("a", "x", 1), ("b", "x", 1)], [("a", "x", 1, MARCH, None), ("b", "x", 1, None, None)], BEFORE
    )
    assert lines == [("held", "a", "held_since_date", "", "2026-03-01")]
    assert (made.newly_held, made.changed) == (1, 0)
    assert "Field added: held_columns" in made.schema_changes


def test_without_marks_nothing_is_said_of_them(tmp_path):
    made, _, described, page = two(tmp_path, [("a", "x", 1, None, None)], [("a", "y", 1, None, None)])
    assert (made.held, described["heldNotes"]) == (0, [])
    assert "Rows held" not in page
    assert "Held:" not in page


def test_a_manifest_of_before_marks_still_loads(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows(3))
    path = release.release_folder(home, made) / release.MANIFEST
    content = json.loads(path.read_text())
    for name in ("held", "newly_held", "released"):
        del content[name]
    path.write_text(json.dumps(content))
    assert release.load_release(path.parent) == made


def test_a_release_described_by_an_earlier_version_can_be_shown(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows(3))
    wanted = places.wanted(home, made)
    old = {name: value for name, value in wanted.metadata.items() if not name.startswith("held")}
    assert pages.dataset_page(dataclasses.replace(wanted, metadata=old), pages.Site())


@pytest.mark.parametrize("change", [{"type": "integer"}, {"constraints": {"required": True}}])
def test_a_mark_is_a_date_or_names_and_may_be_empty(change):
    with pytest.raises(DeclarationError, match="the mark held_columns"):
        places.declaration(fields=[*PLAIN, {**MARKS[1], **change}], primaryKey=["code"])
