"""Taking people out of an export: their records go, every other byte stays."""

from __future__ import annotations

import codecs
import csv
import io

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.surveys.codebook import SUFFIX
from sources.surveys.erasing import without_people
from sources.surveys.export import records

BOOK = {
    "survey_id": "s-1",
    "title": "Survey",
    "pilot_id": "p-1",
    "measures": {"satisfaction": {"question": "Q1"}},
}
HEADER = ["id", "submitdate", "Q1", "COMMENT"]


def put(folder, content, book=BOOK):
    folder.mkdir(exist_ok=True)
    if book is not None:
        (folder / f"s{SUFFIX}").write_text(yaml.safe_dump(book), encoding="utf-8")
    (folder / "s.csv").write_bytes(content)
    return sorted(folder.iterdir())


def without(paths, *numbers):
    found = without_people(paths, lambda key: key[0] == "s-1" and key[1] in numbers)
    assert found.unread == {}
    return found.found.get("s.csv")


def lines(rows, delimiter, end, quoting):
    """Each record as it stands in a file."""
    written = []
    for row in rows:
        text = io.StringIO(newline="")
        # Unquoted it ends a record for whoever reads it; Python quotes it only where it ends lines.
        how = csv.QUOTE_ALL if any("\r" in cell for cell in row) else quoting
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=how).writerow(row)
        written.append(text.getvalue())
    return written


TEXTS = st.text(st.sampled_from("aäš€\"'\n\r,;\t4 "), max_size=12)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    comments=st.lists(TEXTS, min_size=1, max_size=6),
    meant=st.sets(st.integers(1, 6), max_size=3),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    is_ended=st.booleans(),
)
def test_all_other_bytes_stay(tmp_path, comments, meant, delimiter, end, quoting, encoding, is_ended):
    rows = [HEADER, *([str(n), "", "4", text] for n, text in enumerate(comments, start=1))]
    written = lines(rows, delimiter, end, quoting)
    if not is_ended and not written[-1].endswith('"' + end):
        written[-1] = written[-1].removesuffix(end)
    bom = codecs.BOM_UTF8 if encoding == "utf-8-sig" else b""
    pieces = [text.encode("cp1252" if encoding == "cp1252" else "utf-8", "replace") for text in written]
    paths = put(tmp_path / "in", bom + b"".join(pieces))
    assert sum(record.end - record.start for record in records(paths[1])) == sum(map(len, pieces))
    lighter = without(paths, *map(str, meant))
    gone = [n for n in range(1, len(pieces)) if n in meant]
    if not gone:
        assert lighter is None
        return
    assert lighter.content == bom + b"".join(piece for n, piece in enumerate(pieces) if n not in gone)
    assert [(one.key, one.row_number) for one in lighter.taken_out] == [(("s-1", str(n)), n + 1) for n in gone]


def test_who_is_of_another_survey_stays(tmp_path):
    paths = put(tmp_path / "in", b"id,submitdate,Q1\n4,,5\n", {**BOOK, "survey_id": "s-2"})
    assert without(paths, "4") is None


def test_a_record_that_may_have_swallowed_theirs_goes_with_it(tmp_path):
    content = b'"id","submitdate","Q1"\n"1","","5"\n"2,"","5"\n"3","","4"\n"4","","5"\n'
    paths = put(tmp_path / "in", content)
    assert [len(record.cells) for record in records(paths[1])] != [3] * 5
    lighter = without(paths, "3")
    assert b'"3"' not in lighter.content
    assert lighter.content.startswith(b'"id","submitdate","Q1"\n"1","","5"\n')


def test_two_records_with_one_id_both_go(tmp_path):
    paths = put(tmp_path / "in", b"id;submitdate;Q1\n 4 ;;5\n5;;4\n4;;1\n")
    assert without(paths, "4").content == b"id;submitdate;Q1\n5;;4\n"


@pytest.mark.parametrize(
    ("content", "book", "says"),
    [
        (b"id,submitdate\n4,\n", None, "It has no codebook"),
        (b"id,submitdate\n4,\n", {"survey_id": "s-1"}, "The codebook cannot be used"),
        (b"nr,submitdate\n4,\n", BOOK, "has no column id"),
        (b"", BOOK, "has no column id"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, book, says):
    found = without_people(put(tmp_path / "in", content, book), lambda key: True)
    assert found.found == {}
    assert says in found.unread["s.csv"]
