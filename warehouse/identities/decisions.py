"""What coordinators decided: that a name on a list is an organisation of a register, or that it is not.

The decisions are a file, so each is reviewed and stays; the report prints the lines to paste. One that speaks of
nothing any more is told (``VOID``), and holds what is published of identities until somebody looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from warehouse import identifiers
from warehouse.declared import SLUG, DeclarationError, Declared, parse, read_yaml
from warehouse.text import normalised

FILE = Path(__file__).parent / "decisions.yaml"


def _known(org_id: str) -> str:
    if identifiers.org_id(org_id) != org_id:
        raise ValueError(f"{org_id!r} is no org-id in its canonical form, such as GB-COH-01234567")
    return org_id


class Decision(Declared):
    """That a name in a source is an organisation, or is not."""

    source: str = Field(pattern=SLUG)
    name: str = Field(min_length=1)  # as the source has it; case and punctuation do not count
    org_id: Annotated[str, AfterValidator(_known)]
    is_same: bool
    decided_by: str = Field(min_length=1)  # a function, such as "coordinator of Agile Piloting", not a person
    date: date
    reason: str = Field(min_length=1)  # what it was seen by, with an address where there is one


class _Decisions(Declared):
    decisions: tuple[Decision, ...]


def decisions() -> tuple[Decision, ...]:
    """The decisions in the order of the file.

    Raises:
        DeclarationError: the file cannot be used, or two of them contradict each other.
    """
    found = parse(_Decisions, {"decisions": read_yaml(FILE) or ()}, FILE).decisions
    said: dict[tuple[str, str], dict[str, bool]] = {}
    for one in found:
        about = said.setdefault((one.source, normalised(one.name)), {})
        if one.org_id in about or (one.is_same and True in about.values()):
            raise DeclarationError(f"{FILE}: {one.name!r} in {one.source} is decided twice; take one of them out")
        about[one.org_id] = one.is_same
    return found


def rows() -> Sequence[Mapping[str, str | bool]]:
    """The decisions as rows with the columns source_code, name, scheme_code, local_id, org_id, is_same."""
    listed: list[Mapping[str, str | bool]] = []
    for one in decisions():
        scheme, local = identifiers.split_org_id(one.org_id) or ("", "")
        listed.append(
            {"source_code": one.source, "name": one.name, "scheme_code": scheme, "local_id": local,
             "org_id": one.org_id, "is_same": one.is_same}
        )  # fmt: skip
    return listed


def line(source: str, name: str, org_id: str) -> str:
    """A decision as a line of the file, with what a person has to fill in."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'- {{source: {source}, name: "{quoted}", org_id: {org_id}, is_same: true,'
        ' decided_by: "", date: , reason: ""}'
    )
