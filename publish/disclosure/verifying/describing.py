"""What the ``disclosure`` of a ``datapackage.json`` says, as far as it can be understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publish.disclosure.verifying.published import Column, Stated

_KINDS = ("count", "sum", "mean", "share")
_FLOAT = 1e-9  # of what has no decimals said: how far a number may be from what was computed


class UnreadableError(ValueError):
    """Something that cannot be checked, in words: where, and what is wrong with it."""


def stated(block: object) -> Stated:
    """A protected table's rule and columns.

    Raises:
        UnreadableError: the block does not say them.
    """
    if not isinstance(block, Mapping):
        raise UnreadableError("its disclosure is no object")
    listed = block.get("protectedFields")
    columns = [_column(one) for one in listed] if isinstance(listed, list) else []
    columns.sort(key=lambda one: one.kind != "count")
    if [one.kind for one in columns].count("count") != 1:
        raise UnreadableError("its disclosure does not name the one column that counts people")
    dimensions = block.get("dimensions")
    if not isinstance(dimensions, list) or not dimensions:
        raise UnreadableError("its disclosure names no dimensions")
    threshold = block.get("threshold")
    if not isinstance(threshold, int) or isinstance(threshold, bool) or not 1 < threshold < 10**6:
        raise UnreadableError("its disclosure has no threshold that protects anybody")
    found = Stated(
        population=_text(block, "population"),
        threshold=threshold,
        period=_names(block.get("period"), "period"),
        dimensions=tuple(_names(one, "dimensions") for one in dimensions),
        total=_text(block, "totalCode"),
        status=_text(block, "statusField"),
        suppressed=_text(block, "suppressedCode"),
        columns=tuple(columns),
    )
    named = [*found.period, *found.cell_columns, found.status, *(one.name for one in found.columns)]
    if len(set(named)) != len(named):
        raise UnreadableError("its disclosure names a column twice")
    return found


def _text(block: Mapping[str, Any], key: str) -> str:
    value = block.get(key)
    if not isinstance(value, str) or not value:
        raise UnreadableError(f"its disclosure says no {key}")
    return value


def _names(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise UnreadableError(f"its disclosure names no columns under {key}")
    return tuple(value)


def _column(described: object) -> Column:
    if not isinstance(described, Mapping) or described.get("kind") not in _KINDS:
        raise UnreadableError(f"its disclosure has a protected field that is none of {', '.join(_KINDS)}")
    decimals = described.get("decimals")
    half = _FLOAT
    if isinstance(decimals, int) and 0 <= decimals <= 15:
        half += 0.5 * 10**-decimals
    bounds = {key: float(described[key]) for key in ("minimum", "maximum") if _is_number(described.get(key))}
    of = described.get("of", "")
    return Column(_text(described, "name"), described["kind"], of if isinstance(of, str) else "", half, **bounds)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
