"""Words for gaps and warnings: a cell by its pairs, and never a count."""

from __future__ import annotations

from publish.disclosure.tables import Pairs


def words_of(cell: Pairs) -> str:
    """A cell in words: ``age_group_code 30-44 and answer_code no``; the total is everybody."""
    return " and ".join(f"{column} {code}" for column, code in sorted(cell)) or "everybody"
