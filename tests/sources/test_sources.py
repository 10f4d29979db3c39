"""A source is a folder: a register's has code, a workbook's has none."""

import shutil
import subprocess
import sys
import zipfile
from datetime import date

import pytest

import sources
from sources import PullRequest, SourceError, declarations, package, workbooks
from tests.workbook_factory import ROOT, save
from warehouse.declarations import DeclarationError
from warehouse.home import Home

WORKBOOK = """
name: {name}
title: Things
publisher: opendistrict
licence: CC0-1.0
attribution: p
cadence: irregular
kind: {kind}
tables:
  - name: things
    title: Things
    each_row_is_a: thing
    primaryKey: [key]
    fields: [{{name: key, title: Key}}, {{name: size, title: Size, type: integer}}]
"""


def declared(tmp_path, name="things_of_ours", kind="workbook", folder="things_of_ours"):
    place = tmp_path / "declared" / folder
    place.mkdir(parents=True)
    (place / "source.yaml").write_text(WORKBOOK.format(name=name, kind=kind))
    return place.parent


def test_a_workbook_with_a_declaration_and_nothing_else_is_pulled_and_read(tmp_path):
    (declaration,) = declarations(declared(tmp_path)).values()
    path = save(tmp_path / "book.xlsx", {"Things": [["Key", "Size"], ["a", 12], ["b", "1 000"]]})
    source = package(declaration)
    snapshot = source.pull(PullRequest(Home(tmp_path / "home"), declaration, str(path), date(2026, 1, 31)))
    reading = source.read(snapshot, declaration, tmp_path)
    assert not reading.findings
    assert [(row["key"], row["size"]) for row in reading.tables["things"].to_pylist()] == [("a", 12), ("b", 1000)]


def test_a_register_has_code_of_its_own_and_without_it_the_message_says_so(tmp_path):
    assert package(declarations()["companies_house"]).__name__ == "sources.companies_house"
    assert package(declarations()["agile_pilots"]) is workbooks
    (declaration,) = declarations(declared(tmp_path, kind="register")).values()
    with pytest.raises(SourceError, match="a register needs code, and there is no sources/things_of_ours"):
        package(declaration)


def test_a_source_that_is_called_like_a_module_of_the_house_is_not_taken_for_it(tmp_path):
    (declaration,) = declarations(declared(tmp_path, name="loading", folder="loading")).values()
    assert package(declaration) is workbooks


def test_a_folder_has_the_name_of_its_source(tmp_path):
    with pytest.raises(DeclarationError, match="the source other must be in a folder of that name"):
        declarations(declared(tmp_path, name="other"))


def test_the_houses_own_workbooks_need_no_code():
    for declaration in declarations().values():
        if declaration.kind == "workbook":
            assert not list((sources.FOLDER / declaration.name).rglob("*.py"))


def test_a_wheel_ships_a_source_without_code(tmp_path):
    tree = tmp_path / "tree"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        tree.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree)
    shutil.copytree(ROOT / "sources", tree / "sources")
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=tree, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"sources/agile_pilots/source.yaml", "sources/agile_pilots/sample/agile_pilots.xlsx"} <= names
