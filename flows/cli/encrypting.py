"""The commands about the archive's key: making one, and encrypting what lies plain or under an older one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows.cli.given import print_json, standing_settings
from flows.cli.options import HomeOption, JsonOption, app
from flows.exit_codes import DONE, FAILED


@app.command("archive-key")
def archive_key() -> None:
    """Make a key for the raw archive.

    It is printed once, and kept nowhere.
    """
    from warehouse.archive_keys import FILE_VARIABLE, VARIABLE, new_key

    typer.echo(new_key())
    typer.echo(
        f"This is kept nowhere. Give it in {VARIABLE}, or in a file that {FILE_VARIABLE} names\n"
        "and that you alone may read. Keep a second copy away from this machine and its backups: without it,\n"
        "what is encrypted is lost. A newer key goes before the older ones, with spaces between.",
        err=True,
    )


@app.command("encrypt-archive")
def encrypt_archive(
    rotate: Annotated[
        bool, typer.Option("--rotate", help="What is under an older key too, so that it is needed no more.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt what is about people in the raw archive.

    It is what lies plain there; killed half-way, the same command completes it.
    """
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations
    from flows.encrypting import encrypt_archive as encrypt

    with Terminal() as terminal:
        done = encrypt(standing_settings(home), Declarations.read(), rotate=rotate, progress=terminal.progress)
    if as_json:
        print_json(asdict(done))
    else:
        typer.echo(f"Key {done.key_id}: {done.encrypted} files encrypted, {done.already} were so already.")
        for problem in done.problems:
            typer.echo(f"Not encrypted: {problem}")
        for path in done.others:
            typer.echo(f"Not ours, left as it is: {path}")
    raise typer.Exit(FAILED if done.problems else DONE)
