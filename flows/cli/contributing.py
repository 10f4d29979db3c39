"""The commands of those who bring a dataset, and of those who have people fill in its workbook."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.given import named
from flows.cli.options import app

if TYPE_CHECKING:
    from sources.workbooks.proposing import ProposedField, ProposedTable


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="A workbook that nobody prepared.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The dataset's name [that of the file].", metavar="NAME")
    ] = None,
    publisher: Annotated[
        str,
        typer.Option("--publisher", help="Who publishes it.", metavar="SLUG"),
    ] = "opendistrict",
    into: Annotated[
        Path | None, typer.Option("--into", help="The project's folder [the one this runs from].", metavar="DIR")
    ] = None,
) -> None:
    """Propose a dataset's three files from a workbook.

    They are tried on it, by a night in a place of its own, before they are written.
    """
    from flows import scaffolding
    from flows.calendar import today
    from flows.cli.printing import print_table
    from flows.cli.terminal import Terminal
    from flows.declarations import ROOT

    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    if into is None and not (ROOT / "pyproject.toml").is_file():
        raise typer.BadParameter("this is no checkout but an installed program: name the project with --into")
    root = into or ROOT
    with Terminal() as terminal:
        terminal.progress(f"reading {file.name}")
        proposed = scaffolding.scaffold(file, name or scaffolding.name_for(file), publisher, root)
        outcome = scaffolding.tried(proposed, file, today(), terminal.progress)
    paths = scaffolding.write(proposed, root)
    for table in proposed.proposal.tables:
        print_table(
            f"{' and '.join(table.sheets)}, {table.records:,} rows", [_row(field) for field in table.fields]
        )
        for line in _remarks(table):
            typer.echo(f"  {line}")
    for other in proposed.proposal.others:
        typer.echo(f"Not taken: {other}")
    for path in paths:
        typer.echo(f"Written   {path} ({len(path.read_text(encoding='utf-8').splitlines())} lines)")
    (dataset,), (source,) = outcome.datasets, outcome.sources
    found = ", ".join(f"{count} {severity}" for severity, count in source.counts.items() if count)
    typer.echo(f"Tried     {dataset.rows:,} rows released{f', with findings: {found}' if found else ''}")
    source_name = proposed.proposal.name
    typer.echo("Next      look at the guesses, describe each column that is published, and put a sample without")
    typer.echo(f"          personal data into {root / 'sources' / source_name / 'sample'}; then")
    quoted, origin = shlex.quote(str(file)), shlex.quote(f"{source_name}={file}")  # to be pasted into a shell
    typer.echo(f"  opendistrict check {quoted} --source {source_name}")
    typer.echo(f"  opendistrict nightly --source {origin} --dataset {proposed.dataset} --home rehearsal")


def _row(field: ProposedField) -> dict[str, str]:
    declared = field.declaration
    return {
        "": field.letters,
        "header": declared.title,
        "name": declared.name,
        "type": f"{declared.type} in {declared.unit}" if declared.unit else declared.type,
        "privacy": declared.privacy.value,
        "guessed from": field.evidence,
        "look at": field.doubt,
    }


def _remarks(table: ProposedTable) -> list[str]:
    """What is said of a table beside its columns."""
    key = ", ".join(table.declaration.primary_key)
    said = [f"Key {key}: {table.key.evidence}." + (f" Look: {table.key.doubt}." if table.key.doubt else "")]
    said += [f"{column} refers to another sheet: {why}." for column, why in table.references.items()]
    return said + [f"Left out: {one}." for one in table.left_out]


class TemplateLanguage(StrEnum):
    """The languages of a template."""

    ENGLISH = "en"
    FINNISH = "fi"


@app.command()
def template(
    source: Annotated[str, typer.Argument(help="A source that is a workbook.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .xlsx file to write.", metavar="FILE")],
    language: Annotated[
        TemplateLanguage, typer.Option("--language", help="Of its headers and instructions.")
    ] = TemplateLanguage.ENGLISH,
) -> None:
    """Write the empty workbook of a source."""
    import sources as source_packages

    declared = named(source_packages.declarations(), source, "source")
    if declared.kind != "workbook":
        raise typer.BadParameter(f"{source} is a {declared.kind}, not a workbook that people fill in")
    if output.suffix.lower() != ".xlsx":
        raise typer.BadParameter(f"{output}: a template is an .xlsx file, so its name has to end in .xlsx")
    if output.exists():
        raise typer.BadParameter(f"{output} is there already, and may be filled in: give another name")
    from sources.workbooks.template import write_template
    from warehouse.home import beside

    with beside(output) as unfinished:
        write_template(declared, language.value, unfinished)
    typer.echo(output)
