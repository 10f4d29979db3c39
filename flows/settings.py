"""Settings of a run: where the home is, which portal, how much memory. From arguments and the environment."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.database import DEFAULT_MEMORY
from warehouse.home import Home, home_of

# Quiet and offline: nothing of a run is reported to anyone but its operator.
NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
}


@dataclass(frozen=True, repr=False)
class Secret:
    """A text that does not show itself in logs, tracebacks or reprs."""

    reveal: str = ""

    def __repr__(self) -> str:
        return "Secret(********)" if self.reveal else "Secret()"


@dataclass(frozen=True)
class Settings:
    """What a run needs to know about its surroundings.

    ``portal`` is a URL (CKAN) or a path (a local folder); ``token`` belongs to it and comes from the environment
    only, so that it stands in no process list and no run's parameters. So does ``datastore``, the address of a
    CKAN's DataStore (PostgreSQL) with a password in it. ``portal_url`` is the address at which a web server shows
    the folder to the public, if one does.
    """

    home: Home
    portal: str
    token: Secret = Secret()
    datastore: Secret = Secret()
    memory: str = DEFAULT_MEMORY
    portal_url: str = ""

    @staticmethod
    def of(
        home: Path | None = None, portal: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """Settings from arguments, else from ``OPENDISTRICT_*``, else the defaults (``./var``, its folder)."""
        place = home_of(home, environment)
        return Settings(
            home=place,
            portal=portal or environment.get("OPENDISTRICT_PORTAL") or str(place.portal),
            token=Secret(environment.get("OPENDISTRICT_PORTAL_TOKEN", "")),
            datastore=Secret(environment.get("OPENDISTRICT_DATASTORE_URL", "")),
            memory=environment.get("OPENDISTRICT_MEMORY") or DEFAULT_MEMORY,
            portal_url=environment.get("OPENDISTRICT_PORTAL_URL", ""),
        )

    @property
    def is_ckan(self) -> bool:
        """True if the portal is a CKAN."""
        return self.portal.startswith(("http://", "https://"))

    def as_options(self, environment: Mapping[str, str] = os.environ) -> str:
        """What a command needs to find this home and this portal; empty where it finds them by itself.

        As it is copied into the same shell, so nothing is said twice that the environment says.
        """
        usual = Settings.of(None, None, environment)
        parts = [] if self.home.root == usual.home.root else ["--home", str(self.home.root)]
        named, usual_portal = (
            portal if portal.startswith(("http://", "https://")) else str(Path(portal).absolute())
            for portal in (self.portal, environment.get("OPENDISTRICT_PORTAL") or str(self.home.portal))
        )
        return shlex.join(parts if named == usual_portal else [*parts, "--portal", named])


def silence_telemetry() -> None:
    """Tell every library not to phone home; what the operator set stays."""
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
