"""What the pages name is there: modules, files, commands with their options, targets of make, links."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from flows.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = ("warehouse", "sources", "checks", "publish", "flows")
CODE = (*ROOMS, "dev", "benchmarks", "tests")
FOLDERS = (*CODE, "docs")
OF_THE_HOME = {"warehouse.duckdb"}
COMMANDS = typer.main.get_command(app).commands

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def spans(page: Path) -> list[str]:
    """The texts in back-quotes, outside blocks of code."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"))
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def is_there(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            continue
        if found is not None:
            return has(importlib.import_module(name), parts[length:])
    return False


def has(thing: object, names: list[str]) -> bool:
    if not names:
        return True
    declared = {*getattr(thing, "__annotations__", ())}  # fields without a default are no attributes
    if len(names) == 1 and names[0] in declared:
        return True
    return hasattr(thing, names[0]) and has(getattr(thing, names[0]), names[1:])


@each_page
def test_dotted_names_of_ours_are_modules_or_in_one(page):
    named = {span.removesuffix("()") for span in spans(page)}
    ours = {name for name in named if re.fullmatch(rf"(?:{'|'.join(CODE)})(?:\.\w+)+", name)} - OF_THE_HOME
    assert {name for name in ours if not is_there(name)} == set()


@each_page
def test_paths_of_ours_exist(page):
    named = {span for span in spans(page) if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[^\s:=]*", span)}
    missing = set()
    for name in named:
        pattern = re.sub(r"<[^>]+>", "*", name.rstrip("/"))
        folder, _, last = pattern.rpartition("/")
        if not list(ROOT.glob(folder if last.startswith("*") else pattern)):  # a folder may wait for its first
            missing.add(name)
    assert missing == set()


@each_page
def test_commands_and_their_options_are_those_of_the_command_line(page):
    text = page.read_text(encoding="utf-8")
    called = re.findall(r"(?m)(?:^ +|`)opendistrict ([a-z][a-z-]*)([^\n`#]*)", text)
    faults = [command for command, _ in called if command not in COMMANDS]
    for command, rest in called:
        if command in COMMANDS:
            known = {option for one in COMMANDS[command].params for option in one.opts} | {"--help"}
            faults += [f"{command} {option}" for option in re.findall(r"--[a-z-]+", rest) if option not in known]
    anywhere = {option for command in COMMANDS.values() for one in command.params for option in one.opts}
    alone = {span.split()[0] for span in spans(page) if span.startswith("--")}
    assert faults == []
    assert {re.match(r"--[a-z-]+", option)[0] for option in alone} <= anywhere


@each_page
def test_targets_of_make_are_in_the_makefile(page):
    targets = {*re.findall(r"(?m)^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"))}
    text = page.read_text(encoding="utf-8")
    assert {*re.findall(r"(?m)(?:^ +|`)make ([a-z][a-z0-9-]*)", text)} <= targets


@each_page
def test_links_within_the_project_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    own = {link.partition("#")[0] for link in links if "://" not in link} - {""}
    assert {link for link in own if not (page.parent / link).exists()} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_page_lists_what_is_in_a_room(room):
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = re.search(rf"(?m)^\| in `{room}/` \|.*\n((?:\|.*\n)+)", text)
    assert table
    listed = [name for row in table[1].splitlines()[1:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / room).iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__"))
    }
    declared = {
        f"{path.parent.name}/" for path in ROOT.glob("sources/*/source.yaml")
    }  # a source more is no new room
    assert sorted({*listed} - declared) == sorted(there - declared)


def test_a_name_that_is_gone_is_seen():
    assert is_there("flows.night.night")
    assert is_there("warehouse.declarations.FieldDeclaration.mark")
    assert not is_there("flows.nightly.nightly")
    assert not is_there("flows.night.no_such_thing")
