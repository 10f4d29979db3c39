"""Canaries: words that belong to nobody but the place where they were put, and a search for them in any form.

Every canary has a number. A name, an address or a text has it in letters behind a word that is in no other text
(``Kanarialintuabc``), a phone number in its last three digits. So whatever is left of a canary says where it came
from, however it was cut, folded, quoted or encoded on its way.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import io
import re
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

import duckdb

_WORD = "kanarialintu"
_LETTERS = "abcdefghij"
_FORMS = re.compile(
    rb"kanarialintu(?P<letters>[a-j]{3})|(?<![0-9])(?:358\D{0,3}|0)?40\D{0,2}755\D{0,2}9(?P<finnish>[0-9]{3})(?![0-9])"
    rb"|20\D{0,3}7946\D{0,2}0(?P<british>[0-9]{3})(?![0-9])",
    re.IGNORECASE,
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_ESCAPED = re.compile(rb"\\(?:u00|x)([0-9a-f]{2})", re.IGNORECASE)
_DEEPEST = 4  # files in files


@dataclass
class Cage:
    """The canaries that were let out, each with whose it is and where it was put."""

    places: dict[int, tuple[str, str]] = field(default_factory=dict)

    def _next(self, keeper: str, where: str) -> int:
        number = len(self.places)
        assert number < 1000, "numbers have three digits"
        self.places[number] = (keeper, where)
        return number

    def _word(self, keeper: str, where: str) -> str:
        digits = f"{self._next(keeper, where):03d}"
        return _WORD.capitalize() + "".join(_LETTERS[int(digit)] for digit in digits)

    def name(self, keeper: str, where: str) -> str:
        """A person's name."""
        return f"Väinö {self._word(keeper, where)}"

    def email(self, keeper: str, where: str) -> str:
        """An address to write to."""
        return f"{self._word(keeper, where).lower()}@lintula.fi"

    def phone(self, keeper: str, where: str) -> str:
        """A Finnish number."""
        return f"+358 40 755 9{self._next(keeper, where):03d}"

    def british_phone(self, keeper: str, where: str) -> str:
        """A number in London."""
        return f"020 7946 0{self._next(keeper, where):03d}"

    def street(self, keeper: str, where: str) -> str:
        """An address to live at."""
        return f"{self._word(keeper, where)}nkuja 7 A 5"

    def words(self, keeper: str, where: str) -> str:
        """What somebody said."""
        return f"as {self._word(keeper, where).lower()} told us in her kitchen, it is too dear"

    def response_id(self, keeper: str, where: str) -> str:
        """A number of nine digits."""
        return f"407559{self._next(keeper, where):03d}"

    def of(self, keeper: str) -> set[int]:
        """Those of a keeper."""
        return {number for number, (whose, _) in self.places.items() if whose == keeper}

    def told(self, found: dict[str, set[int]]) -> dict[str, list[str]]:
        """By place where canaries were found, where they came from."""
        return {
            where: [": ".join(self.places.get(number, ("?", "?"))) for number in sorted(numbers)]
            for where, numbers in sorted(found.items())
            if numbers
        }


def canaries_in(content: bytes) -> set[int]:
    """The numbers of the canaries in bytes: plain, in UTF-16, percent-, HTML- or JSON-encoded, in base64."""
    found = set[int]()
    for view in _views(content):
        found |= _plain(view)
        for run in _BASE64.findall(view):
            for start in range(4):  # whatever stands before it may be taken for a part of it
                found |= _plain(_decoded(run[start:]).replace(b"\0", b""))
    return found


def _plain(content: bytes) -> set[int]:
    found = set[int]()
    for one in _FORMS.finditer(content):
        if one["letters"]:
            found.add(int("".join(str(_LETTERS.index(letter)) for letter in one["letters"].decode().lower())))
        else:
            found.add(int(one["finnish"] or one["british"]))
    return found


def _views(content: bytes) -> Iterator[bytes]:
    yield content
    if b"\0" in content:
        yield content.replace(b"\0", b"")  # UTF-16 and UTF-32, of either order
    if b"%" in content:
        yield unquote_to_bytes(content)
    if b"&#" in content:
        yield html.unescape(content.decode("latin-1")).encode("utf-8")
    if b"\\" in content:
        yield _ESCAPED.sub(lambda one: bytes.fromhex(one[1].decode()), content)


def _decoded(run: bytes) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)].translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def contents(name: str, content: bytes, depth: int = 0) -> Iterator[bytes]:
    """A file's name and bytes, and what its kind hides from whoever looks at those."""
    yield name.encode()
    yield content
    if depth == _DEEPEST:
        return
    for begins, inside in _KINDS.items():
        if content.startswith(begins):
            with contextlib.suppress(zipfile.BadZipFile, OSError, EOFError, zlib.error):
                for inner, part in inside(content):
                    yield from contents(inner, part, depth + 1)
    if content[8:12] == b"DUCK":
        yield from _duckdb(content)


def _zip(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _gzip(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "", gzip.decompress(content)


def _parquet(content: bytes) -> Iterator[tuple[str, bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(content))
    yield "", repr(table.schema.metadata).encode()
    yield from ((name, repr(table[name].to_pylist()).encode()) for name in table.column_names)


def _sqlite(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.db"
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as database:
            database.text_factory = bytes
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                for row in database.execute(f'SELECT * FROM "{name.decode()}"'):
                    for value in row:
                        if isinstance(value, bytes):
                            yield "", value
                        elif value is not None:
                            yield "", str(value).encode()


def _duckdb(content: bytes) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.duckdb"
        path.write_bytes(content)
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            for schema, table in tables:
                yield repr(connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()).encode()


_KINDS: dict[bytes, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    b"PK": _zip,
    b"\x1f\x8b": _gzip,
    b"PAR1": _parquet,
    b"SQLite format 3\0": _sqlite,
}


def canaries_below(folder: Path, but: Collection[str] = ()) -> dict[str, set[int]]:
    """By file below a folder, the canaries in its path, its bytes and what they hold; not in the parts ``but``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] in but or path.is_symlink() or not path.is_file():
            continue
        numbers = set[int]().union(*map(canaries_in, contents(str(place), path.read_bytes())))
        if numbers:
            found[str(place)] = numbers
    return found
