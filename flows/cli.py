"""The command line: ``opendistrict``. A command imports what it needs when it runs.

``--help`` needs typer alone, a command that only looks neither Prefect nor a model's SQL. What each may import is
listed in ``tests/flows/test_imports.py``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.exit_codes import DONE, FAILED, HELD, USAGE

if TYPE_CHECKING:
    from flows.declared import Declared
    from flows.outcomes import NightOutcome
    from flows.settings import Settings

app = typer.Typer(
    name="opendistrict",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help takes half the time
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Open data for innovation districts: pull, check, version and publish.",
)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home folder [OPENDISTRICT_HOME, default ./var].", metavar="DIR")
]
PortalOption = Annotated[
    str | None,
    typer.Option("--portal", help="A CKAN's URL or a folder [OPENDISTRICT_PORTAL].", metavar="PATH|URL"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", help="A source, and where to pull it from.", metavar="NAME[=PATH|URL]"),
]
DatasetOption = Annotated[list[str] | None, typer.Option("--dataset", help="A dataset.", metavar="NAME")]
ShrinkOption = Annotated[
    list[str] | None,
    typer.Option("--allow-shrink", help="May be much smaller than last time.", metavar="NAME"),
]
DAY = ["%Y-%m-%d"]


class ExportFormat(StrEnum):
    """The file formats of a release."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


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
        "sources": _origins(source),
        "datasets": dataset,
        "portal": portal,
        "home": str(home) if home else None,
        "allow_shrink": allow_shrink,
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
        _print_windows(first.date(), last.date(), _origins(source), dataset, home, as_json)
        return
    parameters = {
        "first": first.date(),
        "last": last.date(),
        "sources": _origins(source),
        "datasets": dataset,
        "portal": portal,
        "home": str(home) if home else None,
        "allow_shrink": allow_shrink,
    }
    _run_flow("backfill_flow", parameters, as_json)


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
    from flows.console import Terminal, findings_table, header_texts
    from flows.settings import Settings
    from sources import SourceError
    from warehouse.home import Home
    from warehouse.ledger import Verdict

    plan = steps.Plan.read()
    declaration = _named(plan.sources, source, "source")
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder, Terminal() as terminal:
        settings = Settings(Home(Path(folder)), portal="")
        terminal.progress(f"reading {file.name}")
        snapshot = steps.pull(settings, declaration, str(file), today(), terminal.progress)
        try:
            staged = steps.stage(settings, declaration, snapshot, terminal.progress)
        except SourceError as error:  # no file that can be read at all: that is the one finding
            judged = steps.unreadable(snapshot, str(error))
            found = [judged.problem] if judged.problem else []
        else:
            judged = steps.check(
                settings, declaration, plan.source_rules[source], snapshot, staged, {}, False, terminal.progress
            )
            found = steps.staged_findings(settings, staged)
        if annotated:
            from checks.annotate import annotate

            annotated = annotate(snapshot.paths()[0], found, annotated, declaration).path
        headers = header_texts(snapshot.paths(), declaration)
    if as_json:
        _print_json(
            {"verdict": judged.verdict, "accepted": judged.accepted, "findings": [vars(one) for one in found]}
        )
    else:
        findings_table(file, declaration, judged, found, headers, annotated)
    raise typer.Exit(DONE if judged.verdict is Verdict.PASSED else HELD)


@app.command()
def plan(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what publishing would change on the portal. Writes nothing."""
    from flows import publishing
    from flows.console import changes_table

    declared = _declared()
    settings = _standing(home, portal)
    names = [_named(declared.datasets, name, "dataset").name for name in dataset or declared.datasets]
    found = publishing.changes(settings, declared, names)
    if as_json:
        _print_json([vars(change) for change in found])
    else:
        changes_table(settings.portal, found)


@app.command()
def publish(
    dataset: DatasetOption = None,
    portal: PortalOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the portal to the latest releases."""
    from flows import noting
    from flows.console import Terminal, portal_lines
    from warehouse.lease import Lease

    declared = _declared()
    settings = _standing(home, portal)
    names = [_named(declared.datasets, name, "dataset").name for name in dataset or declared.datasets]
    # Two writers on one dataset lose data in CKAN (ckan/ckan#5225): a night under way is not joined.
    with Lease(settings.home, "publish"), Terminal() as terminal:
        outcome = noting.publish_by_hand(settings, declared, names, terminal.progress)
    if as_json:
        _print_json(vars(outcome))
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
    from flows.console import Terminal

    declared = _declared()
    declaration = _named(declared.datasets, dataset, "dataset")
    settings = _standing(home, portal)
    if lift:
        withdrawing.lift(settings, declared, dataset, withdrawing.key_of(declaration, key), column)
        typer.echo(
            f"{dataset}: lifted; the next run builds it anew, releases that were rewritten stay as they are"
        )
        return
    with Terminal() as terminal:
        done = withdrawing.withdraw(
            settings,
            declared,
            dataset,
            withdrawing.key_of(declaration, key),
            column,
            why,
            terminal.progress,
        )
    _print_json(asdict(done)) if as_json else typer.echo(withdrawing.in_words(done))
    raise typer.Exit(FAILED if done.portal.problems or done.left else DONE)


@app.command()
def sources(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the sources, and the last data of each."""
    from flows.console import print_table
    from flows.listing import list_sources

    rows = list_sources(_standing(home), _declared())
    _print_json(rows) if as_json else print_table("Sources", rows)


@app.command()
def datasets(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the datasets, and the latest release of each."""
    from flows.console import print_table
    from flows.listing import list_datasets

    rows = list_datasets(_standing(home), _declared())
    _print_json(rows) if as_json else print_table("Datasets", rows)


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print what stands: the last run, what is held or stale.

    Exit code 3 if something is; 1 if there is no home.
    """
    from flows.console import print_status
    from flows.listing import read_status

    found = read_status(_standing(home), _declared())
    _print_json(found) if as_json else print_status(found)
    raise typer.Exit(HELD if found["needs_attention"] else DONE)


@app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    format: Annotated[
        ExportFormat | None, typer.Option("--format", help="The file format [that of the file's name, or csv].")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file or folder to write to.", metavar="FILE")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Copy the latest release of a dataset to a file.

    Without -o it is written here, under its own name; with "-o -" to stdout.
    """
    from flows.listing import latest_file

    wanted = _export_format(format, output)
    path = latest_file(_standing(home), _named(_declared().datasets, dataset, "dataset").name, wanted.value)
    if str(output) == "-":
        with path.open("rb") as reader:
            shutil.copyfileobj(reader, sys.stdout.buffer)
        return
    target = output / path.name if output and output.is_dir() else output or Path(path.name)
    _copy_whole(path, target)
    typer.echo(target)


def _copy_whole(path: Path, target: Path) -> None:
    """Copy a file so that nobody sees half of it, and what stood there stays where the disk is full."""
    if target.exists() and not target.is_file():  # a device or a pipe cannot be replaced
        shutil.copyfile(path, target)
        return
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _export_format(given: ExportFormat | None, output: Path | None) -> ExportFormat:
    """The format asked for: by name, or by the suffix of the file to be written. The two may not contradict."""
    suffix = output.suffix.lower().removeprefix(".") if output and not output.is_dir() else ""
    if not suffix:
        return given or ExportFormat.CSV
    if suffix not in list(ExportFormat):
        kinds = ", ".join(f".{kind}" for kind in ExportFormat)
        raise typer.BadParameter(f"{output}: a release has no .{suffix} file; the name may end in {kinds}")
    if given and given != suffix:
        raise typer.BadParameter(f"{output}: the name says {suffix}, --format says {given.value}")
    return ExportFormat(suffix)


@app.command("rebuild-warehouse")
def rebuild_warehouse(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make the warehouse anew from what is archived.

    For one that cannot be opened: from the raw archive and the releases. The old file is kept.
    """
    from flows.console import Terminal, print_night
    from flows.night import Direct
    from flows.rebuild import rebuild_warehouse as rebuild

    with Terminal() as terminal, Direct() as runner:
        done = rebuild(_standing(home), runner, terminal.progress)
    if as_json:
        _print_json({**done.outcome.as_dict(), "kept": done.kept, "refused": done.refused})
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

    The night at 02:00 in Helsinki, and backfills on demand; with Prefect's pages to look at them.
    """
    from flows.serving import serve_schedule

    serve_schedule(_settings(home, portal))


# --- help for the commands --------------------------------------------------------------------------


def _run_flow(name: str, parameters: Mapping[str, Any], as_json: bool) -> None:
    from flows.console import Terminal, print_night
    from flows.local_server import prefect_api
    from flows.watching import watched

    _check_names(parameters)
    settings = _settings(Path(parameters["home"]) if parameters["home"] else None, parameters["portal"])
    with Terminal() as terminal, watched(terminal.progress) as watch:
        terminal.progress("starting Prefect")
        with prefect_api(settings.home.root):
            from flows import nightly as flows

            state = getattr(flows, name)(**parameters, return_state=True)
    outcome: NightOutcome | None = watch.outcome
    if outcome is None:
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, Exception) else RuntimeError(state.message)
    _print_json(outcome.as_dict()) if as_json else print_night(outcome)
    raise typer.Exit(outcome.exit_code)


def _check_names(parameters: Mapping[str, Any]) -> None:
    """Wrong names are wrong usage, and said before anything is started."""
    from sources.pulling import has_credentials

    plan = _declared()
    for name in parameters["sources"] or {}:
        _named(plan.sources, name, "source")
    for origin in (parameters["sources"] or {}).values():
        if origin and has_credentials(origin):
            raise typer.BadParameter("an address with a password would be stored with the run")
    for name in parameters["datasets"] or ():
        _named(plan.datasets, name, "dataset")
    for name in parameters["allow_shrink"] or ():
        _named({**plan.sources, **plan.datasets}, name, "source or dataset")


def _declared() -> Declared:
    from flows.declared import Declared

    return Declared.read()


def _settings(home: Path | None, portal: str | None = None) -> Settings:
    from flows.settings import Settings

    return Settings.of(home, portal)


def _standing(home: Path | None, portal: str | None = None) -> Settings:
    """The settings of a home that is there: whoever mistyped its name is told so."""
    from flows.listing import standing

    return standing(_settings(home, portal))


def _origins(listed: Sequence[str] | None) -> dict[str, str | None]:
    """``NAME`` and ``NAME=ORIGIN`` as a mapping."""
    origins: dict[str, str | None] = {}
    for one in listed or ():
        name, _, origin = one.partition("=")
        if name in origins:
            raise typer.BadParameter(f"source {name} is given twice")
        if origin and "://" not in origin:
            origin = str(Path(origin).absolute())
        origins[name] = origin or None
    return origins


def _named(declared: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in declared:
        raise typer.BadParameter(f"there is no {kind} {name!r}; declared are: {', '.join(declared)}")
    return declared[name]


def _print_windows(
    first: date,
    last: date,
    origins: Mapping[str, str | None],
    datasets: Sequence[str] | None,
    home: Path | None,
    as_json: bool,
) -> None:
    from flows.console import print_table
    from flows.listing import list_windows
    from flows.steps import Plan

    plan = Plan.read()
    for name in origins:
        _named(plan.sources, name, "source")
    # with folders to take in, a backfill may be what makes the home
    settings = _settings(home) if any(origins.values()) else _standing(home)
    rows = list_windows(settings, plan, first, last, origins, datasets or ())
    _print_json(rows) if as_json else print_table(f"Windows from {first} to {last}", rows)


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))


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


__all__ = ["USAGE", "app", "main"]
