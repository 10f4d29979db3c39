"""Commands of the page for coordinators: desk, desk-token."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.given import named, settings_of
from flows.cli.options import HomeOption, app

DEFAULT_PORT = 8765


@app.command()
def desk(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port.", min=1, max=65535)] = DEFAULT_PORT,
    known_as: Annotated[
        list[str] | None,
        typer.Option("--known-as", help="How browsers know it behind a proxy.", metavar="https://HOST"),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve the page where coordinators hand in a workbook."""
    from flows.declarations import Declarations
    from flows.desk.serving import serve_desk

    serve_desk(settings_of(home), Declarations.read(), host, port, known_as or ())


@app.command("desk-token")
def desk_token(
    source: Annotated[str, typer.Argument(help="The source whose workbook its keeper hands in.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Make the source's token void.")] = False,
    home: HomeOption = None,
) -> None:
    """Print a new token of a source, once.

    Only its hash is kept. An earlier one of the source is void from now on.
    """
    from flows.declarations import Declarations
    from flows.desk.tokens import make_token, revoke_token

    declared = Declarations.read().sources
    keepers = {name: one for name, one in declared.items() if one.kind == "workbook"}
    named(keepers, source, "source with a workbook")
    if revoke:
        was_there = revoke_token(settings_of(home).home, source)
        typer.echo(f"{source}: {'its token is void now' if was_there else 'it had no token'}")
        return
    token = make_token(settings_of(home).home, source)
    typer.echo(token)
    typer.echo(
        f"Give it to whoever keeps {declared[source].title}; it is not shown again. As a link, behind the"
        f" address of the desk: /#token={token}",
        err=True,
    )
