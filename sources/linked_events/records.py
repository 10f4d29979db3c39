"""An event of Linked Events as a row: times, languages, place and keywords, whatever of them is there.

A text is ``{"fi": ..., "sv": ..., "en": ...}`` with languages missing or null; a reference that was not included
is ``{"@id": address}``; what is not known is null. HTML in texts is taken out. Contacts are not read at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from sources.markup import plain_text
from warehouse import reference
from warehouse.declarations import Severity, TableDeclaration
from warehouse.districts import load_districts
from warehouse.findings import WITHHELD, Finding, QuarantinedRow, key_text, shown
from warehouse.messages import in_languages, message
from warehouse.text import without_controls

EVENTS = "events"
_HELSINKI = ZoneInfo("Europe/Helsinki")
_LANGUAGES = ("fi", "sv", "en")
Json = Mapping[str, Any]


_TELL_PUBLISHER = message("Tell the publisher of the interface.")


class Records:
    """Gathers rows, an event once, and what is told of them."""

    def __init__(self, table: TableDeclaration) -> None:
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []
        self._table = table
        self._rows: dict[str, dict[str, Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        """The rows, in the order of their events' ids."""
        return [self._rows[name] for name in sorted(self._rows)]

    def add(self, item: Any, file: str, number: int) -> None:
        """One item of a page. One that says no id is put aside: nobody can say what it is about."""
        event_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(event_id, str) or not event_id.strip():
            self.quarantined.append(QuarantinedRow(self._table.name, file, None, number, WITHHELD))
            self._tell("required", message("An event has no id."), _TELL_PUBLISHER, file, number)
            return
        one = _Event(item, event_id.strip())
        row = {**one.row(), "_file": file, "_sheet": None, "_row": number}
        before = self._rows.get(one.id)
        if before is not None and not _is_later(row, before):
            return
        self._rows[one.id] = row
        self.findings = [found for found in self.findings if found.row_key != one.id]
        for column, value in one.unreadable:
            field = self._table.field(column)
            self._tell(
                "type",
                message(
                    "{heading} cannot be read: {value}",
                    heading=in_languages(field.title, finnish=field.title_fi),
                    value=f"{shown(value, field)!s:.80}",
                ),
                in_languages(field.help, finnish=field.help_fi) or _TELL_PUBLISHER,
                file,
                number,
                column_name=column,
                value=shown(value, field),
                row_key=one.id,
            )

    def _tell(self, rule: str, what: str, advice: str, file: str, number: int, **more: Any) -> None:
        place = {"table_name": self._table.name, "file": file, "row_number": number, **more}
        self.findings.append(Finding(rule, Severity.ERROR, what, advice, **place))


def _is_later(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a row knows of a later change than another one of the same event."""
    ages = [one["last_modified_time"] or datetime.min for one in (row, before)]
    return ages[0] > ages[1]


class _Event:
    """One event as the interface gives it."""

    def __init__(self, item: Json, event_id: str) -> None:
        self.id = without_controls(event_id)
        self.key = key_text({"event_id": self.id})
        self.unreadable: list[tuple[str, object]] = []
        self._item = item

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        item = self._item
        start, end = self._moment("start_time"), self._moment("end_time")
        return {
            "event_id": self.id,
            "data_source": _text(item.get("data_source")),
            "organisation_id": _text(item.get("publisher")),
            **_languages("event_name", item.get("name")),
            **_languages("short_description", item.get("short_description")),
            **_languages("description", item.get("description")),
            "start_time": start,
            "end_time": end,
            "start_date": _local(start),
            "end_date": _last_day(start, end),
            "event_status_code": self._status(),
            "super_event_type_code": _text(item.get("super_event_type")),
            "super_event_id": _id_of(item.get("super_event")),
            "is_virtual": item.get("is_virtualevent") is True,
            "is_deleted": item.get("deleted") is True,
            "keyword_ids": _joined(_id_of(one) for one in _list(item.get("keywords"))),
            "keyword_labels": _joined(_said(_mapping(one).get("name")) for one in _list(item.get("keywords"))),
            **self._place(_mapping(item.get("location"))),
            "info_url": _said(item.get("info_url")),
            "source_url": _text(item.get("@id")),
            "last_modified_time": self._moment("last_modified_time"),
        }

    def _moment(self, column: str) -> datetime | None:
        """A time in UTC, without its zone. One that has none said is no moment."""
        given = self._item.get(column)
        if given is None:
            return None
        try:
            moment = datetime.fromisoformat(given)
            if moment.tzinfo is not None and moment.astimezone(_HELSINKI):  # no overflow there
                return moment.astimezone(UTC).replace(tzinfo=None)
        except (TypeError, ValueError, OverflowError):
            pass
        self._not(column, given)
        return None

    def _not(self, column: str, given: object) -> None:
        self.unreadable.append((column, given))

    def _status(self) -> str | None:
        given = self._item.get("event_status")
        code = reference.code_lists()["event_statuses"].code_of(given) if isinstance(given, str) else None
        if code is None and given is not None:
            self._not("event_status_code", given)
        return code

    def _place(self, place: Json) -> dict[str, Any]:
        divisions = [_text(_mapping(one).get("ocd_id")) for one in _list(place.get("divisions"))]
        longitude, latitude = self._position(place.get("position"))
        return {
            "place_id": _id_of(place),
            **_languages("place_name", place.get("name")),
            "street_address": _said(place.get("street_address")),
            "postcode": _text(place.get("postal_code")),
            "city": _said(place.get("address_locality")),
            "division_ids": _joined(divisions),
            "district_code": next((code for one in divisions if (code := _districts().get(one or ""))), None),
            "longitude": longitude,
            "latitude": latitude,
        }

    def _position(self, position: Any) -> tuple[float | None, float | None]:
        """Longitude and latitude in degrees, WGS84."""
        if position is None:
            return None, None
        given = _list(_mapping(position).get("coordinates"))[:2]
        try:
            longitude, latitude = (float(number) for number in given if type(number) in (int, float))
        except (ValueError, OverflowError):  # not two numbers
            longitude = latitude = float("nan")
        if _mapping(position).get("type") == "Point" and isfinite(longitude) and isfinite(latitude):
            return longitude, latitude
        self._not("longitude", "(a position that is no point)")
        return None, None


@cache
def _districts() -> Mapping[str, str]:
    """Our district by the id of a division that belongs to it."""
    return {division: one.id for one in load_districts().values() for division in one.ocd_divisions}


def _local(moment: datetime | None) -> date | None:
    """The day in Helsinki."""
    return moment.replace(tzinfo=UTC).astimezone(_HELSINKI).date() if moment else None


def _last_day(start: datetime | None, end: datetime | None) -> date | None:
    """The last day in Helsinki: an event without an hour ends at the midnight after it."""
    if end is None:
        return None
    local = end.replace(tzinfo=UTC).astimezone(_HELSINKI)
    is_midnight = local.time() == time() and start is not None and end > start
    return local.date() - timedelta(days=1) if is_midnight else local.date()


def _mapping(given: Any) -> Json:
    return given if isinstance(given, dict) else {}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _text(given: Any) -> str | None:
    """A text without markup and without what nobody sees; None for what is none."""
    return plain_text(without_controls(given)) or None if isinstance(given, str) else None


def _languages(name: str, given: Any) -> dict[str, str | None]:
    """A text by language, as columns."""
    return {f"{name}_{language}": _text(_mapping(given).get(language)) for language in _LANGUAGES}


def _said(given: Any) -> str | None:
    """A text in the first of the languages that has it."""
    return next((text for language in _LANGUAGES if (text := _text(_mapping(given).get(language)))), None)


def _id_of(given: Any) -> str | None:
    """The id of a thing, included or as a reference: the last part of its address."""
    one = _mapping(given)
    if (own := _text(one.get("id"))) is not None:
        return own
    address = _text(one.get("@id"))
    return address.rstrip("/").rpartition("/")[2] or None if address else None


def _joined(texts: Any) -> str | None:
    return ";".join(text.replace(";", ",") for text in texts if text) or None
