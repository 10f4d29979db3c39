"""Nothing is kept that nobody calls. What only a test calls is dead too."""

from __future__ import annotations

import re
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("warehouse", "sources", "checks", "publish", "flows")
CALLED_BY_NAME = ["@app.command*", "@app.callback*", "@model_validator", "@field_validator", "@flow"]
CALLED_BY_A_LIBRARY = {
    "handle_data": "html.parser",
    "handle_endtag": "html.parser",
    "handle_starttag": "html.parser",
    "get_redirect_target": "requests",
    "_get_substituted_batch_subquery_from_query_and_batch_selectable": "Great Expectations",
    "_validate": "Great Expectations",
    "add_column_row_condition": "Great Expectations",
    "get_inspector": "Great Expectations",
    "_CountDuplicates": "Great Expectations, which finds metrics by their base class",
    "_CountCompoundDuplicates": "the same",
    "_requires_quotes": "SQLAlchemy",
    "render_literal_value": "SQLAlchemy",
    "get_columns": "SQLAlchemy",
    "get_pk_constraint": "SQLAlchemy",
}


def test_every_function_and_class_is_called_by_the_project_itself():
    vulture = Vulture(ignore_decorators=CALLED_BY_NAME)
    vulture.scavenge([str(ROOT / room) for room in ROOMS])
    in_templates = {
        word
        for room in ROOMS
        for path in (ROOT / room).rglob("*.html")
        for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
    }
    in_words = {
        name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(r"\{it\.(?:\w+\.)?(\w+)", path.read_text(encoding="utf-8"))
    }
    kinds = ("function", "method", "property", "class")
    unused = {item.name: item for item in vulture.get_unused_code() if item.typ in kinds}
    dead = {
        f"{item.filename.relative_to(ROOT)}:{item.first_lineno} {name}"
        for name, item in unused.items()
        if name not in {*CALLED_BY_A_LIBRARY, *in_templates, *in_words}
    }
    assert dead == set()
    assert set(unused) >= set(CALLED_BY_A_LIBRARY), "an exception that is none any more"
