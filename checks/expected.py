"""What is asked of Great Expectations and what it answers, without importing it (that takes 4 to 6 seconds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Of our own: a query over {batch} that gives one number, and bounds of it; no number (NULL) is within any.
MEASURED = "expect_measure_to_be_between"


@dataclass(frozen=True)
class Expected:
    """One expectation to run: GE's type and arguments under the name of our rule."""

    rule_id: str
    type: str
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation.

    Attributes:
        rule_id: The rule it belongs to.
        success: Whether the expectation holds; always False with an `error`.
        element_count: Rows of the table, where GE says so.
        unexpected_count: Rows that fail, all of them; None where the expectation is about the table.
        observed: The value seen, for expectations about the table.
        unexpected_query: A SELECT of one column, the row id of every failing row; it names the table by schema
            and table, so it runs wherever those names mean the same as on the connection given. None where no row
            fails, the expectation is about the table, or its custom SQL leaves out the row id.
        error: Why the expectation could not be evaluated.
        not_asked: Why it was not asked at all, as a text of ``warehouse.messages``; then it counts as success.
    """

    rule_id: str
    success: bool
    element_count: int | None = None
    unexpected_count: int | None = None
    observed: str | None = None
    unexpected_query: str | None = None
    error: str | None = None
    not_asked: str | None = None


@dataclass(frozen=True)
class SuiteResult:
    """What came of a suite.

    Attributes:
        outcomes: One for each expectation, in the order given.
        document: Great Expectations' own ``ExpectationSuiteValidationResult`` as JSON can hold it: types and
            arguments of the expectations, whether they hold, and counts. It has no value of any row.
    """

    outcomes: tuple[Outcome, ...]
    document: Mapping[str, Any]
