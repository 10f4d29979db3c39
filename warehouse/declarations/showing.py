"""How pages and views show a dataset: its headline figure, charts, map, and which columns come first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from warehouse.declared import SLUG, Declared


class Headline(Declared):
    """The one figure a dataset's page begins with: what one SELECT over its rows (the view ``rows``) gives."""

    title: str
    sql: str


class ChartDeclaration(Declared):
    """A chart of what one SELECT over the dataset's rows (the view ``rows``) gives: x, y and, if any, series."""

    title: str
    kind: Literal["bars", "lines"] = "bars"
    sql: str
    unit: str = ""
    note: str = ""


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
