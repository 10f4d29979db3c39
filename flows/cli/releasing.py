"""Commands on versions: what changed since one, which are kept, whether one can be made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.given import dataset_names, named, print_json, standing_settings
from flows.cli.options import DatasetOption, HomeOption, JsonOption, app
from flows.exit_codes import DONE, FAILED, HELD


@app.command()
def changes(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    since: Annotated[str, typer.Option("--since", help="The version from which to count.", metavar="VERSION")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write to [print it].", metavar="FILE")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what changed since a version.

    A CSV file that makes the version's rows those of the latest; with -o, the lines that do so are printed.
    """
    from flows.declarations import Declarations
    from flows.rereading import changes_since

    declaration = named(Declarations.read().datasets, dataset, "dataset")
    found = changes_since(standing_settings(home), declaration, since, output)
    if as_json:
        print_json(found.as_dict())
    elif output is None:
        typer.echo(found.text, nl=False)
    else:
        typer.echo(f"{output}: {found.in_words()}\n\n{found.applying(output)}")


@app.command()
def prune(
    dataset: DatasetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would go, and delete nothing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete versions that need no longer be kept.

    Which ones, the entry says (keep); never one with rows that no other version has. Every night does so.
    """
    from contextlib import nullcontext

    from flows import pruning
    from flows.calendar import today
    from flows.declarations import Declarations
    from warehouse.lease import Lease

    declared, settings = Declarations.read(), standing_settings(home)
    names = dataset_names(declared, dataset)
    with nullcontext() if dry_run else Lease(settings.home, "prune"):
        looked = pruning.look_through(settings, declared, names, today())
        if not dry_run:
            settings.home.sweep()
            pruning.prune(settings.home, looked, today())
    if as_json:
        print_json([one.as_dict() for one in looked])
        return
    for line in pruning.in_words(looked, is_done=not dry_run):
        typer.echo(line)
    if not dry_run and any(one.goes for one in looked):
        typer.echo("The portal follows with the next night, or with `opendistrict publish`.")
    raise typer.Exit(DONE)


@app.command()
def rebuild(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    version: Annotated[str, typer.Argument(help="The version; also one that is no longer kept.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="Copy it here if it is the same.", metavar="FOLDER")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version again and compare every byte.

    From the raw archive, in a folder of its own; the home is only read. Exit code 3 if it cannot be proven, for a
    reason that is told; 1 if it differs and nobody knows why.
    """
    from dataclasses import asdict

    from flows.calendar import today
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations
    from flows.rebuilding_release import in_words_of, rebuild_release
    from flows.run import Direct, Run, RunRequest

    declared = Declarations.read()
    named(declared.datasets, dataset, "dataset")
    with Terminal() as terminal, Direct() as runner:
        asked = RunRequest(today(), {}, publish=False)
        run = Run(standing_settings(home), asked, runner, terminal.progress, declared)
        proof = rebuild_release(run, dataset, version, into)
    if as_json:
        print_json({**asdict(proof), "is_proven": proof.is_proven})
    else:
        for line in in_words_of(proof):
            typer.echo(line)
    if proof.is_proven and not proof.damaged:
        raise typer.Exit(DONE)
    raise typer.Exit(HELD if proof.reasons and not proof.damaged else FAILED)
