"""A rule on a table, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.expected import Expected
from checks.rules.demands import Demand
from checks.rules.row_words import RowWords
from warehouse.declarations import Severity
from warehouse.turns import Whose


@dataclass(frozen=True)
class Rule:
    """One rule on one table. ``columns`` are the cells that break it, the first one is marked.

    ``vital`` are columns without which nobody knows what the row says: a wrong value in one of them, whatever is
    wrong with it, costs the row. ``message`` and ``help`` are texts of ``warehouse.messages``; ``owner`` mends
    what is found. ``remark`` is what the declaration says of the column, which stands in ``help`` too, and
    ``row_words`` are what is said of a row by its own values. ``not_asked`` says why it cannot be asked this time.
    ``demands`` is what a rules file says of good rows; empty where the demand has words of its own.
    """

    id: str
    severity: Severity
    columns: tuple[str, ...]
    demand: Demand
    message: str
    help: str
    vital: tuple[str, ...] = ()
    owner: Whose = Whose.COORDINATOR
    remark: str = ""
    row_words: RowWords | None = None
    not_asked: str = ""
    demands: str = ""

    @property
    def is_about_rows(self) -> bool:
        """False for rules about the table as a whole."""
        return self.demand.is_about_rows

    @property
    def expected(self) -> Expected:
        """What Great Expectations is asked."""
        kind, arguments = self.demand.asked(self.columns)
        name = f"{self.id}:{'+'.join(self.columns)}" if self.columns else self.id
        return Expected(name, kind, arguments)


def row_columns(rules: Iterable[Rule]) -> frozenset[str]:
    """The columns in which a wrong value costs the row; in any other it costs that cell alone.

    They are those of the key and of foreign keys, the required ones, and those that a written rule of error
    severity judges the row by.
    """
    return frozenset(name for rule in rules for name in rule.vital)
