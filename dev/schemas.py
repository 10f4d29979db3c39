"""JSON Schemas of the YAML files that contributors write, made from the models that read them.

An editor with a YAML language server completes and checks a file that names its schema in its first line:
``# yaml-language-server: $schema=../../docs/schemas/source.json``. ``python -m dev.schemas`` writes them anew.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from checks.accepted import AcceptedException
from checks.corrections import Correction
from checks.rules import DatasetRules, SourceRules
from publish.questions import Question
from warehouse.declarations import CatalogueEntry, SourceDeclaration, Translations
from warehouse.declared import Declared
from warehouse.districts import District, load_districts
from warehouse.identifiers import IDENTIFIERS
from warehouse.identities.decisions import Decision
from warehouse.industries import Industries
from warehouse.reference import CodeList, Licence, OrganisationRegister, Publisher, Sectors, UsualSpan, code_lists

# What a field names that is listed elsewhere: an editor offers the list.
_COMPLETED: Mapping[str, Mapping[str, Callable[[], Iterable[str]]]] = {
    "Constraints": {"codeList": code_lists, "check": lambda: IDENTIFIERS},
    "FieldDeclaration": {"labels": code_lists},
    "CatalogueEntry": {"district": load_districts},
}
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"


def schemas() -> dict[str, dict[str, Any]]:
    """By file name, the schema of a kind of YAML file."""
    return {
        "source.json": _of(SourceDeclaration, "A source: sources/<name>/source.yaml"),
        "catalogue.json": _of(CatalogueEntry, "A dataset: publish/catalogue/<stem>.yaml"),
        "translations.json": _of(
            Translations, "The catalogue in a language: publish/catalogue/translations/<language>.yaml"
        ),
        "questions.json": _of(
            Question, "A question to the published datasets: publish/questions/<nn>_<slug>.yaml"
        ),
        "source-rules.json": _of(SourceRules, "Rules of a source: checks/rules/sources/<name>.yaml"),
        "dataset-rules.json": _of(DatasetRules, "Rules of a dataset: checks/rules/datasets/<stem>.yaml"),
        "accepted.json": _of(tuple[AcceptedException, ...], "Accepted exceptions: checks/accepted/<source>.yaml"),
        "corrections.json": _of(tuple[Correction, ...], "Corrections: checks/corrections/<source>.yaml"),
        "code-lists.json": _of(dict[str, CodeList], "warehouse/reference/code_lists.yaml"),
        "sectors.json": _of(Sectors, "warehouse/reference/sectors.yaml"),
        "industries.json": _of(Industries, "warehouse/reference/industries.yaml"),
        "usual-spans.json": _of(dict[str, tuple[UsualSpan, ...]], "warehouse/reference/usual_spans.yaml"),
        "company-number-prefixes.json": _of(dict[str, str], "warehouse/reference/company_number_prefixes.yaml"),
        "organisation-registers.json": _listed(
            OrganisationRegister, "code", "warehouse/reference/organisation_registers.yaml"
        ),
        "decisions.json": _of(tuple[Decision, ...], "warehouse/identities/decisions.yaml"),
        "districts.json": _listed(District, "id", "warehouse/reference/districts.yaml"),
        "publishers.json": _listed(Publisher, "name", "warehouse/reference/publishers.yaml"),
        "licences.json": _listed(Licence, "id", "warehouse/reference/licences.yaml"),
    }


def _of(kind: Any, title: str) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(by_alias=True)
    for model in _models():
        described = schema.get("$defs", {}).get(model.__name__) or (schema if model is kind else {})
        for name, text in _comments(model).items():
            if found := described.get("properties", {}).get(model.model_fields[name].alias or name):
                found["description"] = text
    for model, names in _COMPLETED.items():
        for name, known in names.items():
            if found := schema.get("$defs", {}).get(model, {}).get("properties", {}).get(name):
                found["enum"] = [*sorted(known()), None]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _models(base: type[BaseModel] = Declared) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


_ATTRIBUTE = re.compile(r"    (\w+): ")


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """What a model's source says of its attributes: in the comment lines above one, or behind it."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(model).splitlines():
        if line.startswith("    # "):
            above.append(line[6:].strip())
            continue
        match = _ATTRIBUTE.match(line)
        behind = line.partition("  # ")[2]
        if match and match[1] in model.model_fields and (above or behind):
            found[match[1]] = " ".join([*above, behind]).strip()
        above = []
    return found


def _listed(model: type[BaseModel], key: str, title: str) -> dict[str, Any]:
    """Of a file with an entry a thing, whose key is the thing's name."""
    schema = _of(dict[str, model], title)  # type: ignore[valid-type]
    entry = schema["$defs"][model.__name__]
    entry["properties"].pop(key, None)
    entry["required"] = [name for name in entry.get("required", ()) if name != key]
    return schema


def written(schema: dict[str, Any]) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
