"""What is said of a single row, by what stands in it and around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BATCH, FAILING = "{batch}", "{failing}"


@dataclass(frozen=True)
class RowWords:
    """Sentences of a broken rule with values of the row, which SQL finds.

    Attributes:
        query: a SELECT over ``{batch}`` (the table) and ``{failing}`` (a SELECT of the ids of the rows that fail)
            that gives ``_id`` and what the sentences name in braces: dates, numbers or texts. Of the columns
            ``variant`` says which sentences are meant (the first without it), ``observed`` is the finding's value
            and ``identity`` what the finding is known by, if that is not the row's key.
        variants: message and advice; names in braces that are no column of the query have their value already.
        shows_values: whether they repeat what stands in cells, so that they are not said of personal columns.
    """

    query: str
    variants: Sequence[tuple[str, str]]
    shows_values: bool = True

    def filled(self, batch: str, failing: str) -> str:
        """The query on a table."""
        return self.query.replace(BATCH, batch).replace(FAILING, failing)
