"""The text of a cell whose parts are set differently: a raised mark is no digit, what is struck out is gone.

Two thousand five hundred with a raised 1 behind it is not 25,001. What can be told for sure is told, with a note
of what was left out; for the rest there is the reason why it cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.messages import listed, message

_FOOTNOTE = re.compile(
    r"\s*\(?(?:[0-9]{1,2}|[a-z]|[*†‡§]{1,3})(?:\s*[,;]\s*(?:[0-9]{1,2}|[a-z]|[*†‡§]{1,3}))*[.):]?\s*", re.I
)
_ORDINAL = re.compile(r"\s*(?:st|nd|rd|th|er|re|ère|ème|e|o|a|os|as)\.?\s*", re.IGNORECASE)
_TRADE_MARK = re.compile(r"\s*(?:tm|r|sm|℠|™|®|©)\s*", re.IGNORECASE)
_UNIT = re.compile(r"(?:^|[\s0-9/(])(?:[kdcmµ]?m|ft|in|s)\s*$")  # m², m³, km², /s²
_POWER = re.compile(r"(?:^|[^0-9.,])(?:10|2|e)\s*$")  # 10⁶, 2⁸
_DIGITS = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
LEFT_OUT_MARK = message("a raised footnote mark was left out")
LEFT_OUT_STRUCK = message("a part that is struck out was left out")
ALL_STRUCK = message("what it holds is struck out, and was read all the same")
RAISED = message("a part of it is raised, and nobody can tell whether it is a note or belongs to it")


@dataclass(slots=True)
class Run:
    """A stretch of text that is set alike."""

    text: str
    is_raised: bool = False
    is_struck: bool = False


def assembled(runs: Sequence[Run]) -> tuple[str, str, str]:
    """The text that counts, a note of what was left out, and the reason why it is not certain (or nothing)."""
    if not any(run.is_raised or run.is_struck for run in runs):
        return "".join([run.text for run in runs]), "", ""
    runs = _merged(runs)
    notes = []
    valid = [run for run in runs if not run.is_struck]
    if not any(run.text.strip() for run in valid):
        valid, notes = runs, [ALL_STRUCK]
    elif len(valid) < len(runs):
        notes.append(LEFT_OUT_STRUCK)
    text, problem = "", ""
    for index, run in enumerate(valid):
        before, after = text.rstrip(), "".join(other.text for other in valid[index + 1 :])
        if not run.is_raised or not run.text.strip():
            text += run.text
        elif not before:  # a mark before the words of the note itself, or the whole cell is raised
            text += run.text
            problem = RAISED if after.strip() else problem
        elif _TRADE_MARK.fullmatch(run.text) or (before[-1].isdigit() and _ORDINAL.fullmatch(run.text)):
            text += run.text
        elif run.text.strip().isdigit() and (_UNIT.search(before) or _POWER.search(before)):
            text += run.text.translate(_DIGITS)
        elif _FOOTNOTE.fullmatch(run.text) and not re.match(r"\w", after):
            notes.append(LEFT_OUT_MARK)
        else:
            text += run.text
            problem = RAISED
    return text, listed(list(dict.fromkeys(notes))), problem


def _merged(runs: Sequence[Run]) -> list[Run]:
    """Neighbours that are set alike as one: a program may cut a word anywhere."""
    merged: list[Run] = []
    for run in runs:
        if merged and (merged[-1].is_raised, merged[-1].is_struck) == (run.is_raised, run.is_struck):
            merged[-1].text += run.text
        else:
            merged.append(Run(run.text, run.is_raised, run.is_struck))
    return merged
