"""Commands of those who keep the portal: plan, publish, drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.given import dataset_names, print_json, standing_settings
from flows.cli.options import (
    DatasetOption,
    DeepOption,
    HomeOption,
    JsonOption,
    OlderOption,
    OverwriteOption,
    PortalOption,
    RestoreOption,
    ShrinkOption,
    app,
)
from flows.exit_codes import CHANGES, DONE, FAILED, HELD

if TYPE_CHECKING:
    from publish.plans import Allowed

Names = Sequence[str] | None


@app.command()
def plan(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    allow_shrink: ShrinkOption = None,
    restore: RestoreOption = None,
    overwrite: OverwriteOption = None,
    allow_older: OlderOption = None,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 4 if something would change, with 3 if something is held."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what publishing would change on the portal. Writes nothing.

    Exit code 1: a dataset could not be compared.
    """
    from flows import publishing
    from flows.cli.plan_words import plan_as_json, plan_lines
    from flows.cli.printing import console_of, held_back_lines
    from flows.declarations import Declarations
    from publish.plans import PortalError

    declared = Declarations.read()
    settings = standing_settings(home, portal)
    names = dataset_names(declared, dataset)
    allowed = _allowed(names, allow_shrink, overwrite, restore, allow_older)
    faults: dict[str, PortalError] = {}
    found = publishing.plan(settings, declared, names, allowed, faults.__setitem__)
    problems = {name: str(error) for name, error in faults.items()}
    if as_json:
        print_json(plan_as_json(settings.portal, found, problems, settings.as_options()))
    else:
        console = console_of()
        for style, line in plan_lines(settings.portal, found, problems, settings.as_options()):
            console.print(line, style=style, markup=False, soft_wrap=True)
        held_back_lines({name: why for name, why in declared.held_back.items() if name in names})
    if problems:
        raise typer.Exit(FAILED)
    if exit_code:
        is_held = any(one.holds for one in found.datasets)
        raise typer.Exit(HELD if is_held else CHANGES if found else DONE)


@app.command()
def publish(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    allow_shrink: ShrinkOption = None,
    restore: RestoreOption = None,
    overwrite: OverwriteOption = None,
    allow_older: OlderOption = None,
    deep: DeepOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the portal to the latest releases.

    Exit code 3: a dataset is held, see `plan`. What is allowed is written down, and shown by `status`.
    """
    from flows import noting
    from flows.allowing import remember
    from flows.cli.printing import portal_lines
    from flows.cli.terminal import Terminal
    from flows.declarations import Declarations
    from warehouse.lease import Lease

    declared = Declarations.read()
    settings = standing_settings(home, portal)
    names = dataset_names(declared, dataset)
    allowed = _allowed(names, allow_shrink, overwrite, restore, allow_older)
    # Two writers on one dataset lose data in CKAN (ckan/ckan#5225): a night under way is not joined.
    with Lease(settings.home, "publish") as lease, Terminal() as terminal:
        remember(settings, lease, None, names, allowed)
        outcome = noting.publish_by_hand(settings, declared, names, terminal.progress, allowed, deep=deep)
    if as_json:
        print_json(asdict(outcome))
    else:
        portal_lines(outcome)
    raise typer.Exit(FAILED if outcome.problems else HELD if outcome.holds else DONE)


@app.command()
def drift(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Print which fields of the portal are ours, and stop.")
    ] = False,
    deep: DeepOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print what somebody changed by hand on the portal. Writes nothing.

    Exit code 3 if somebody did, 1 if a dataset could not be compared.
    """
    from flows import publishing
    from flows.cli.plan_words import drift_as_json, drift_lines, field_lines
    from flows.cli.printing import console_of
    from flows.declarations import Declarations
    from publish.managed import as_plain
    from publish.plans import NOTHING_ALLOWED, PortalError

    declared = Declarations.read()
    settings = standing_settings(home, portal)
    names = dataset_names(declared, dataset)
    managed = publishing.portal_of(settings).managed
    console = console_of()
    if fields:
        if as_json:
            print_json(as_plain(managed))
            return
        for line in field_lines(settings.portal, managed):
            console.print(line, markup=False, soft_wrap=True)
        return
    faults: dict[str, PortalError] = {}
    found = publishing.plan(settings, declared, names, NOTHING_ALLOWED, faults.__setitem__, deep=deep)
    problems = {name: str(error) for name, error in faults.items()}
    told = drift_as_json(settings.portal, found, problems, managed, settings.as_options())
    if as_json:
        print_json(told)
    else:
        for style, line in drift_lines(settings.portal, found, problems, settings.as_options()):
            console.print(line, style=style, markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(FAILED)
    raise typer.Exit(HELD if told["edits"] or told["taken_down"] else DONE)


def _allowed(names: Sequence[str], shrink: Names, overwrite: Names, restore: Names, older: Names) -> Allowed:
    """What is allowed; of a dataset that is not published now it would mean nothing."""
    from publish.plans import Allowed

    for name in (*(shrink or ()), *(overwrite or ()), *(restore or ()), *(older or ())):
        if name not in names:
            raise typer.BadParameter(f"{name!r} is none of the datasets that are published: {', '.join(names)}")
    return Allowed(*(frozenset(given or ()) for given in (shrink, overwrite, restore, older)))
