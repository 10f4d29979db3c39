"""What the Open Data Contract Standard 3.1 demands of a contract, as far as ours go: keys, types and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_ROOT = {
    "required": {"apiVersion", "kind", "id", "version", "status"},
    "known": {
        *("apiVersion", "kind", "id", "name", "tenant", "tags", "status", "servers", "dataProduct", "description"),
        *("domain", "schema", "support", "price", "team", "roles", "slaProperties", "authoritativeDefinitions"),
        *("customProperties", "contractCreatedTs", "version"),
    },
}
_LOGICAL = {"string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"}
_OPTIONS = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"},
    "date": {"minimum", "maximum", "format"},
    "timestamp": {"minimum", "maximum", "format"},
}
_METRICS = {"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"}
_OPERATORS = {
    *("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan"),
    *("mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween"),
}
_DIMENSIONS = {
    *("accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"),
}


def faults_of_contract(text: str) -> list[str]:
    """What is wrong with a contract's file, in words."""
    return list(_faults(yaml.safe_load(text)))


def _faults(contract: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} is missing" for key in sorted(_ROOT["required"] - set(contract)))
    yield from (f"{key} is unknown" for key in sorted(set(contract) - _ROOT["known"]))
    if contract.get("kind") != "DataContract":
        yield "kind is not DataContract"
    if not re.fullmatch(r"v3\.\d+\.\d+", str(contract.get("apiVersion"))):
        yield "apiVersion is not of the third version"
    for key in ("id", "version", "status", "name", "domain"):
        if not isinstance(contract.get(key), str):
            yield f"{key} is no text"
    for table in contract.get("schema", ()):
        yield from _of_table(table)
    for server in contract.get("servers", ()):
        if server["type"] == "local" and not {"server", "path", "format"} <= set(server):
            yield f"server {server.get('server')} lacks its path or format"
    for one in contract.get("slaProperties", ()):
        if not {"property", "value"} <= set(one):
            yield f"a service level lacks property or value: {one}"


def _of_table(table: Mapping[str, Any]) -> Iterator[str]:
    if not table.get("name") or table.get("logicalType") != "object":
        yield "a table lacks its name, or is no object"
    names = [column["name"] for column in table["properties"]]
    if len(names) != len(set(names)):
        yield "two columns share a name"
    for rule in table.get("quality", ()):
        yield from _of_rule(rule, table["name"])
    for column in table["properties"]:
        logical = column.get("logicalType")
        if logical not in _LOGICAL:
            yield f"{column['name']}: there is no type {logical}"
        if extra := set(column.get("logicalTypeOptions", ())) - _OPTIONS.get(logical, set()):
            yield f"{column['name']}: {logical} has no {', '.join(sorted(extra))}"
        for rule in column.get("quality", ()):
            yield from _of_rule(rule, column["name"])


def _of_rule(rule: Mapping[str, Any], where: str) -> Iterator[str]:
    if rule.get("type") != "library" or rule.get("metric") not in _METRICS:
        yield f"{where}: a rule of no known metric"
    if len(set(rule) & _OPERATORS) != 1:
        yield f"{where}: a rule compares in one way"
    if rule.get("dimension") not in _DIMENSIONS:
        yield f"{where}: there is no dimension {rule.get('dimension')}"
