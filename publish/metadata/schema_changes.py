"""What changed in the columns since the version before, and which of it breaks programs that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publish.metadata.schema import table_schema
from warehouse.declarations import DatasetDeclaration

_MOST_CODES = 10  # that are named

Fields = Mapping[str, Mapping[str, Any]]
SameValues = Callable[[str, str], bool]
"""Whether the old column (first) and the new one (second) have the same values."""


@dataclass(frozen=True)
class SchemaChanges:
    """What changed, in words; ``breaking`` is the part of it that a new major version is for."""

    changes: tuple[str, ...] = ()
    breaking: tuple[str, ...] = ()


def compare_schemas(
    before: Mapping[str, Any], declaration: DatasetDeclaration, same_values: SameValues
) -> SchemaChanges:
    """What changed in a dataset's columns since the schema of the version before.

    A column that went is told as renamed where one that came has its title, or its values. Columns and codes that
    came, another order, and codes that went break nothing.

    Args:
        before: the Table Schema of that version's CSV file.
        declaration: the dataset as it is declared now.
        same_values: asked of columns of one type with different titles.
    """
    now = table_schema(declaration)
    listed = before.get("fields")
    old: Fields = {field["name"]: field for field in listed} if isinstance(listed, list) else {}
    new: Fields = {field["name"]: field for field in now["fields"]}
    renamed = _renamed(old, new, same_values)
    kept = {name: renamed.get(name, name) for name in old if name in new or name in renamed}
    removed = [f"Field removed: {name}" for name in old if name not in kept]
    moved = [f"Field renamed: {name} became {came}" for name, came in renamed.items()]
    added = [f"Field added: {name}" for name in new if name not in kept.values()]
    retyped = [text for name, came in kept.items() for text in _retyped(came, old[name], new[came])]
    key = (
        [f"The key is now {', '.join(now['primaryKey'])}"] if before.get("primaryKey") != now["primaryKey"] else []
    )
    notes = [text for name, came in kept.items() for text in _codes_gone(came, old[name], new[came])]
    if list(kept.values()) != [name for name in new if name in set(kept.values())]:
        notes.append("The order of the fields changed")
    return SchemaChanges((*removed, *moved, *added, *retyped, *key, *notes), (*removed, *moved, *retyped, *key))


def _renamed(old: Fields, new: Fields, same_values: SameValues) -> dict[str, str]:
    """By the name of a column that went, the name under which it came back."""
    gone, came = [name for name in old if name not in new], [name for name in new if name not in old]
    found: dict[str, str] = {}

    def has_title(name: str, one: str) -> bool:
        return bool(old[name].get("title")) and old[name].get("title") == new[one].get("title")

    def has_values(name: str, one: str) -> bool:
        return old[name].get("type") == new[one].get("type") and same_values(name, one)

    for is_same in (has_title, has_values):
        for name in gone:
            alike = [one for one in came if one not in found.values() and is_same(name, one)]
            if name not in found and len(alike) == 1:  # more than one is a guess
                found[name] = alike[0]
    return found


def _retyped(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for part in ("type", "unit"):
        if before.get(part) != now.get(part):
            yield f"Field {name}: {part} {before.get(part) or 'none'} became {now.get(part) or 'none'}"


def _codes_gone(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if now.get("categories") and (gone := [code for code in _codes(before) if code not in _codes(now)]):
        more = f" and {len(gone) - _MOST_CODES} more" if len(gone) > _MOST_CODES else ""
        yield f"Field {name}: no longer among its codes: {', '.join(gone[:_MOST_CODES])}{more}"


def _codes(field: Mapping[str, Any]) -> Sequence[str]:
    return [one["value"] for one in field.get("categories", ()) if isinstance(one, Mapping)]
