"""How pages and views show a dataset: its headline figure, charts, map, and which columns come first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field, field_validator

from warehouse.declared import SLUG, Declared


class _Asked(Declared):
    """What one SELECT over a dataset's rows answers: the view ``rows`` has the declared columns."""

    title: str
    title_fi: str = ""
    sql: str
    unit: str = ""  # EUR, %, ...; empty where the title says what is counted
    decimals: int = Field(0, ge=0, le=6)
    note: str = ""  # what the figure cannot tell
    note_fi: str = ""

    @field_validator("sql")
    @classmethod
    def _is_one_select(cls, sql: str) -> str:
        plain = re.sub(r"'(?:[^']|'')*'", "''", sql).strip()
        if not re.match(r"(?i)(select|with|from)\b", plain) or ";" in plain:
            raise ValueError("it is one SELECT over the view `rows`, without a semicolon")
        return sql


class Headline(_Asked):
    """The one figure a dataset's page begins with.

    Its SELECT gives one row: ``value``, and ``shown``, of how many of the dataset's rows it speaks.
    """


class ChartDeclaration(_Asked):
    """A chart. Its SELECT gives ``x``, ``y`` and, if any, ``series``, in the order in which they are drawn, and
    ``shown``, how many of the dataset's rows a point is of. A point whose ``y`` is empty is unknown. ``x`` may be
    a list of texts, of which those are said in words that are codes of ``x_codes``.
    """

    kind: Literal["bars", "lines"] = "bars"
    x_codes: str | None = Field(None, pattern=SLUG)  # the column whose codes x has, to be said in words
    series_codes: str | None = Field(None, pattern=SLUG)


class MapDeclaration(Declared):
    """A map of a dataset's points: the column that labels one, and the one that colours it."""

    label: str = Field(pattern=SLUG)
    colour: str | None = Field(None, pattern=SLUG)


class Showing(Declared):
    """What an entry says of its pages. Nothing said: charts and columns are chosen by their types."""

    headline: Headline | None = None
    charts: tuple[ChartDeclaration, ...] = ()
    map: MapDeclaration | None = None
    columns: tuple[str, ...] = ()  # the telling ones, first in the preview after the key
    newest_by: str | None = Field(None, pattern=SLUG)  # the preview begins with the greatest of it

    def unknown_columns(self, names: Iterable[str]) -> list[str]:
        """The columns it names that the dataset does not have."""
        known = set(names)
        return [name for name in self._named() if name not in known]

    def _named(self) -> Iterator[str]:
        yield from self.columns
        if self.newest_by:
            yield self.newest_by
        if self.map:
            yield from filter(None, (self.map.label, self.map.colour))
        for chart in self.charts:
            yield from filter(None, (chart.x_codes, chart.series_codes))
