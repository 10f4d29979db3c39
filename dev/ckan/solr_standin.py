#!/usr/bin/env python3
"""A stand-in for Solr, for machines that cannot install Solr.

It is an HTTP server on 127.0.0.1 that speaks the part of Solr's wire protocol
which CKAN (through pysolr) uses, so that CKAN itself runs unchanged:

    GET|POST /solr/<core>/select/   q, fq, fl, sort, start, rows, facet.*,
                                    defType dismax/edismax with qf, mm, tie
    POST     /solr/<core>/update/   JSON documents; XML delete and commit
    GET      /solr/<core>/schema    CKAN's own schema.xml (version check)
    GET      /solr/<core>/admin/ping

It reads CKAN's schema.xml and obeys it: field types, analyser chains, dynamic
fields, copy fields, stored or not. It keeps Solr's refusals that bite in
practice: several values in a single-valued field, a bad date, a nested object,
a string term over 32766 bytes, a bad sort, a syntax error. Documents live in
SQLite and, while it runs, in memory; each query scans them all, which is fine
up to some ten thousand datasets.

Not Solr: the ranking is a simple tf-idf, changes are visible at once (a commit
does nothing), and whatever it does not know (local parameters, fuzzy terms,
phrase slop, function boosts) it refuses with HTTP 400 rather than guess.
"""

from __future__ import annotations

import argparse
import datetime as dt
import fnmatch
import json
import math
import re
import signal
import sqlite3
import sys
import threading
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

try:
    import snowballstemmer  # type: ignore[import-not-found]  # only in the server's environment

    _STEMMER = snowballstemmer.stemmer("english")
except ImportError:  # search then matches whole words only
    _STEMMER = None
_STEM_LOCK = threading.Lock()

MAX_TERM_BYTES = 32766  # Lucene's own limit for one term

Params = dict[str, list[str]]  # a query string, parsed


def one(params: Params, key: str, default: str = "") -> str:
    """The first value of a parameter."""
    return params.get(key, [default])[0]


def attr(node: ET.Element | None, key: str, default: str = "") -> str:
    """An attribute of a schema element; empty, not None, when it is absent."""
    return default if node is None else node.get(key, default)


def short_class(node: ET.Element | None) -> str:
    """The Java class of a schema element without its package."""
    return attr(node, "class").rsplit(".", 1)[-1]


class BadRequestError(Exception):
    """Answered as HTTP 400 with Solr's error layout."""


class UnsupportedError(BadRequestError):
    """Something real Solr can do and this cannot: refused rather than guessed."""

    def __init__(self, what: str):
        super().__init__(f"solr stand-in: {what} is not supported")


# --------------------------------------------------------------------- dates

UTC = dt.UTC
_DATE_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 604800}
_DATE_MATH = re.compile(r"([+-])(\d+)([A-Z]+?)S?(?=[+\-/]|$)|/([A-Z]+?)S?(?=[+\-/]|$)")


def parse_date(text: str) -> dt.datetime:
    """An ISO instant in UTC (trailing Z), with optional date maths after it."""
    text = text.strip()
    if text.startswith("NOW"):
        moment, maths = dt.datetime.now(UTC), text[3:]
    else:
        iso, z, maths = text.partition("Z")
        try:
            if not z:
                raise ValueError
            moment = dt.datetime.fromisoformat(iso).replace(tzinfo=UTC)
        except ValueError:
            raise BadRequestError(f"Invalid Date String:'{text}'") from None
    position = 0
    while position < len(maths):
        step = _DATE_MATH.match(maths, position)
        if not step:
            raise BadRequestError(f"Invalid Date Math String:'{text}'")
        sign, count, unit, floor = step.groups()
        if floor:
            moment = _floor_date(moment, floor)
        else:
            moment = _shift_date(moment, int(count) * (1 if sign == "+" else -1), unit)
        position = step.end()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _shift_date(moment: dt.datetime, count: int, unit: str) -> dt.datetime:
    """Date maths: +7DAYS, -1MONTH; a day the month lacks becomes its last."""
    if unit in _DATE_UNITS:
        return moment + dt.timedelta(seconds=count * _DATE_UNITS[unit])
    if unit not in ("MONTH", "YEAR"):
        raise BadRequestError(f"Invalid Date Math unit: {unit}")
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "YEAR" else 1)
    year, month = divmod(months, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise BadRequestError("Date Math out of range")


def _floor_date(moment: dt.datetime, unit: str) -> dt.datetime:
    """Date maths: /DAY and so on."""
    order = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]
    if unit not in order:
        raise BadRequestError(f"Invalid Date Math unit: {unit}")
    blank = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
    below = order[order.index(unit) + 1 :]
    changes: dict[str, Any] = {name.lower(): blank[name.lower()] for name in below}
    return moment.replace(microsecond=0, **changes)


def format_date(moment: dt.datetime) -> str:
    """As Solr prints it: milliseconds only when there are any."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{moment.microsecond // 1000:03d}Z" if moment.microsecond else "Z")


# ------------------------------------------------------------------ analysis


def _fold(text: str) -> str:
    """Letters without their accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _stem(text: str) -> str:
    if _STEMMER is None:
        return text
    with _STEM_LOCK:
        return _STEMMER.stemWord(text)


class Analyser:
    """One <analyzer> of schema.xml, as a list of steps over tokens."""

    def __init__(self, node: ET.Element):
        tokenizer = node.find("tokenizer")
        self.ngram: tuple[int, int] | None = None
        if short_class(tokenizer) == "NGramTokenizerFactory":
            self.ngram = (int(attr(tokenizer, "minGramSize")), int(attr(tokenizer, "maxGramSize")))
        self.filters = [(short_class(f), f.attrib) for f in node.findall("filter")]

    def tokens(self, text: str, wildcard: bool = False) -> list[str]:
        """The terms that a text becomes."""
        if self.ngram:
            low, high = self.ngram
            out = [text[i : i + n] for i in range(len(text)) for n in range(low, high + 1) if i + n <= len(text)]
        else:
            out = text.split()
        for name, options in self.filters:
            if name == "LowerCaseFilterFactory":
                out = [t.lower() for t in out]
            elif name == "ASCIIFoldingFilterFactory":
                out = [_fold(t) for t in out]
            elif wildcard:
                continue  # only the steps above apply to a wildcard term
            elif name == "WordDelimiterGraphFilterFactory":
                out = [part for t in out for part in self._split(t, options)]
            elif name == "SnowballPorterFilterFactory":
                out = [_stem(t) for t in out]
        return out

    @staticmethod
    def _split(token: str, options: dict[str, str]) -> list[str]:
        """The word delimiter filter: parts at digits, case and punctuation, and runs joined again."""
        token = re.sub(r"['’]s$", "", token)
        parts = re.findall(r"[^\W\d_]+|\d+", token)
        if options.get("splitOnCaseChange", "1") == "1":
            parts = [p for part in parts for p in re.sub(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])", " ", part).split()]
        joined = []
        for digits, option in ((False, "catenateWords"), (True, "catenateNumbers")):
            if options.get(option) == "1":
                run: list[str] = []
                for part in [*parts, None]:
                    if part is not None and part.isdigit() == digits:
                        run.append(part)
                        continue
                    if len(run) > 1:
                        joined.append("".join(run))
                    run = []
        return parts + joined


class Field:
    """A field of the schema: its type and how its text is analysed."""

    def __init__(self, name: str, node: ET.Element, kind: ET.Element):
        self.name = name
        self.kind = short_class(kind)

        def flag(key: str, default: str) -> bool:
            return (node.get(key) or kind.get(key) or default) == "true"

        self.multi, self.stored = flag("multiValued", "false"), flag("stored", "true")
        self.indexed, self.required = flag("indexed", "true"), flag("required", "false")
        self.default = node.get("default")
        self.is_text = self.kind == "TextField"
        if self.is_text:
            by_type = {a.get("type", "index"): Analyser(a) for a in kind.findall("analyzer")}
            self.index_analyser = by_type["index"]
            self.query_analyser = by_type.get("query", self.index_analyser)

    def convert(self, value: Any) -> Any:
        """The typed value, or BadRequestError as Solr would answer."""
        if isinstance(value, dict):
            raise BadRequestError(f"Unable to index a nested object in field '{self.name}'")
        if isinstance(value, bool):
            value = "true" if value else "false"
        text = str(value)
        try:
            if self.kind == "DatePointField":
                return parse_date(text)
            if self.kind in ("IntPointField", "LongPointField"):
                return int(text)
            if self.kind in ("FloatPointField", "DoublePointField"):
                return float(text)
            if self.kind == "BoolField":
                return text.lower() in ("true", "1", "t")
        except ValueError:
            raise BadRequestError(f"Error adding field '{self.name}'='{text[:80]}'") from None
        if self.kind == "StrField" and self.indexed and len(text.encode()) > MAX_TERM_BYTES:
            raise BadRequestError(
                f'Document contains at least one immense term in field="{self.name}" (whose '
                f"UTF8 encoding is longer than the max length {MAX_TERM_BYTES})"
            )
        return text


class Schema:
    """CKAN's schema.xml."""

    def __init__(self, path: str):
        self.xml = Path(path).read_text(encoding="utf-8")
        root = ET.fromstring(self.xml)  # noqa: S314  # CKAN's own file
        self._kinds = {attr(n, "name"): n for n in root.iter() if n.tag in ("fieldType", "fieldtype")}
        self._nodes = {attr(n, "name"): n for n in root.iter("field")}
        self._dynamic = sorted(root.iter("dynamicField"), key=lambda n: -len(attr(n, "name")))
        self._cache: dict[str, Field] = {}
        self._lock = threading.Lock()
        self.copies = [(attr(n, "source"), attr(n, "dest")) for n in root.iter("copyField")]
        self.key = root.findtext("uniqueKey", "id")
        self.required = [n for n, node in self._nodes.items() if node.get("required") == "true"]
        self.defaults = {n: attr(node, "default") for n, node in self._nodes.items() if node.get("default")}

    def field(self, name: str) -> Field:
        """The field of this name, declared or dynamic."""
        with self._lock:
            if name not in self._cache:
                node = self._nodes.get(name)
                if node is None:
                    fitting = (d for d in self._dynamic if fnmatch.fnmatchcase(name, attr(d, "name")))
                    node = next(fitting, None)
                if node is None:
                    raise BadRequestError(f"undefined field {name}")
                self._cache[name] = Field(name, node, self._kinds[attr(node, "type")])
            return self._cache[name]


# --------------------------------------------------------------------- index


def typed_values(schema: Schema, source: dict[str, Any]) -> dict[str, list]:
    """A document's values by field: converted, with the schema's defaults and copies."""
    values: dict[str, list] = {}
    for name, value in source.items():
        items = value if isinstance(value, list) else [value]
        items = [i for i in items if i is not None]
        if not items or name == "_version_":
            continue
        field = schema.field(name)
        if len(items) > 1 and not field.multi:
            raise BadRequestError(
                f"multiple values encountered for non multiValued field {name}: {str(items)[:200]}"
            )
        values[name] = [field.convert(i) for i in items]
    for name, default in schema.defaults.items():
        values.setdefault(name, [schema.field(name).convert(default)])
    if missing := [name for name in schema.required if not values.get(name)]:
        raise BadRequestError(f"missing required field: {missing[0]}")
    for pattern, target in schema.copies:
        for name in [n for n in source if n in values and fnmatch.fnmatchcase(n, pattern)]:
            if name != target:
                values.setdefault(target, []).extend(str(v) for v in values[name])
    return values


class Document:
    """Typed values, the tokens of the text fields, and the stored values."""

    def __init__(self, schema: Schema, source: dict[str, Any]):
        values = self.values = typed_values(schema, source)
        self.tokens: dict[str, list[str]] = {}
        for name, items in values.items():
            field = schema.field(name)
            if field.is_text and field.indexed:
                self.tokens[name] = [t for i in items for t in field.index_analyser.tokens(str(i))]
        self.counts = {name: Counter(tokens) for name, tokens in self.tokens.items()}
        self.stored: dict[str, Any] = {}
        for name, items in values.items():
            field = schema.field(name)
            if field.stored and (name in source or name in schema.defaults):
                shown = [format_date(i) if isinstance(i, dt.datetime) else i for i in items]
                self.stored[name] = shown if field.multi else shown[0]

    def terms(self, name: str, is_text: bool) -> Iterable[Any]:
        """What a query or a facet compares with: the terms of a text, or the values."""
        return self.counts.get(name, ()) if is_text else self.values.get(name, ())


class Index:
    """All documents: in memory for the queries, in SQLite for the next start."""

    def __init__(self, schema: Schema, path: str):
        self.schema, self.lock = schema, threading.RLock()
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("CREATE TABLE IF NOT EXISTS docs (key TEXT PRIMARY KEY, source TEXT NOT NULL)")
        self.docs = {
            key: Document(schema, json.loads(source))
            for key, source in self.db.execute("SELECT key, source FROM docs")
        }

    def add(self, sources: list[dict[str, Any]]) -> None:
        """Add or replace; one bad document refuses them all, as Solr does."""
        ready = [(str(s.get(self.schema.key, "")), s, Document(self.schema, s)) for s in sources]
        with self.lock:
            self.db.executemany(
                "INSERT OR REPLACE INTO docs VALUES (?, ?)",
                [(key, json.dumps(source)) for key, source, _ in ready],
            )
            self.docs.update((key, document) for key, _, document in ready)

    def delete(self, keys: list[str]) -> None:
        """Remove by unique key."""
        with self.lock:
            self.db.executemany("DELETE FROM docs WHERE key = ?", [(k,) for k in keys])
            for key in keys:
                self.docs.pop(key, None)

    def snapshot(self) -> list[tuple[str, Document]]:
        """What there is at this moment, for a query in another thread."""
        with self.lock:
            return list(self.docs.items())


# ------------------------------------------------------------------- queries
# A query is a function document -> score, or None for no match.

Query = Callable[[Document], float | None]


class Scope:
    """What a query needs to know beyond one document: how rare a term is."""

    def __init__(self, schema: Schema, documents: list[Document]):
        self.schema, self.documents = schema, documents
        self._idf: dict[tuple[str, str], float] = {}

    def idf(self, name: str, token: str) -> float:
        """The rarer a term, the more it counts."""
        if (name, token) not in self._idf:
            having = sum(1 for d in self.documents if token in d.counts.get(name, ()))
            total = len(self.documents)
            self._idf[name, token] = math.log(1 + (total - having + 0.5) / (having + 0.5))
        return self._idf[name, token]


def everything(_document: Document) -> float | None:
    """*:*"""
    return 1.0


def nothing(_document: Document) -> float | None:
    """A query with no clause left matches no document."""
    return None


def boolean(clauses: list[tuple[str, Query]], scope_is_top: bool = False, at_least: int = 0) -> Query:
    """Clauses are (occur, query) with occur one of must, should, not."""
    must = [q for o, q in clauses if o == "must"]
    should = [q for o, q in clauses if o == "should"]
    never = [q for o, q in clauses if o == "not"]
    needed = max(at_least, 0 if must or not should else 1)
    pure_negative = never and not must and not should

    def query(document: Document) -> float | None:
        if any(q(document) is not None for q in never):
            return None
        if pure_negative:
            return 1.0 if scope_is_top else None
        total = 0.0
        for q in must:
            score = q(document)
            if score is None:
                return None
            total += score
        hits = [s for s in (q(document) for q in should) if s is not None]
        return total + sum(hits) if len(hits) >= needed else None

    return query


def best_of(queries: list[Query], tie: float) -> Query:
    """The best field's score, and a share of the others' (dismax)."""

    def query(document: Document) -> float | None:
        scores = [s for s in (q(document) for q in queries) if s is not None]
        if not scores:
            return None
        top = max(scores)
        return top + tie * (sum(scores) - top)

    return query


def boosted(query: Query, factor: float) -> Query:
    """A query whose score is multiplied (^2)."""

    def scaled(document: Document) -> float | None:
        score = query(document)
        return None if score is None else score * factor

    return scaled


def has_field(name: str) -> Query:
    """name:*"""
    return lambda document: 1.0 if document.values.get(name) else None


def match_value(scope: Scope, name: str, text: str, phrase: bool) -> Query | None:
    """name:word or name:"some words"; None when the analysis leaves nothing to look for."""
    field = scope.schema.field(name)
    if not field.is_text:
        wanted = field.convert(text)
        return lambda document: 1.0 if wanted in document.values.get(name, ()) else None
    tokens = field.query_analyser.tokens(text)
    if not tokens:
        return None  # nothing left after analysis: the clause disappears

    def query(document: Document) -> float | None:
        counts = document.counts.get(name)
        if not counts or any(t not in counts for t in tokens):
            return None
        if phrase and len(tokens) > 1 and not _adjacent(document.tokens[name], tokens):
            return None
        return sum(scope.idf(name, t) * (1 + math.log(counts[t])) for t in tokens)

    return query


def _adjacent(have: list[str], want: list[str]) -> bool:
    first, size = want[0], len(want)
    return any(have[i] == first and have[i : i + size] == want for i in range(len(have) - size + 1))


def match_pattern(scope: Scope, name: str, pattern: re.Pattern[str]) -> Query:
    """name:wor* or name:/regex/."""
    field = scope.schema.field(name)

    def query(document: Document) -> float | None:
        pool = document.terms(name, field.is_text)
        return 1.0 if any(pattern.fullmatch(str(v)) for v in pool) else None

    return query


def match_range(scope: Scope, name: str, start: str, end: str, with_low: bool, with_high: bool) -> Query:
    """name:[start TO end], or braces for the bounds left out."""
    field = scope.schema.field(name)
    low = None if start == "*" else field.convert(start)
    high = None if end == "*" else field.convert(end)

    def inside(value: Any) -> bool:
        if low is not None and (value < low or (value == low and not with_low)):
            return False
        return high is None or not (value > high or (value == high and not with_high))

    def query(document: Document) -> float | None:
        pool = document.terms(name, field.is_text)
        return 1.0 if any(inside(v) for v in pool) else None

    return query


class LuceneParser:
    """Lucene's classic syntax: fields, phrases, ranges, wildcards, boolean."""

    TOKEN = re.compile(
        r"""
        (?P<space>\s+)
      | (?P<paren>[()])
      | (?P<op>&&|\|\||(?:AND|OR|NOT)(?=[\s()]|$))
      | (?P<mod>[+\-!])
      | (?P<range>[\[{]\s*(?:"(?:\\.|[^"\\])*"|[^\]}\s]+)\s+TO\s+(?:"(?:\\.|[^"\\])*"|[^\]}\s]+)\s*[\]}])
      | (?P<phrase>"(?:\\.|[^"\\])*")
      | (?P<regex>/(?:\\.|[^/\\])*/)
      | (?P<boost>\^\d+(?:\.\d+)?)
      | (?P<fuzzy>~\d*(?:\.\d+)?)
      | (?P<field>(?:\\.|[^\s\\+\-!(){}\[\]^"~:/&|])(?:\\.|[^\s\\!(){}\[\]^"~:/&|])*\s*:)
      | (?P<term>(?:\\.|[^\s\\+\-!(){}\[\]^"~:/&|])(?:\\.|[^\s\\!(){}\[\]^"~:/])*)
    """,
        re.VERBOSE,
    )

    def __init__(
        self, scope: Scope, text: str, default_op: str, fields: list[tuple[str, float]], tie: float = 0.0
    ):
        self.scope, self.text = scope, text
        self.all_needed, self.fields, self.tie = default_op.upper() == "AND", fields, tie
        if re.match(r"\s*\{!", text):
            raise UnsupportedError("a local parameter ({!...})")
        self.items: list[tuple[str | None, str]] = []
        position = 0
        while position < len(text):
            found = self.TOKEN.match(text, position)
            if not found:
                self.fail(f'Encountered "{text[position]}" at column {position}')
            if found.lastgroup != "space":
                self.items.append((found.lastgroup, found.group()))
            position = found.end()
        self.at = 0

    def fail(self, why: str) -> NoReturn:
        raise BadRequestError(f"org.apache.solr.search.SyntaxError: Cannot parse '{self.text}': {why}")

    def peek(self) -> tuple[str | None, str]:
        return self.items[self.at] if self.at < len(self.items) else (None, "")

    def take(self) -> tuple[str | None, str]:
        item = self.peek()
        self.at += 1
        return item

    def parse(self) -> Query:
        """The whole text as one query."""
        query = self.clauses(None, top=True)
        if self.peek()[0] is not None:
            self.fail(f'Encountered "{self.peek()[1]}"')
        return query or nothing

    def clauses(self, field: str | None, top: bool = False) -> Query | None:
        """What stands between two brackets, with Lucene's left-to-right reading of AND and OR."""
        found: list[tuple[str, Query]] = []
        while self.peek()[0] is not None and self.peek() != ("paren", ")"):
            joiner = modifier = None
            if self.peek()[0] == "op" and self.peek()[1] != "NOT":
                if not found:
                    self.fail(f'Encountered "{self.peek()[1]}"')
                joiner = "AND" if self.take()[1] in ("AND", "&&") else "OR"
            if self.peek()[0] == "mod" or self.peek() == ("op", "NOT"):
                modifier = "must" if self.take()[1] == "+" else "not"
            query = self.clause(field)
            if query is None:
                continue
            if found and found[-1][0] != "not":
                if joiner == "AND":
                    found[-1] = ("must", found[-1][1])
                elif joiner == "OR" and self.all_needed:
                    found[-1] = ("should", found[-1][1])
            found.append((modifier if modifier == "not" else self.occurrence(joiner, modifier), query))
        return boolean(found, scope_is_top=top) if found else None

    def occurrence(self, joiner: str | None, modifier: str | None) -> str:
        """Whether a clause must or should hold, by what stands before it."""
        if self.all_needed:
            return "should" if joiner == "OR" else "must"
        return "must" if modifier == "must" or joiner == "AND" else "should"

    def clause(self, field: str | None) -> Query | None:
        """One term, phrase, range or bracket, in one field or in the default ones."""
        kind, text = self.take()
        if kind == "field":
            name = unescape(text[:-1].strip())
            if name == "*" and self.peek() == ("term", "*"):
                self.take()
                return self.suffix(everything)
            return self.clause(name)
        if kind == "paren" and text == "(":
            query = self.clauses(field)
            if self.take() != ("paren", ")"):
                self.fail('Encountered "<EOF>"')
            return self.suffix(query)
        if kind not in ("term", "phrase", "range", "regex"):
            self.fail(f'Encountered "{text or "<EOF>"}"')
        targets = [(field, 1.0)] if field else self.fields
        built = [boosted(q, boost) for name, boost in targets if (q := self.leaf(name, kind, text)) is not None]
        return self.suffix(best_of(built, self.tie) if built else None)

    def leaf(self, name: str, kind: str, text: str) -> Query | None:
        """One term, phrase or range in one field."""
        if name.startswith("_"):
            raise UnsupportedError(f"the field {name}")
        if kind == "phrase":
            return match_value(self.scope, name, unescape(text[1:-1]), phrase=True)
        if kind == "regex":
            return match_pattern(self.scope, name, re.compile(text[1:-1]))
        if kind == "range":
            low, high = re.split(r"\s+TO\s+", text[1:-1].strip(), maxsplit=1)
            low, high = (unescape(bound.strip('"')) for bound in (low, high))
            return match_range(self.scope, name, low, high, text[0] == "[", text[-1] == "]")
        if text == "*":
            return has_field(name)
        if re.search(r"(?<!\\)[*?]", text):
            return match_pattern(self.scope, name, self.wildcard(name, text))
        return match_value(self.scope, name, unescape(text), phrase=False)

    def wildcard(self, name: str, text: str) -> re.Pattern[str]:
        """The pattern of a term with * and ?."""
        field, out = self.scope.schema.field(name), ""
        for piece in re.findall(r"\\.|[*?]|[^*?\\]+", text):
            if piece in "*?":
                out += ".*" if piece == "*" else "."
            else:
                plain = unescape(piece)
                if field.is_text:
                    plain = "".join(field.query_analyser.tokens(plain, wildcard=True))
                out += re.escape(plain)
        return re.compile(out, re.DOTALL)

    def suffix(self, query: Query | None) -> Query | None:
        """What may follow a clause: a boost."""
        kind, text = self.peek()
        if kind == "fuzzy":
            raise UnsupportedError("a fuzzy term or phrase slop (~)")
        if kind == "boost":
            self.take()
            return boosted(query, float(text[1:])) if query else None
        return query


def unescape(text: str) -> str:
    """Without Lucene's backslashes."""
    return re.sub(r"\\(.)", r"\1", text)


def minimum_match(spec: str, count: int) -> int:
    """Solr's mm: how many of `count` optional clauses must match."""

    def resolve(value: str) -> int:
        if value.endswith("%"):
            share = int(count * abs(int(value[:-1])) / 100)
            number = -share if value.startswith("-") else share
        else:
            number = int(value)
        return max(0, min(count, count + number if number < 0 or value.startswith("-") else number))

    if "<" not in spec:
        return resolve(spec)
    needed = count
    for part in spec.split():
        bound, value = part.split("<")
        if count <= int(bound):
            break
        needed = resolve(value)
    return needed


def parse_fields(spec: str) -> list[tuple[str, float]]:
    """Solr's qf: "title^4 text" as names and boosts."""
    out = []
    for part in spec.replace(",", " ").split():
        name, _, boost = part.partition("^")
        out.append((name, float(boost) if boost else 1.0))
    return out


def parse_dismax(scope: Scope, text: str, fields: list[tuple[str, float]], spec: str, tie: float) -> Query:
    """Plain words as people type them, over several fields."""
    if re.match(r"\s*\{!", text):
        raise UnsupportedError("a local parameter ({!...})")
    if text.count('"') % 2:
        text = text.replace('"', " ")
    clauses: list[tuple[str, Query]] = []
    optional = 0
    for sign, phrase, word in re.findall(r'([+-]?)(?:"([^"]*)"|([^\s"]+))', text):
        built = [
            boosted(q, boost)
            for name, boost in fields
            if (q := match_value(scope, name, unescape(phrase or word), bool(phrase))) is not None
        ]
        if not built:
            continue
        occur = {"+": "must", "-": "not", "": "should"}[sign]
        optional += occur == "should"
        clauses.append((occur, best_of(built, tie)))
    if not clauses:
        return nothing
    return boolean(clauses, scope_is_top=True, at_least=minimum_match(spec, optional))


# -------------------------------------------------------------------- select


def build_query(scope: Scope, params: Params) -> Query:
    """The parameter q, by the parser that defType names."""
    text, kind = one(params, "q", "*:*"), one(params, "defType", "lucene")
    for key in ("bf", "boost", "bq"):
        if one(params, key):
            raise UnsupportedError(f"the parameter {key}")
    if text.strip() == "*:*":
        return everything
    default = [(one(params, "df", "text"), 1.0)]
    tie = float(one(params, "tie", "0"))
    if kind == "lucene":
        return LuceneParser(scope, text, one(params, "q.op", "OR"), default).parse()
    if kind not in ("dismax", "edismax"):
        raise UnsupportedError(f"defType={kind}")
    fields = parse_fields(one(params, "qf")) or default
    if kind == "edismax" and re.search(r"[:()*?\[\]]|\b(AND|OR|NOT)\b", text):
        try:
            return LuceneParser(scope, text, one(params, "q.op", "OR"), fields, tie).parse()
        except UnsupportedError:
            raise
        except BadRequestError:
            pass  # as edismax does: read it as plain words
    spec = one(params, "mm", "100%" if one(params, "q.op") == "AND" else "0%")
    return parse_dismax(scope, text, fields, spec, tie)


def parse_sort(schema: Schema, spec: str) -> list[tuple[str, bool]]:
    """Names and whether descending."""
    out = []
    for part in filter(None, (p.strip() for p in spec.split(","))):
        name, _, direction = part.rpartition(" ")
        if not name or direction.lower() not in ("asc", "desc"):
            raise BadRequestError(f"Can't determine a Sort Order (asc or desc) in sort spec '{spec}'")
        name = name.strip()
        if name != "score" and schema.field(name).multi:
            raise BadRequestError(f"can not sort on multivalued field: {name}")
        out.append((name, direction.lower() == "desc"))
    return out


def select(index: Index, params: Params) -> dict[str, Any]:
    """Answer a search, in Solr's layout."""
    schema = index.schema
    documents = [document for _, document in index.snapshot()]
    scope = Scope(schema, documents)
    default_op = one(params, "q.op", "OR")
    filters = [
        LuceneParser(scope, fq, default_op, [(one(params, "df", "text"), 1.0)]).parse()
        for fq in params.get("fq", [])
        if fq.strip()
    ]
    kept = [d for d in documents if all(f(d) is not None for f in filters)]
    query = build_query(scope, params)
    hits = [(score, d) for d in kept if (score := query(d)) is not None]

    for name, descending in reversed(parse_sort(schema, one(params, "sort", "score desc"))):
        if name == "score":
            hits.sort(key=lambda hit: hit[0], reverse=descending)
            continue
        with_value = [h for h in hits if h[1].values.get(name)]
        without = [h for h in hits if not h[1].values.get(name)]
        with_value.sort(key=lambda hit: hit[1].values[name][0], reverse=descending)
        hits = with_value + without  # sortMissingLast

    start, rows = int(one(params, "start", "0") or 0), int(one(params, "rows", "10") or 10)
    wanted = re.split(r"[\s,]+", one(params, "fl", "*").strip())
    shown = []
    for score, document in hits[start : start + rows]:
        names = document.stored if "*" in wanted else [n for n in wanted if n in document.stored]
        row = {n: document.stored[n] for n in names}
        if "score" in wanted:
            row["score"] = score
        shown.append(row)
    answer: dict[str, Any] = {
        "responseHeader": {"status": 0, "QTime": 0},
        "response": {"numFound": len(hits), "start": start, "numFoundExact": True, "docs": shown},
    }
    if one(params, "facet", "false").lower() in ("true", "on", "1"):
        limit, least = int(one(params, "facet.limit", "100")), int(one(params, "facet.mincount", "0"))
        fields = {}
        for name in params.get("facet.field", []):
            is_text = schema.field(name).is_text
            counts: Counter[str] = Counter()
            for _, document in hits:
                pool = document.terms(name, is_text)
                counts.update({format_date(v) if isinstance(v, dt.datetime) else str(v) for v in pool})
            ranked = sorted(
                ((v, n) for v, n in counts.items() if n >= max(least, 1)), key=lambda item: (-item[1], item[0])
            )
            fields[name] = [x for pair in (ranked if limit < 0 else ranked[:limit]) for x in pair]
        answer["facet_counts"] = {
            "facet_queries": {},
            "facet_fields": fields,
            "facet_ranges": {},
            "facet_intervals": {},
            "facet_heatmaps": {},
        }
    return answer


# -------------------------------------------------------------------- update


def update(index: Index, content_type: str, body: bytes) -> None:
    """Documents come as JSON, deletions and commits as XML: that is how pysolr sends them."""
    if "json" in content_type:
        message = json.loads(body)
        if isinstance(message, list):
            index.add(message)
        elif "commit" not in message:
            raise UnsupportedError(f"the JSON update {list(message)}")
        return
    root = ET.fromstring(body)  # noqa: S314  # from our own CKAN, over loopback
    if root.tag in ("commit", "optimize"):
        return
    if root.tag != "delete":
        raise UnsupportedError(f"the XML update <{root.tag}>")
    index.delete([n.text or "" for n in root.findall("id")])
    for node in root.findall("query"):
        found = index.snapshot()
        scope = Scope(index.schema, [d for _, d in found])
        query = LuceneParser(scope, node.text or "", "OR", [("text", 1.0)]).parse()
        index.delete([key for key, d in found if query(d) is not None])


# -------------------------------------------------------------------- server


class Handler(BaseHTTPRequestHandler):
    """HTTP around `select` and `update`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    index: Index
    verbose = False

    def do_GET(self) -> None:  # the name that http.server calls
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def answer(self, body: bytes) -> None:
        """Route one request by the last part of its path."""
        url = urlsplit(self.path)
        params = parse_qs(url.query, keep_blank_values=True)
        content_type = self.headers.get("Content-Type") or ""
        handler = "/".join(url.path.strip("/").split("/")[2:])
        if "form-urlencoded" in content_type:
            for key, values in parse_qs(body.decode(), keep_blank_values=True).items():
                params.setdefault(key, []).extend(values)
        payload: dict[str, Any]
        try:
            if handler == "select":
                status, payload = 200, select(self.index, params)
            elif handler == "update":
                update(self.index, content_type, body)
                status, payload = 200, {"responseHeader": {"status": 0, "QTime": 0}}
            elif handler == "admin/ping":
                status, payload = 200, {"responseHeader": {"status": 0, "QTime": 0}, "status": "OK"}
            elif handler in ("schema", "admin/file"):
                self.reply(200, self.index.schema.xml.encode(), "application/xml; charset=utf-8")
                return
            else:
                status, payload = 404, {"error": {"msg": f"no handler {url.path}", "code": 404}}
        except (BadRequestError, ValueError, ET.ParseError) as error:
            status, payload = (
                400,
                {"responseHeader": {"status": 400, "QTime": 0}, "error": {"msg": str(error), "code": 400}},
            )
        self.reply(status, json.dumps(payload).encode(), "application/json;charset=utf-8")

    def reply(self, status: int, payload: bytes, kind: str) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent unless asked for."""
        if self.verbose:
            super().log_message(format, *args)


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(description="A stand-in for Solr, enough for CKAN.")
    parser.add_argument("--port", type=int, default=8983)
    parser.add_argument("--db", required=True, help="SQLite file for the documents")
    parser.add_argument("--schema", help="schema.xml (default: the installed CKAN's)")
    parser.add_argument("--verbose", action="store_true", help="log each request")
    options = parser.parse_args()
    schema = options.schema
    if not schema:
        from importlib.resources import files

        schema = str(files("ckan") / "config" / "solr" / "schema.xml")
    Handler.index = Index(Schema(schema), options.db)
    Handler.verbose = options.verbose
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(
        f"solr stand-in: {len(Handler.index.docs)} documents, http://127.0.0.1:{options.port}/solr/ckan",
        file=sys.stderr,
        flush=True,
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
