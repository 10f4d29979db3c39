"""A proposed declaration as the YAML file of a source: a line a column, with what each guess rests on."""

from __future__ import annotations

from typing import Any

import yaml

from sources.workbooks.proposing.proposal import Proposal, ProposedField, ProposedTable
from warehouse.declarations import Privacy


def as_yaml(proposal: Proposal, publisher: str, licence: str) -> str:
    """The text of ``source.yaml``."""
    head = {
        "name": proposal.name,
        "title": proposal.title,
        "publisher": publisher,
        "licence": licence,
        "attribution": proposal.title,
        "cadence": "irregular",
        "kind": "workbook",
    }
    lines = [
        "# yaml-language-server: $schema=../../docs/schemas/source.json",
        comment(
            f"# Proposed from {proposal.title}: look at every guess, and write the descriptions that are missing."
        ),
    ]
    lines += [f"{key}: {flow(value)}" for key, value in head.items()]
    lines += [comment(f"# Not declared: {one}") for one in proposal.others]
    lines += ["tables:"]
    for table in proposal.tables:
        lines += _table(table)
    return "\n".join(lines) + "\n"


def _table(table: ProposedTable) -> list[str]:
    declared = table.declaration
    lines = [
        f"  - name: {declared.name}",
        f"    title: {flow(declared.title)}",
        f"    description: {flow(declared.description)}",
        f"    each_row_is_a: {flow(declared.each_row_is_a)}",
        f"    primaryKey: {flow(list(declared.primary_key))}{_guess(table.key.evidence, table.key.doubt)}",
    ]
    if declared.foreign_keys:
        lines.append("    foreignKeys:")
    for key in declared.foreign_keys:
        content = {"fields": list(key.fields), "table": key.table, "references": list(key.references)}
        lines.append(f"      - {flow(content)}{_guess(table.references[key.fields[0]])}")
    rows = {"minimum": declared.rows.minimum, "maximum": declared.rows.maximum}
    lines.append(f"    rows: {flow(rows)}{_guess(f'80 % and twice the {table.records} rows there are')}")
    lines += ["    " + comment(f"# Left out: {one}") for one in table.left_out]
    lines.append("    fields:")
    return [
        *lines,
        *(f"      - {_field(field)}{_guess(field.evidence, field.doubt)}" for field in table.fields),
    ]


def _field(field: ProposedField) -> str:
    """A column's declaration on one line."""
    declared = field.declaration
    limits = declared.constraints.model_dump(by_alias=True, exclude_defaults=True)
    content: dict[str, Any] = {
        "name": declared.name,
        "title": declared.title,
        "type": declared.type if declared.type != "string" else None,
        "decimals": declared.decimals,
        "unit": declared.unit,
        "precision_in": declared.precision_in,
        "privacy": None if declared.privacy is Privacy.INTERNAL else declared.privacy.value,
        "presence": None if declared.presence == "mandatory" else declared.presence,
        "constraints": {key: list(value) if isinstance(value, tuple) else value for key, value in limits.items()},
    }
    return flow({key: value for key, value in content.items() if value not in (None, {})})


def comment(text: str) -> str:
    """A comment on one line: names of files and sheets come from anyone, and a line break would end it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def flow(content: object) -> str:
    """A value as YAML on one line."""
    text: str = yaml.safe_dump(content, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _guess(evidence: str, doubt: str = "") -> str:
    return "  " + comment(f"# guessed: {'; '.join(text for text in (evidence, doubt) if text)}")
