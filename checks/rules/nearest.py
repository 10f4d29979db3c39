"""The right name that comes nearest to a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_word(name: str, known: Iterable[str]) -> str:
    """What to add to "there is no such name": the one that was probably meant, or all where they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are: {', '.join(names)}" if 0 < len(names) <= 40 else ""
