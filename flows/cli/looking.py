"""Commands that look at a home, and change nothing but the file they write."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.given import named, print_json, standing_settings
from flows.cli.options import HomeOption, JsonOption, app
from flows.exit_codes import DONE, FAILED, HELD
from warehouse.home import beside


class ExportFormat(StrEnum):
    """The file formats of a release."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"
    GEOJSON = "geojson"
    THREESIXTY_GIVING = "threesixty_giving"


@app.command()
def sources(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the sources, and the last data of each."""
    from flows.cli.printing import sources_table
    from flows.declarations import Declarations
    from flows.listing import list_sources

    rows = list_sources(standing_settings(home), Declarations.read())
    print_json(rows) if as_json else sources_table(rows)


@app.command()
def datasets(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the datasets, and the latest release of each."""
    from flows.cli.printing import datasets_table, held_back_lines
    from flows.declarations import Declarations
    from flows.listing import list_datasets

    rows = list_datasets(standing_settings(home), Declarations.read())
    if as_json:
        print_json(rows)
    else:
        datasets_table(rows)
        held_back_lines({row["dataset"]: row["why"] for row in rows if row["why"]})


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print what stands: the last run, what is held or stale.

    Exit code 3 if something is; 1 if there is no home.
    """
    from flows.cli.printing import print_status
    from flows.declarations import Declarations
    from flows.listing import read_status

    found = read_status(standing_settings(home), Declarations.read())
    print_json(found) if as_json else print_status(found)
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
    from flows.declarations import Declarations
    from flows.listing import latest_file

    wanted = _export_format(format, output)
    path = latest_file(
        standing_settings(home), named(Declarations.read().datasets, dataset, "dataset").name, wanted.value
    )
    if str(output) == "-":
        with path.open("rb") as reader:
            shutil.copyfileobj(reader, sys.stdout.buffer)
        return
    target = output / path.name if output and output.is_dir() else output or Path(path.name)
    _copy_whole(path, target)
    typer.echo(target)


@app.command("checks")
def show_checks(
    subject: Annotated[str, typer.Argument(help="A source or a dataset.", metavar="NAME")],
    data_docs: Annotated[
        Path | None,
        typer.Option("--data-docs", help="Write Great Expectations' own pages here, one a table.", metavar="DIR"),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Print what Great Expectations said of the last check.

    Its own pages load their looks from other hosts: they are for whoever writes rules, not for publication.
    """
    from flows.declarations import Declarations
    from flows.listing import suite_documents

    declared = Declarations.read()
    named({**declared.sources, **declared.datasets}, subject, "source or dataset")
    found = suite_documents(standing_settings(home), subject)
    if data_docs is None:
        print_json(found)
        return
    from checks.data_docs import page_of

    data_docs.mkdir(parents=True, exist_ok=True)
    for table, document in found.items():
        path = data_docs / f"{subject}.{table}.html"
        path.write_text(page_of(document), encoding="utf-8")
        typer.echo(path)


@app.command("verify-disclosure")
def verify_disclosure(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A release, a dataset's releases, or a portal's folder.",
            exists=True,
            file_okay=False,
            metavar="FOLDER",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Check from public files alone how people are protected.

    Exit code 3 if something is wrong or cannot be read; 1 if no table there counts people.
    """
    from publish.disclosure.verifying import verify

    found = verify(folder)
    if as_json:
        print_json({**asdict(found), "is_good": found.is_good})
    else:
        from flows.cli.printing import print_verified

        print_verified(folder, found)
    if not found.datasets and not found.unreadable:
        raise typer.Exit(FAILED)
    raise typer.Exit(DONE if found.is_good else HELD)


@app.command("score")
def show_score(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A portal's folder [the home's].", exists=True, file_okay=False, metavar="FOLDER"),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a portal's metadata, in points.

    Of a folder portal, as data.europa.eu would. Exit code 3 if a dataset has fewer than 351 of 405 points,
    "excellent" there.
    """
    from publish.metadata.scoring import EXCELLENT, FULL, score_folder

    found = score_folder(folder or standing_settings(home).home.portal)
    if as_json:
        print_json([{**asdict(one), "rating": one.rating} for one in found])
    else:
        for one in found:
            typer.echo(f"{one.points} of {FULL}  {one.rating}  {one.dataset.rstrip('/').rpartition('/')[2]}")
            for text in one.in_words():
                typer.echo(f"    {text}")
    raise typer.Exit(DONE if all(one.points >= EXCELLENT for one in found) else HELD)


def _copy_whole(path: Path, target: Path) -> None:
    """Copy a file so that nobody sees half of it, and what stood there stays where the disk is full."""
    if target.exists() and not target.is_file():  # a device or a pipe cannot be replaced
        shutil.copyfile(path, target)
        return
    with beside(target) as unfinished:
        shutil.copyfile(path, unfinished)


def _export_format(given: ExportFormat | None, output: Path | None) -> ExportFormat:
    """The format asked for: by name, or by the suffix of the file to be written. The two may not contradict."""
    suffix = output.suffix.lower().removeprefix(".") if output and not output.is_dir() else ""
    if output and output.name.lower().endswith(".360giving.json"):
        suffix = ExportFormat.THREESIXTY_GIVING.value
    if not suffix:
        return given or ExportFormat.CSV
    if suffix not in list(ExportFormat):
        kinds = ", ".join(f".{kind}" for kind in ExportFormat if kind != ExportFormat.THREESIXTY_GIVING)
        raise typer.BadParameter(
            f"{output}: a release has no .{suffix} file; the name may end in {kinds}, .360giving.json"
        )
    if given and given != suffix:
        raise typer.BadParameter(f"{output}: the name says {suffix}, --format says {given.value}")
    return ExportFormat(suffix)
