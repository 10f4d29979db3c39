"""Reference data: code lists, sectors, usual spans, publishers, licences. Files, so a change is reviewed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
from pydantic import Field, model_validator

from warehouse.database import insert_rows
from warehouse.declared import DATASET_SLUG, SLUG, D, DeclarationError, Declared, parse, read_yaml
from warehouse.text import nearest, normalised

_FOLDER = Path(__file__).parent / "reference"


def _compared(text: str) -> str:
    """A word for a code as it is compared; a sign such as % or €, of which nothing would be left, as it stands."""
    return normalised(text) or text.strip()


class Code(Declared):
    """A code's meaning. ``aliases`` are other words for it that people write, in either language."""

    title: str
    title_fi: str = ""
    description: str = ""
    description_fi: str = ""
    aliases: tuple[str, ...] = ()

    def words(self, code: str) -> tuple[str, ...]:
        """All texts that mean this code."""
        return tuple(text for text in (code, self.title, self.title_fi, *self.aliases) if text)


class CodeList(Declared):
    """A list of codes, in the order in which people expect to read them.

    ``is_untranslated``: the titles are a register's own words, the same in every language.
    """

    title: str
    is_untranslated: bool = False
    codes: Mapping[str, Code]

    @model_validator(mode="before")
    @classmethod
    def _titles_in_every_language(cls, content: Any) -> Any:
        if not isinstance(content, dict) or not content.get("is_untranslated"):
            return content
        codes = {
            code: {**meaning, "title_fi": meaning.get("title", "")} if isinstance(meaning, dict) else meaning
            for code, meaning in content.get("codes", {}).items()
        }
        return {**content, "codes": codes}

    @model_validator(mode="after")
    def _no_word_means_two_codes(self) -> CodeList:
        for code, meaning in self.codes.items():
            for text in meaning.words(code):
                if self._words[_compared(text)] != code:
                    raise ValueError(f"{text!r} means two codes")
        return self

    @cached_property
    def _words(self) -> Mapping[str, str]:
        return {_compared(text): code for code, meaning in self.codes.items() for text in meaning.words(code)}

    def code_of(self, text: str) -> str | None:
        """The code that a text means: the code itself, a title or an alias; case and punctuation do not count."""
        return text if text in self.codes else self._words.get(_compared(text))

    def nearest(self, text: str) -> list[str]:
        """The codes whose words are most like a text that means none, the likeliest first."""
        return list(dict.fromkeys(self._words[word] for word in nearest(normalised(text)[:80], self._words)))


class _CodeLists(Declared):
    lists: Mapping[str, CodeList]


class Sector(Declared):
    """A technology sector: the industries that make it up, as prefixes of the five-digit codes.

    ``sic_prefixes`` are of SIC 2007 and of TOL 2008, which agree in their first four digits.
    """

    code: str = Field(pattern=SLUG)
    title: str
    title_fi: str
    sic_prefixes: tuple[str, ...]
    tol_2025_prefixes: tuple[str, ...]
    is_tech: bool = False


class Sectors(Declared):
    """The published definition the sectors follow, and the sectors: the first whose prefix fits counts."""

    definition: str
    definition_source: str
    sectors: tuple[Sector, ...]


class UsualSpan(Declared):
    """What is usual in a programme at a time. ``matches`` is found in the programme's name; without it the span is
    for programmes that have none of their own.
    """

    programme: str  # as messages call it
    programme_fi: str = ""  # the same in Finnish, where it is not a name
    matches: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    low: Decimal | None = None
    high: Decimal
    source: str


class _UsualSpans(Declared):
    lists: Mapping[str, tuple[UsualSpan, ...]]


def usual_spans(path: Path = _FOLDER / "usual_spans.yaml") -> Mapping[str, tuple[UsualSpan, ...]]:
    """What is usual in programmes, by the name of what is meant: ``grant``, ``companies_a_round``."""
    return parse(_UsualSpans, {"lists": read_yaml(path)}, path).lists


@cache
def code_lists() -> Mapping[str, CodeList]:
    """All code lists by name: those of ``code_lists.yaml``, and ``sectors``."""
    path = _FOLDER / "code_lists.yaml"
    found = sectors().sectors
    sector_list = CodeList(title="Sector", codes={s.code: Code(title=s.title, title_fi=s.title_fi) for s in found})
    return {**parse(_CodeLists, {"lists": read_yaml(path)}, path).lists, "sectors": sector_list}


def sectors(path: Path = _FOLDER / "sectors.yaml") -> Sectors:
    """The definition of technology sectors."""
    return parse(Sectors, read_yaml(path), path)


class Contact(Declared):
    """Whom to write to about a dataset: a function, not a person."""

    name: str
    email: str


class Publisher(Declared):
    """An organisation that publishes: a source's, or our own on the portal; ``name`` is its slug there."""

    name: str = Field(pattern=DATASET_SLUG)
    title: str
    description: str = ""
    homepage: str | None = None
    contact: Contact | None = None
    org_id: str | None = None  # its identifier in a register, such as FI-PRO-2170029-2
    # Its prefix in the 360Giving standard, with which the ids of its grants begin.
    grant_prefix: str | None = Field(None, pattern=r"^360G-[A-Za-z0-9_-]+$")


class Licence(Declared):
    """Terms of use, and what others call them."""

    id: str  # of SPDX where it has one
    title: str
    url: str
    ckan: str = "notspecified"  # the id in CKAN's list of licences
    authority: str | None = None  # the address in the EU's licence authority table, which DCAT-AP names
    is_free_as_cc_by: bool = False  # binds no more than CC BY 4.0, as high-value datasets of the EU have to


def publishers(path: Path = _FOLDER / "publishers.yaml") -> Mapping[str, Publisher]:
    """The publishers by slug."""
    return _listed(Publisher, "name", path)


def licences(path: Path = _FOLDER / "licences.yaml") -> Mapping[str, Licence]:
    """The licences by id."""
    return _listed(Licence, "id", path)


@cache
def _listed(model: type[D], key: str, path: Path) -> Mapping[str, D]:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: expected entries by {key}")
    return {
        str(name): parse(model, {**(entry or {}), key: name}, f"{path}: {name}", path, (name,))
        for name, entry in content.items()
    }


class OrganisationRegister(Declared):
    """A register of organisations, by its code of org-id.guide."""

    code: str
    title: str
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")  # ISO 3166-1; empty for those of many countries
    identifier: str | None = None  # the kind of identifier that its numbers are: of warehouse.identifiers
    # An address with {number} in it: the organisation's page at the register.
    page: str | None = None


def organisation_registers() -> Mapping[str, OrganisationRegister]:
    """The registers that an org-id may name, by code."""
    return _listed(OrganisationRegister, "code", _FOLDER / "organisation_registers.yaml")


@cache
def company_number_prefixes() -> Mapping[str, str]:
    """What kind of body a UK company number's letters in front mean, by the letters."""
    return {
        str(letters): str(kind) for letters, kind in read_yaml(_FOLDER / "company_number_prefixes.yaml").items()
    }


# What these say stands in the declarations that name them, and is part of their fingerprints there.
_IN_DECLARATIONS = frozenset({"publishers.yaml", "licences.yaml"})


@cache
def fingerprint() -> str:
    """SHA-256 over the reference files that data are read and judged by: a change makes datasets be built anew."""
    files = (path for path in sorted(_FOLDER.iterdir()) if path.is_file() and path.name not in _IN_DECLARATIONS)
    parts = (path.read_bytes() for path in files)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create_reference_tables(connection: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make the tables that models read.

    ``reference.codes`` (list, code, title, description, position), ``reference.words`` (list, word, code: every
    text that means a code), ``reference.sectors`` (sector_code, sector_title, is_tech, position),
    ``reference.sector_prefixes`` (sic_prefix, sector_code),
    ``reference.sector_tol_2025_prefixes`` (tol_2025_prefix, sector_code), the tables of ``warehouse.industries``,
    ``reference.district_postcode_areas`` (district, postcode_area), ``reference.nearby_postcode_areas`` (the same
    of what lies around it), ``reference.run`` (as_of_date).
    """
    from warehouse.districts import load_districts
    from warehouse.industries import create_industry_tables

    connection.execute("""
        CREATE SCHEMA IF NOT EXISTS reference;
        CREATE OR REPLACE TABLE reference.codes
            (list VARCHAR, code VARCHAR, title VARCHAR, description VARCHAR, position INTEGER);
        CREATE OR REPLACE TABLE reference.words (list VARCHAR, word VARCHAR, code VARCHAR);
        CREATE OR REPLACE TABLE reference.sectors
            (sector_code VARCHAR, sector_title VARCHAR, is_tech BOOLEAN, position INTEGER);
        CREATE OR REPLACE TABLE reference.sector_prefixes (sic_prefix VARCHAR, sector_code VARCHAR);
        CREATE OR REPLACE TABLE reference.sector_tol_2025_prefixes (tol_2025_prefix VARCHAR, sector_code VARCHAR);
        CREATE OR REPLACE TABLE reference.district_postcode_areas (district VARCHAR, postcode_area VARCHAR);
        CREATE OR REPLACE TABLE reference.nearby_postcode_areas (district VARCHAR, postcode_area VARCHAR);
        CREATE OR REPLACE TABLE reference.run (as_of_date DATE);
    """)
    codes = [
        (name, code, meaning.title, meaning.description, position)
        for name, code_list in code_lists().items()
        for position, (code, meaning) in enumerate(code_list.codes.items())
    ]
    found = sectors().sectors
    districts = load_districts().values()
    areas = [(d.id, area) for d in districts for area in d.postcode_areas]
    nearby = [(d.id, area) for d in districts for area in d.nearby_postcode_areas]
    insert_rows(connection, "reference.codes", codes)
    words = [
        (name, word, code)
        for name, code_list in code_lists().items()
        for code, meaning in code_list.codes.items()
        for word in dict.fromkeys(meaning.words(code))
    ]
    insert_rows(connection, "reference.words", words)
    insert_rows(
        connection,
        "reference.sectors",
        [(s.code, s.title, s.is_tech, position) for position, s in enumerate(found)],
    )
    insert_rows(
        connection,
        "reference.sector_prefixes",
        [(prefix, s.code) for s in found for prefix in s.sic_prefixes],
    )
    insert_rows(
        connection,
        "reference.sector_tol_2025_prefixes",
        [(prefix, s.code) for s in found for prefix in s.tol_2025_prefixes],
    )
    create_industry_tables(connection)
    insert_rows(connection, "reference.district_postcode_areas", areas)
    insert_rows(connection, "reference.nearby_postcode_areas", nearby)
    connection.execute("INSERT INTO reference.run VALUES (?)", [as_of])
