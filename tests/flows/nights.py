"""Nights for tests of how the house runs, whatever its datasets are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from flows.night import night
from flows.outcomes import NightOutcome
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from warehouse.home import Home

# Of the two first sources. What joins several costs a second or two more a night, and has tests of its own.
FEW = ("agile-pilots", "tech-city-companies", "tech-city-growth")
ALL = ()


def settings_of(home: Path) -> Settings:
    """The settings of a home whose portal is a folder in it."""
    return Settings(Home(home), str(home / "portal"))


def run(
    settings: Settings,
    day: date,
    origins: Mapping[str, object],
    datasets: tuple[str, ...] = FEW,
    allow_shrink: tuple[str, ...] = (),
) -> NightOutcome:
    """A night of the day; the sources with where they are pulled from."""
    given = {name: str(origin) if origin else None for name, origin in origins.items()}
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, given, datasets, allow_shrink), runner))
