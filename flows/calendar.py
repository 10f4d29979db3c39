"""The day it is: in Helsinki, where the nights are scheduled."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo


def today() -> date:
    """Today's date in Helsinki."""
    return datetime.now(ZoneInfo("Europe/Helsinki")).date()
