"""The Finnish industrial classifications, and what became of the classes of one in the next. Data, not code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import duckdb
from pydantic import Field, model_validator

from warehouse.database import insert_rows
from warehouse.declared import Declared, parse, read_yaml

_FILE = Path(__file__).parent / "reference" / "industries.yaml"
BEFORE, AFTER = "TOIMI3", "TOIMI4"
"""The register's names of the classifications before and after the reform."""

ClassCode = Annotated[str, Field(pattern=r"^[0-9]{4}$")]


class IndustryClass(Declared):
    """A class: what four digits mean."""

    title: str
    title_fi: str = ""


class Classification(Declared):
    """A classification, as far as the sectors need it."""

    title: str
    source: str
    source_url: str
    classes: Mapping[ClassCode, IndustryClass]


class Change(Declared):
    """What became of a class. Of several, each has the same weight as long as nobody knows better."""

    code: ClassCode
    became: tuple[ClassCode, ...] = Field(min_length=1)
    basis: Literal["titles", "notes", "reported"]  # how it is known
    note: str = ""


class Industries(Declared):
    """All of it: classifications by the register's name of them, and the changes from the first to the second."""

    classifications: Mapping[str, Classification]
    changes: tuple[Change, ...]

    @model_validator(mode="after")
    def _changes_lead_somewhere(self) -> Industries:
        if set(self.classifications) != {BEFORE, AFTER}:
            raise ValueError(f"the classifications are {BEFORE} and {AFTER}")
        before, after = (self.classifications[name].classes for name in (BEFORE, AFTER))
        codes = [change.code for change in self.changes]
        if unknown := {*codes} - set(before) | {to for change in self.changes for to in change.became} - set(
            after
        ):
            raise ValueError(f"changes of classes without a title: {', '.join(sorted(unknown))}")
        if twice := {code for code in codes if codes.count(code) > 1}:
            raise ValueError(f"several changes of one class: {', '.join(sorted(twice))}")
        return self


def industries(path: Path = _FILE) -> Industries:
    """The classifications and changes, from ``warehouse/reference/industries.yaml`` or a file of its form.

    Raises:
        DeclarationError: the file cannot be used.
    """
    return parse(Industries, read_yaml(path), path)


def create_industry_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``reference.industry_classes`` (scheme_code, class_code, title, title_fi) and
    ``reference.industry_changes`` (class_code, became_code, weight from 0 to 1).
    """
    connection.execute("""
        CREATE OR REPLACE TABLE reference.industry_classes
            (scheme_code VARCHAR, class_code VARCHAR, title VARCHAR, title_fi VARCHAR);
        CREATE OR REPLACE TABLE reference.industry_changes
            (class_code VARCHAR, became_code VARCHAR, weight DOUBLE);
    """)
    known = industries()
    insert_rows(
        connection,
        "reference.industry_classes",
        [
            (scheme, code, one.title, one.title_fi)
            for scheme, classification in known.classifications.items()
            for code, one in classification.classes.items()
        ],
    )
    insert_rows(
        connection,
        "reference.industry_changes",
        [(change.code, to, 1 / len(change.became)) for change in known.changes for to in change.became],
    )
