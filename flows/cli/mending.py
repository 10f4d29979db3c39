"""Commands of those who keep a file or the portal: check, publish, withdraw, erase."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.given import dataset_names, named, print_json, standing_settings
from flows.cli.options import DatasetOption, HomeOption, JsonOption, PortalOption, app
from flows.exit_codes import DONE, FAILED, HELD


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A source's file, e.g. a coordinator's workbook.")],
    source: Annotated[str, typer.Option("--source", help="The source it belongs to.", metavar="NAME")],
    annotated: Annotated[
        Path | None, typer.Option("--annotated", help="Write the annotated workbook here.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a file as a night would, and publish nothing.

    Exit code 3: something of it would be held.
    """
    from flows import steps
    from flows.calendar import today
    from flows.cli.printing import findings_table, header_texts, print_verdict
    from flows.cli.terminal import Terminal
    from flows.run import Direct, Run, RunRequest
    from flows.settings import Settings
    from sources import SourceError
    from warehouse.archive import Archive
    from warehouse.home import Home
    from warehouse.ledger import Verdict

    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder, Terminal() as terminal, Direct() as runner:
        settings = Settings(Home(Path(folder)), portal="")
        run = Run(settings, RunRequest(today(), {source: str(file)}), runner, terminal.progress)
        declaration = named(run.declarations.sources, source, "source")
        terminal.progress(f"reading {file.name}")
        snapshot = steps.pull(run, source, str(file), today())
        try:
            staged = steps.stage(run, snapshot)
        except SourceError as error:  # no file that can be read at all: that is the one finding
            judged = steps.unreadable(snapshot, error)
            found = [judged.problem] if judged.problem else []
        else:
            judged = steps.check(run, snapshot, staged, {})
            found = steps.staged_findings(settings, staged)
        snapshot = Archive(settings.home, source).readable(snapshot, Path(folder) / "plain")
        if annotated:
            from checks.annotate import annotate

            annotated = annotate(snapshot.paths()[0], found, annotated, declaration).path
        headers = header_texts(snapshot.paths(), declaration)
    if as_json:
        print_json(
            {"verdict": judged.verdict, "accepted": judged.accepted, "findings": [vars(one) for one in found]}
        )
    else:
        findings_table(f"{file.name} as {declaration.title}", declaration, found, headers)
        print_verdict(declaration, judged, annotated)
    raise typer.Exit(DONE if judged.verdict is Verdict.PASSED else HELD)


@app.command()
def publish(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the portal to the latest releases."""
    from flows import noting
    from flows.cli.printing import portal_lines
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations
    from warehouse.lease import Lease

    declared = Declarations.read()
    settings = standing_settings(home, portal)
    names = dataset_names(declared, dataset)
    # Two writers on one dataset lose data in CKAN (ckan/ckan#5225): a night under way is not joined.
    with Lease(settings.home, "publish"), Terminal() as terminal:
        outcome = noting.publish_by_hand(settings, declared, names, terminal.progress)
    if as_json:
        print_json(vars(outcome))
    else:
        portal_lines(outcome)
    raise typer.Exit(FAILED if outcome.problems else DONE)


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
    raise typer.Exit(FAILED if done.portal.problems or done.left else DONE)


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
