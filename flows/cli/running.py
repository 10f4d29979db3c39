"""Commands that run: the night, the backfill, the schedule, a warehouse made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.given import named, origins_of, print_json, settings_of, standing_settings
from flows.cli.options import (
    DAY,
    DatasetOption,
    HomeOption,
    JsonOption,
    PortalOption,
    ShrinkOption,
    SourceOption,
    app,
)

if TYPE_CHECKING:
    from flows.outcomes import NightOutcome


@app.command()
def nightly(
    source: SourceOption = None,
    dataset: DatasetOption = None,
    day: Annotated[datetime | None, typer.Option("--date", formats=DAY, help="The logical date.")] = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    allow_shrink: ShrinkOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pull, check, load, release and publish: one night."""
    from flows.calendar import today

    parameters = {
        "day": day.date() if day else today(),
        "sources": origins_of(source),
        "datasets": dataset,
        "portal": portal,
        "home": str(home) if home else None,
        "allow_shrink": allow_shrink,
    }
    _run_flow("nightly", parameters, as_json)


@app.command()
def demo(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Run one night on the shipped sample, into ./var.

    Whatever OPENDISTRICT_HOME and OPENDISTRICT_PORTAL say: the sample is nothing for a home that is in use.
    """
    from flows.calendar import today
    from sources import samples

    place = (home or Path("var")).absolute()

    parameters = {
        "day": today(),
        "sources": {name: str(folder) for name, folder in samples().items()},
        "datasets": None,
        "portal": str(place / "portal"),
        "home": str(place),
        "allow_shrink": None,
    }
    _run_flow("nightly", parameters, as_json)


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="The first date of the data.")],
    last: Annotated[datetime, typer.Option("--to", formats=DAY, help="The last date, included.")],
    source: SourceOption = None,
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    allow_shrink: ShrinkOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the windows and stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Work through past snapshots, in order.

    They come from the raw archive; --source NAME=DIR first takes in the files of a folder that are named by date.
    """
    if first > last:
        raise typer.BadParameter("the first date is after the last")
    if plan:
        _print_windows((first.date(), last.date()), origins_of(source), dataset, home, as_json)
        return
    parameters = {
        "first": first.date(),
        "last": last.date(),
        "sources": origins_of(source),
        "datasets": dataset,
        "portal": portal,
        "home": str(home) if home else None,
        "allow_shrink": allow_shrink,
    }
    _run_flow("backfill_flow", parameters, as_json)


@app.command("rebuild-warehouse")
def rebuild_warehouse(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make the warehouse anew from what is archived.

    For one that cannot be opened: from the raw archive and the releases. The old file is kept.
    """
    from flows.calendar import today
    from flows.cli.printing import print_night
    from flows.cli.terminal import Terminal
    from flows.rebuild import rebuild_warehouse as rebuild
    from flows.run import Direct, Run, RunRequest

    with Terminal() as terminal, Direct() as runner:
        request = RunRequest(today(), {}, publish=False)
        done = rebuild(Run(standing_settings(home), request, runner, terminal.progress))
    if as_json:
        print_json({**done.outcome.as_dict(), "kept": done.kept, "refused": done.refused})
    else:
        print_night(done.outcome)
        typer.echo(f"{done.snapshots} snapshots taken in again, {done.releases} releases adopted.")
        for folder, fault in done.refused.items():
            typer.echo(f"Not adopted: {folder}: {fault}")
        if done.kept:
            typer.echo(f"The old file is kept: {done.kept}")
    raise typer.Exit(done.outcome.exit_code)


@app.command()
def serve(portal: PortalOption = None, home: HomeOption = None) -> None:
    """Run the schedule on one machine.

    The night at 02:00 [OPENDISTRICT_TIMEZONE, default Europe/Helsinki], and backfills on demand; with Prefect's
    pages to look at them.
    """
    from flows.orchestration.serving import serve_schedule

    serve_schedule(settings_of(home, portal))


def _run_flow(name: str, parameters: Mapping[str, Any], as_json: bool) -> None:
    from flows.cli.printing import print_night
    from flows.cli.terminal import Terminal
    from flows.orchestration.server import prefect_api
    from flows.orchestration.watching import watched

    _check_names(parameters)
    settings = settings_of(Path(parameters["home"]) if parameters["home"] else None, parameters["portal"])
    with Terminal() as terminal, watched(terminal.progress) as watch:
        terminal.progress("starting Prefect")
        with prefect_api(settings.home.root):
            from flows.orchestration import nightly as flows

            state = getattr(flows, name)(**parameters, return_state=True)
    outcome: NightOutcome | None = watch.outcome
    if outcome is None:
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, Exception) else RuntimeError(state.message)
    print_json(outcome.as_dict()) if as_json else print_night(outcome)
    raise typer.Exit(outcome.exit_code)


def _check_names(parameters: Mapping[str, Any]) -> None:
    """Wrong names are wrong usage, and said before anything is started."""
    from flows.declarations import Declarations
    from warehouse.addresses import has_credentials
    from warehouse.personal import find_personal

    declared = Declarations.read()
    for name in parameters["sources"] or {}:
        named(declared.sources, name, "source")
    for origin in (parameters["sources"] or {}).values():
        if origin and has_credentials(origin):
            raise typer.BadParameter("an address with a password would be stored with the run")
        if origin and (kinds := find_personal(origin)):
            raise typer.BadParameter(
                f"a place whose name holds personal data ({' and '.join(kinds)}) would be stored with the run:"
                " name the folder that the file lies in, or call the file otherwise"
            )
    for name in parameters["datasets"] or ():
        named(declared.datasets, name, "dataset")
    for name in parameters["allow_shrink"] or ():
        named({**declared.sources, **declared.datasets}, name, "source or dataset")


def _print_windows(
    span: tuple[date, date],
    origins: Mapping[str, str | None],
    datasets: Sequence[str] | None,
    home: Path | None,
    as_json: bool,
) -> None:
    from flows.cli.printing import print_table
    from flows.declarations import Declarations
    from flows.listing import list_windows
    from flows.run import Direct, Run, RunRequest

    declared = Declarations.read()
    for name in origins:
        named(declared.sources, name, "source")
    # with folders to take in, a backfill may be what makes the home
    settings = settings_of(home) if any(origins.values()) else standing_settings(home)
    with Direct() as runner:
        request = RunRequest(span[1], origins, tuple(datasets or ()))
        rows = list_windows(Run(settings, request, runner, declarations=declared), *span)
    print_json(rows) if as_json else print_table(f"Windows from {span[0]} to {span[1]}", rows)
