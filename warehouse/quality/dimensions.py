"""The six dimensions of quality: what each is, how much it weighs, and why one may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from warehouse.measures import Dimension
from warehouse.messages import message

# How much a dimension counts in the score. What makes a row useless (a gap, a broken rule) weighs most; accuracy
# least, because it can be known of few columns only. Those of a dimension that nobody knows fall to the others.
WEIGHTS: Mapping[Dimension, int] = {
    Dimension.COMPLETENESS: 20,
    Dimension.UNIQUENESS: 15,
    Dimension.CONSISTENCY: 20,
    Dimension.TIMELINESS: 15,
    Dimension.VALIDITY: 20,
    Dimension.ACCURACY: 10,
}
HELD_FACTOR = 0.5  # of data that are held, half the score counts: they may be good, but nobody gets them


@dataclass(frozen=True)
class DimensionsOf:
    """The six shares of a source or a dataset at a date of its data, each 0 to 1; None where it cannot be known.

    ``unknown`` says of each that is None why. Nothing depends on when a run ran.
    """

    date: date
    completeness: float | None = None
    uniqueness: float | None = None
    consistency: float | None = None
    timeliness: float | None = None
    validity: float | None = None
    accuracy: float | None = None
    unknown: Mapping[Dimension, str] = field(default_factory=dict)

    def share(self, dimension: Dimension) -> float | None:
        """The share of a dimension."""
        value: float | None = getattr(self, dimension.value)
        return value


def title(dimension: Dimension) -> str:
    """What people call it."""
    return {
        Dimension.COMPLETENESS: message("Completeness"),
        Dimension.UNIQUENESS: message("Uniqueness"),
        Dimension.CONSISTENCY: message("Consistency"),
        Dimension.TIMELINESS: message("Timeliness"),
        Dimension.VALIDITY: message("Validity"),
        Dimension.ACCURACY: message("Accuracy"),
    }[dimension]


def definition(dimension: Dimension) -> str:
    """What its share says, in one sentence."""
    return {
        Dimension.COMPLETENESS: message("The share of cells that have to be filled in and are."),
        Dimension.UNIQUENESS: message("The share of rows that stand there only once."),
        Dimension.CONSISTENCY: message(
            "How far the rules hold that compare columns, rows and tables with one another, as the mean over the"
            " rules of the share of rows that keep each."
        ),
        Dimension.TIMELINESS: message(
            "How much of the time for which these data were the newest good ones they were not overdue."
        ),
        Dimension.VALIDITY: message(
            "The share of rows that can be read, and of filled cells that keep their type, form, range and list."
        ),
        Dimension.ACCURACY: message(
            "The share of cells that agree with what can be looked up: identifiers with a right check digit, and"
            " references that stand in a register."
        ),
    }[dimension]


def why_unknown(dimension: Dimension, *, is_source: bool, is_told: bool, is_measured: bool) -> str:
    """Why a share cannot be known.

    Args:
        dimension: which.
        is_source: it is of a source, not of a dataset.
        is_told: it has a table that is not about people.
        is_measured: something was measured of the date at all.
    """
    if dimension is Dimension.TIMELINESS:
        if is_source:
            return message("Nothing says when newer data are due, or there are no good data yet.")
        return message("A dataset is as new as the sources that it is made of: see theirs.")
    if not is_told:
        return message("It is not counted: the rows are about people.")
    if not is_measured:
        return message("There was no table to count in, or it was checked before this was counted.")
    return {
        Dimension.COMPLETENESS: message("No column has to be filled in."),
        Dimension.UNIQUENESS: message("There are no rows."),
        Dimension.CONSISTENCY: message("No rule compares columns, rows or tables with one another."),
        Dimension.VALIDITY: message("There are no rows."),
        Dimension.ACCURACY: message(
            "No column can be compared with anything outside: none has a check digit or refers to a register."
        ),
    }[dimension]
