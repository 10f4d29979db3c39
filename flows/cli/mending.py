"""Commands of those who keep a file, or must take something out: check, withdraw, erase."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.given import named, print_json, standing_settings
from flows.cli.options import HomeOption, JsonOption, PortalOption, app
from flows.exit_codes import DONE, FAILED, HELD, USAGE
from warehouse.messages import Language


@app.command()
def check(
    file: Annotated[
        list[Path], typer.Argument(help="A workbook; or the CSV files of a source's tables.", metavar="FILE...")
    ],
    source: Annotated[
        str | None,
        typer.Option("--source", help="The source it belongs to [found out from the file].", metavar="NAME"),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option("--annotated", help="Write the marked copy here (of several: a folder).", metavar="FILE"),
    ] = None,
    language: Annotated[
        Language | None, typer.Option("--language", help="In which language [the source's].")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Compare with what stands in this home; nothing is written.", metavar="DIR"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a file as a night would, and keep nothing.

    Exit code 3: something of it would be held. 2: nobody can tell which source it is of.
    """
    from flows import telling
    from flows.checking import check_file
    from flows.cli.terminal import Terminal
    from flows.cli.told import print_told, unclear_in_words
    from flows.declarations import Declarations
    from flows.recognising import UnclearSourceError
    from warehouse.ledger import Verdict

    declared = Declarations.read()
    if source:
        named(declared.sources, source, "source")
    compared = standing_settings(home).home if home else None
    with Terminal() as terminal:
        try:
            checked = check_file(file, declared, source, compared, terminal.progress)
        except UnclearSourceError as unclear:
            typer.echo(unclear_in_words(unclear, language or Language.ENGLISH), err=True)
            raise typer.Exit(USAGE) from unclear
        spoken = language or checked.declaration.language
        terminal.progress("writing what was found")
        copies = [one.path for one in checked.marked_copies(annotated, spoken)] if annotated else []
    if as_json:
        print_json(telling.as_json(checked, spoken))
    else:
        print_told(telling.told_of(checked), spoken, file, copies)
    raise typer.Exit(DONE if checked.verdict is Verdict.PASSED else HELD)


@app.command()
def withdraw(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    key: Annotated[
        str, typer.Argument(help='The row: the values of its primary key, with " | " between several.')
    ],
    column: Annotated[
        str | None, typer.Option("--column", help="Only this value, not the whole row.", metavar="NAME")
    ] = None,
    why: Annotated[
        str, typer.Option("--why", help="The reason; it is published, so do not repeat the value.")
    ] = "",
    lift: Annotated[
        bool, typer.Option("--lift", help="Let it come back with the next build, once its source is mended.")
    ] = False,
    portal: PortalOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a value or a row out of all releases.

    It stays out of later ones too, until it is lifted.
    """
    from flows import withdrawing
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations

    declared = Declarations.read()
    declaration = named(declared.datasets, dataset, "dataset")
    settings = standing_settings(home, portal)
    target = withdrawing.Target(declaration, withdrawing.key_of(declaration, key), column)
    if lift:
        withdrawing.lift(settings, target)
        typer.echo(
            f"{dataset}: lifted; the next run builds it anew, releases that were rewritten stay as they are"
        )
        return
    with Terminal() as terminal:
        done = withdrawing.withdraw(settings, declared, target, why, terminal.progress)
    print_json(asdict(done)) if as_json else typer.echo(withdrawing.in_words(done))
    raise typer.Exit(FAILED if done.portal.problems or done.portal.holds or done.left else DONE)


@app.command()
def erase(
    source: Annotated[str, typer.Argument(help="The source.")],
    key: Annotated[str, typer.Argument(help="The person: of surveys the survey and the response, s-1/4.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take one person's records out of everything kept here.

    They stay out of what comes later too. It cannot be taken back. Killed half-way, the same command completes it.
    """
    from flows import erasing
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations

    declared = Declarations.read()
    person = erasing.person_of(named(declared.sources, source, "source"), key)
    with Terminal() as terminal:
        done = erasing.erase(standing_settings(home), declared, person, terminal.progress)
    print_json(asdict(done)) if as_json else typer.echo(erasing.in_words(done))
    raise typer.Exit(DONE if done.is_done else FAILED)
