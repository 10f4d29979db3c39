"""Rules files: what people write of a source's tables, or of a dataset, that no constraint of a field can say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field, field_validator, model_validator

from warehouse import reference
from warehouse.declarations import (
    Declared,
    Severity,
    TableDeclaration,
    quote,
)
from warehouse.declared import nearest
from warehouse.findings import PERSONAL_DATA
from warehouse.turns import OURS, Whose


class RefersTo(Declared):
    """A table in which the columns of a rule stand too: of another source where one is named, else of this one."""

    source: str | None = None
    table: str
    columns: tuple[str, ...] = Field(min_length=1)


class WrittenRule(Declared):
    """A rule as a rules file has it, which demands one of these things.

    ``holds``: an SQL condition over the row's columns, true for good rows; a row it cannot judge (NULL) passes.
    ``valid_from`` and ``valid_to`` limit it to rows whose ``dated_by`` lies between them: rules of programmes and
    laws change, and an old row is judged by the rule of its day.

    ``spans``: a list of ``warehouse/reference/usual_spans.yaml``. The first column's value, if above zero, should
    be what is usual at its date in the programme that the column ``programme_in`` names. ``{span}`` in the message
    or the help becomes what was expected, of whom and when.

    ``once``: no two rows say the same in the columns; a row whose first column is empty passes. ``{rows}``,
    ``{first}`` and ``{others}`` become the numbers of such rows.

    ``each``: what rows of a group have in common, columns or SQL by name. ``measure`` (SQL over the group, such as
    ``count(*)``) should be at least ``minimum`` and at most ``maximum``, numbers or SQL over the group. Only rows
    for which ``when`` is true count: leave out what is not finished there. A finding stands at the first row of
    its group, in the first of ``columns``. ``{observed}``, ``{minimum}``, ``{maximum}`` and the names of ``each``
    become what was found.

    ``refers_to``: the columns stand in another table too. Where nothing is known of another source, the rule is
    not asked.

    ``changed_pct``: of the rows that were there the last time, so many per cent at most have changed in the
    columns. ``drift_pct``: the values of the column are spread as last time, but for so many per cent at most.
    ``newest_days``: the newest date of the column is so many days at most before the day of the data. In all three
    ``{observed}`` becomes what was measured. They are of the table, not of a row.

    In SQL ``$data_date`` is the day of the data. ``values`` are further SQL expressions (of a row, or of a group)
    by the names that the message and the help have in braces; ``{start_date}`` becomes what the file calls that
    column, in quotation marks. ``demands`` says what good rows keep: the report lists the rule by it. All three
    are in English; their Finnish stands in ``warehouse/messages/fi/rules.po``. What is to be written is quoted
    there: Write “…”.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    severity: Severity
    columns: tuple[str, ...] = Field(min_length=1)
    holds: str | None = None
    spans: str | None = None
    once: bool = False
    each: Mapping[str, str] | tuple[str, ...] = ()
    measure: str | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    when: str | None = None
    refers_to: RefersTo | None = None
    changed_pct: float | None = Field(None, gt=0, le=100)
    drift_pct: float | None = Field(None, gt=0, le=100)
    newest_days: int | None = Field(None, gt=0)
    programme_in: str | None = None
    demands: str = ""  # what it demands, as a sentence about good rows without its full stop
    message: str
    help: str
    values: Mapping[str, str] = {}
    source: str  # where the rule comes from
    owner: Whose | None = None  # who mends what is found, if it is not whose turn it is at this source
    dated_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def keys(self) -> Mapping[str, str]:
        """What a group's rows have in common, SQL by name."""
        return self.each if isinstance(self.each, Mapping) else {name: quote(name) for name in self.each}

    @property
    def is_measured(self) -> bool:
        """It is of the table as a whole."""
        return any(limit is not None for limit in (self.changed_pct, self.drift_pct, self.newest_days))

    @field_validator("id")
    @classmethod
    def _is_no_name_of_ours(cls, name: str) -> str:
        if name in OURS or name == PERSONAL_DATA:
            raise ValueError(f"{name} is what findings of our own are called; give the rule another id")
        return name

    @model_validator(mode="after")
    def _says_one_thing(self) -> WrittenRule:
        said = {
            "holds": self.holds is not None,
            "spans": self.spans is not None,
            "once": self.once,
            "each": bool(self.each),
            "refers_to": self.refers_to is not None,
            "changed_pct": self.changed_pct is not None,
            "drift_pct": self.drift_pct is not None,
            "newest_days": self.newest_days is not None,
        }
        if list(said.values()).count(True) != 1:
            raise ValueError(f"rule {self.id}: it needs one of {', '.join(list(said)[:-1])} and newest_days")
        if self.holds is None and self.spans is None and (self.dated_by or self.valid_from or self.valid_to):
            raise ValueError(f"rule {self.id}: only holds and spans have dates; the others hold at any time")
        if self.spans is not None and self.spans not in reference.usual_spans():
            raise ValueError(
                f"rule {self.id}: warehouse/reference/usual_spans.yaml has no list {self.spans}"
                + nearest(self.spans, reference.usual_spans())
            )
        if (self.spans is None) is not (self.programme_in is None):
            raise ValueError(f"rule {self.id}: it needs programme_in if it has spans, and only then")
        return self

    @model_validator(mode="after")
    def _measures(self) -> WrittenRule:
        bounds = self.minimum is not None or self.maximum is not None
        if self.each and not (self.measure and bounds):
            raise ValueError(f"rule {self.id}: each needs measure, and minimum or maximum")
        if not self.each and (self.measure or bounds or self.when):
            raise ValueError(f"rule {self.id}: measure, minimum, maximum and when go with each")
        if (self.each or self.is_measured) and self.severity is Severity.ERROR:
            raise ValueError(
                f"rule {self.id}: no single row is wrong here, so none is put aside; write warning, info or"
                " critical"
            )
        if self.refers_to is not None and len(self.refers_to.columns) != len(self.columns):
            raise ValueError(f"rule {self.id}: columns and those of refers_to are as many")
        return self


class SourceRules(Declared):
    """``checks/rules/sources/<source>.yaml``: rules on a source's tables, by table."""

    tables: Mapping[str, tuple[WrittenRule, ...]] = {}

    def on(self, table: TableDeclaration) -> tuple[WrittenRule, ...]:
        """The rules on one of its tables."""
        return self.tables.get(table.name, ())


class DatasetRules(Declared):
    """``checks/rules/datasets/<stem>.yaml``: rules on a dataset."""

    rules: tuple[WrittenRule, ...] = ()
