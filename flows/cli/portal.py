"""The command that shows the folder portal: portal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.given import settings_of
from flows.cli.options import HomeOption, app

DEFAULT_PORT = 8766


@app.command()
def portal(
    folder: Annotated[
        str | None,
        typer.Option(
            "--portal", help="The portal's folder [OPENDISTRICT_PORTAL, default that of the home].", metavar="DIR"
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="The port.", min=1, max=65535)] = DEFAULT_PORT,
    home: HomeOption = None,
) -> None:
    """Serve the folder portal on this machine."""
    settings = settings_of(home, folder)
    if settings.is_ckan:
        raise typer.BadParameter(
            f"{settings.portal} is a CKAN, which serves itself; name a folder", param_hint="--portal"
        )
    from flows.portal_server import serve_portal

    serve_portal(Path(settings.portal).absolute(), port)
