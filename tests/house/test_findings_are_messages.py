"""Whatever a finding says is a message: no sentence stands in the code that only speaks English."""

import ast
import re

import pytest

from dev.messages import ROOT

_SENTENCE = re.compile(r"[A-Z{“].* .*[.?]", re.DOTALL)
_MESSAGES = ("message", "marked", "counted", "_", "in_languages")
# For operators and contributors, who read English; a template's texts stand there in both languages.
_FOR_OTHERS = ("sources/http.py", "sources/workbooks/proposing/", "sources/workbooks/template/")
_TEXTS = ("message", "help")


def _text(node):
    """A literal's text, an f-string's with holes; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _calls(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _english_only(node):
    """The literals and f-strings of an expression that no message holds."""
    if isinstance(node, ast.Call) and _calls(node) in _MESSAGES:
        return
    if (text := _text(node)) is not None:
        if text:
            yield node
        return
    if isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    else:
        parts = []
    for part in parts:
        yield from _english_only(part)


def _findings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _calls(node) == "Finding":
            yield node


def _of_findings(tree):
    """What findings are given as message and help: where it stands, or where the name got its value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _of_function(node)


def _of_function(function):
    assigned = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
    for call in _findings(function):
        given = [*call.args[2:4], *(word.value for word in call.keywords if word.arg in _TEXTS)]
        for one in given:
            yield from _english_only(one)
            if isinstance(one, ast.Name):
                for value in assigned.get(one.id, ()):
                    yield from _english_only(value)


def _docstrings(tree):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr):
            yield node.body[0].value
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # what a constant means
            yield node.value


def _sentences(tree):
    """The sentences that nobody marked: but for docstrings, and errors for operators."""
    passed = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        is_error = isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _calls(node).endswith("Error"))
        if is_error or (isinstance(node, ast.Call) and _calls(node) in _MESSAGES):
            passed.update(id(part) for part in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) not in passed and (text := _text(node)) and _SENTENCE.fullmatch(text):
            yield node


def _code(room):
    for path in sorted((ROOT / room).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", ["sources", "checks", "flows"])
def test_what_a_finding_says_is_a_message(room):
    faults = [f"{path}:{node.lineno}" for path, tree in _code(room) for node in _of_findings(tree)]
    assert not faults


def test_no_sentence_of_reading_speaks_english_only():
    faults = [
        f"{path}:{node.lineno}: {_text(node)[:70]}"
        for path, tree in _code("sources")
        if not str(path).startswith(_FOR_OTHERS)
        for node in _sentences(tree)
    ]
    assert not faults, "\n".join(faults)
