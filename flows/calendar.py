"""The day it is, where the nights are scheduled."""

from __future__ import annotations

import os
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.errors import RequestError

DEFAULT_ZONE = "Europe/Helsinki"


def zone() -> str:
    """The time zone of the nights: ``OPENDISTRICT_TIMEZONE``, as the IANA database names it."""
    return os.environ.get("OPENDISTRICT_TIMEZONE") or DEFAULT_ZONE


def today() -> date:
    """Today's date there.

    Raises:
        RequestError: there is no such zone.
    """
    try:
        return datetime.now(ZoneInfo(zone())).date()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RequestError(
            f"OPENDISTRICT_TIMEZONE: there is no time zone {zone()!r}; name one such as Europe/London"
        ) from None
