"""The search for canaries bites: one is found in whatever it is put, and however it is encoded there."""

import base64
import gzip
import html
import io
import json
import pickle
import sqlite3
import zipfile
from pathlib import Path
from urllib.parse import quote

import duckdb
import openpyxl
import pytest
from openpyxl.comments import Comment

from tests.canaries import Cage, canaries_below, canaries_in

CAGE = Cage()
KINDS = {
    "name": CAGE.name("one", "a cell"),
    "e-mail": CAGE.email("one", "a cell"),
    "phone": CAGE.phone("one", "a cell"),
    "British phone": CAGE.british_phone("other", "a cell"),
    "street": CAGE.street("other", "a cell"),
    "words": CAGE.words("other", "a cell"),
    "number": CAGE.response_id("other", "a cell"),
}
WAYS = {
    "as it is": str.encode,
    "in capitals": lambda text: text.upper().encode(),
    "in a sentence": lambda text: f"Somebody wrote {text!r}.".encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, the other order": lambda text: text.encode("utf-16-be"),
    "percent-encoded": lambda text: f"?q={quote(text, safe='')}&".encode(),
    "every character percent-encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "HTML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "every character as a reference": lambda text: "".join(f"&#{ord(letter)};" for letter in text).encode(),
    "JSON": lambda text: json.dumps({"x": [text]}).encode(),
    "every character as JSON may have it": lambda text: "".join(
        f"\\u{ord(letter):04x}" for letter in text
    ).encode(),
    **{
        f"base64 after {start} bytes": lambda text, start=start: base64.b64encode(
            b"x" * start + text.encode() + b"yy"
        )
        for start in range(3)
    },
    "base64 of a path": lambda text: b"data/" + base64.urlsafe_b64encode(f"{text} {text}".encode()),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_canary_is_found_in_every_encoding(kind: str, way: str) -> None:
    content = b"before " + WAYS[way](KINDS[kind]) + b" after"
    assert canaries_in(content) == {list(KINDS).index(kind)}


def test_what_resembles_one_is_none() -> None:
    for text in ("kanarianlintu", "+358 40 755 8001", "40755900", "a407559001234b", "2026-11-23", "7946 0001"):
        assert canaries_in(text.encode()) == set()


def workbook(text: str) -> bytes:
    book = openpyxl.Workbook()
    book.active["A1"] = text
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def commented(text: str) -> bytes:
    book = openpyxl.Workbook()
    book.active["A1"].comment = Comment("see", text)
    book.properties.creator = "somebody"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def in_parquet(path: Path, text: str) -> None:
    duckdb.sql(f"COPY (SELECT repeat('x', 20) AS a, '{text}' AS b FROM range(100)) TO '{path}' (FORMAT parquet)")


def in_duckdb(path: Path, text: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA s")
        connection.execute(f"CREATE TABLE s.t AS SELECT '{text}.' || (i % 7) AS a FROM range(10000) AS r (i)")


def in_sqlite(path: Path, text: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a, b)")
        database.execute("INSERT INTO t VALUES (?, ?)", ["x" * 5000, gzip.compress(text.encode())])
        database.commit()


PLACES = {
    "file.txt": lambda path, text: path.write_text(text),
    "a.xlsx": lambda path, text: path.write_bytes(workbook(text)),
    "author.xlsx": lambda path, text: path.write_bytes(commented(text)),
    "a.zip": lambda path, text: path.write_bytes(zipped("a.csv", text.encode())),
    "name.zip": lambda path, text: path.write_bytes(zipped(f"{text}.csv", b"1")),
    "nested.zip": lambda path, text: path.write_bytes(zipped("a.zip", zipped("b.xlsx", workbook(text)))),
    "a.csv.gz": lambda path, text: path.write_bytes(gzip.compress(f"a,b\r\n1,{text}\r\n".encode())),
    "a.pickle": lambda path, text: path.write_bytes(pickle.dumps({"a": [text]})),
    "a.parquet": in_parquet,
    "a.duckdb": in_duckdb,
    "a.db": in_sqlite,
    "of its name": lambda path, text: (path.parent / f"{text}.txt").write_text("1"),
    "of its folder": lambda path, text: ((path.parent / text).mkdir(), (path.parent / text / "a").write_text("1")),
}


@pytest.mark.parametrize("kind", ["e-mail", "phone"])
@pytest.mark.parametrize("place", PLACES)
def test_a_canary_is_found_in_every_kind_of_file(tmp_path: Path, place: str, kind: str) -> None:
    (tmp_path / "part").mkdir()
    PLACES[place](tmp_path / "part" / place, KINDS[kind])
    (found,) = canaries_below(tmp_path).values()
    assert found == {list(KINDS).index(kind)}
    assert canaries_below(tmp_path, but=("part",)) == {}


def test_it_is_said_whose_it_is_and_where_it_was_put(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(KINDS["name"] + KINDS["words"])
    assert CAGE.told(canaries_below(tmp_path)) == {"page.html": ["one: a cell", "other: a cell"]}
    assert CAGE.of("one") | CAGE.of("other") == set(range(len(KINDS)))
