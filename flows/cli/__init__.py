"""The command line: ``opendistrict``. A command imports what it needs when it runs.

``--help`` needs typer alone, a command that only looks neither Prefect nor a model's SQL. What each may import is
listed in ``tests/flows/test_imports.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from flows.cli import contributing, desk, encrypting, looking, mending, planning, portal, releasing, running
from flows.cli.options import app
from flows.exit_codes import DONE, FAILED, USAGE


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"opendistrict {version('opendistrict')}")
        raise typer.Exit(DONE)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options before any command."""


def main(arguments: Iterable[str] | None = None) -> None:
    """The entry point: errors that a person can do something about are one message, not a traceback."""
    from flows.settings import silence_telemetry

    silence_telemetry()
    try:
        app(args=list(arguments) if arguments is not None else None)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        sys.exit(130)
    except Exception as error:
        from flows.errors import in_words

        if (words := in_words(error)) is None:
            raise
        typer.echo(f"opendistrict: {words}", err=True)
        sys.exit(FAILED)


# By what people come for, not by module.
_ORDER = (
    *("nightly", "backfill", "check", "plan", "publish", "drift", "status", "checks", "sources", "datasets"),
    *(
        "export",
        "changes",
        "rebuild",
        "prune",
        "verify-disclosure",
        "score",
        "withdraw",
        "erase",
        "rebuild-warehouse",
    ),
    *("archive-key", "encrypt-archive", "serve", "portal", "desk", "desk-token", "demo", "new", "template"),
)
app.registered_commands.sort(key=lambda one: _ORDER.index(one.name or getattr(one.callback, "__name__", "")))

__all__ = [
    "USAGE",
    "app",
    "contributing",
    "desk",
    "encrypting",
    "looking",
    "main",
    "mending",
    "planning",
    "portal",
    "releasing",
    "running",
]
