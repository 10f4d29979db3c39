"""The catalogues of messages: complete, fresh, and no placeholder lost on the way into another language."""

import ast

import pytest

from dev.messages import ROOMS, ROOT, found, kept, written
from warehouse.messages import Language
from warehouse.messages.said import FOLDER
from warehouse.messages.texts import placeholders

SAID = found()
OTHERS = [language for language in Language if language is not Language.ENGLISH]
CASES = [(language, room) for language in OTHERS for room, said in SAID.items() if said]


@pytest.mark.parametrize(("language", "room"), CASES)
def test_a_catalogue_is_what_dev_messages_writes(language, room):
    path = FOLDER / language.value / f"{room}.po"
    assert path.read_text(encoding="utf-8") == written(language, room, SAID[room]), "run: python -m dev.messages"


@pytest.mark.parametrize(("language", "room"), CASES)
def test_nothing_is_left_untranslated_and_no_placeholder_is_lost(language, room):
    faults = []
    for one in kept(language, room):
        templates = [one.id] if isinstance(one.id, str) else list(one.id)
        texts = [one.string] if isinstance(one.string, str) else list(one.string)
        if not templates[0]:
            continue
        if not all(texts):
            faults.append(f"untranslated: {templates[0]}")
        elif placeholders(templates[-1]) != placeholders(texts[-1]) or not placeholders(texts[0]) <= placeholders(
            templates[-1]
        ):
            faults.append(f"placeholders differ: {templates[0]} -> {texts}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("language", OTHERS)
def test_a_message_has_one_translation_wherever_it_is_said(language):
    texts = {}
    for room in set(ROOMS.values()):
        for one in kept(language, room):
            template = one.id if isinstance(one.id, str) else one.id[0]
            assert texts.setdefault(template, one.string) == one.string, template


def test_a_template_is_a_literal_without_further_syntax():
    """Else nobody could find it in the code, and a catalogue would miss it."""
    faults = []
    for path in [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]:
        code = path.read_text(encoding="utf-8")
        if "from warehouse.messages import" not in code:
            continue
        for node in ast.walk(ast.parse(code)):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if name in ("message", "counted", "marked"):
                given = node.args[: 2 if name == "counted" else 1]
                if not given or any(not isinstance(one, ast.Constant) for one in given):
                    faults.append(f"{path}:{node.lineno}")
    assert not faults
