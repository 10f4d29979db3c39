"""What an editor is told of the YAML files is what the models read."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from dev.schemas import FOLDER, schemas, written

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "sources/*/source.yaml": "source.json",
    "publish/catalogue/*.yaml": "catalogue.json",
    "publish/catalogue/translations/*.yaml": "translations.json",
    "checks/rules/sources/*.yaml": "source-rules.json",
    "checks/rules/datasets/*.yaml": "dataset-rules.json",
    "warehouse/identities/*.yaml": "decisions.json",
    "warehouse/reference/*.yaml": None,  # a schema each
}
FILES = [
    pytest.param(path, name or f"{path.stem.replace('_', '-')}.json", id=str(path.relative_to(ROOT)))
    for pattern, name in KINDS.items()
    for path in sorted(ROOT.glob(pattern))
]


@functools.cache
def validator(name):
    """What an editor asks; a second each to make, so once."""
    return Draft202012Validator(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def test_the_schemas_are_those_of_the_models():
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == {
        name: written(schema) for name, schema in schemas().items()
    }, "run python -m dev.schemas"


def faults_of_file(path, name):
    """What an editor would mark in a file."""
    text = path.read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    if not named or not named[1].endswith(f"docs/schemas/{name}"):
        return ["it does not name its schema"]
    content = json.loads(json.dumps(yaml.safe_load(text), default=str))  # dates as an editor has them
    return [error.message for error in validator(name).iter_errors(content)]


@pytest.mark.parametrize(("path", "name"), FILES)
def test_a_file_names_its_schema_and_keeps_to_it(path, name):
    assert faults_of_file(path, name) == []
    assert (path.parent / path.read_text(encoding="utf-8").splitlines()[0].partition("=")[2]).exists()


def test_a_misspelt_key_and_an_unknown_name_are_faults():
    content = yaml.safe_load((ROOT / "sources/agile_pilots/source.yaml").read_text(encoding="utf-8"))
    content |= {"publisher": "nobody", "licnce": "CC0-1.0"}
    faults = [error.message for error in validator("source.json").iter_errors(content)]
    assert len(faults) == 2
    assert "'nobody' is not one of" in faults[1] or "'nobody' is not one of" in faults[0]
