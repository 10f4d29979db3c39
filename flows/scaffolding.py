"""A dataset from a workbook that nobody prepared: its three files are proposed, tried out, and written."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.declarations import ROOT, Declarations
from flows.errors import RequestError
from flows.night import night
from flows.outcomes import NightOutcome
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources.workbooks.proposing import Proposal, as_yaml, comment, flow, propose, slug_of
from warehouse import reference
from warehouse.database import fetch
from warehouse.declarations import FieldDeclaration, Privacy
from warehouse.home import Home
from warehouse.progress import Progress, silent
from warehouse.store import reader

LICENCE = "CC-BY-4.0"
PUBLISHER = "opendistrict"
_MARKS = (
    {
        "name": "held_since_date",
        "type": "date",
        "mark": True,
        "title": "Held since",
        "description": "Date since which newer data say something of this row that cannot be used, so that it"
        " stands as it was last known.",
    },
    {
        "name": "held_columns",
        "mark": True,
        "title": "Held columns",
        "description": "Names of the columns that are empty in this row because what the source says there cannot"
        " be used, with a semicolon between them.",
    },
)


@dataclass(frozen=True)
class Scaffold:
    """A proposed dataset. ``files`` are its texts, by their paths below the project's folder."""

    proposal: Proposal
    files: Mapping[Path, str]

    @property
    def dataset(self) -> str:
        """The dataset's name on portals."""
        return self.proposal.name.replace("_", "-")


def name_for(workbook: Path) -> str:
    """A name for a workbook's dataset: that of the file, without dates and versions."""
    bare = re.sub(r"(?i)(?:^|[\W_])(?:v?[0-9]+|final|copy|kopio|uusi|new)(?=$|[\W_])", " ", workbook.stem)
    return slug_of(bare) or slug_of(workbook.stem) or "workbook"


def scaffold(workbook: Path, name: str, publisher: str = PUBLISHER, root: Path = ROOT) -> Scaffold:
    """The files of a dataset as they can be guessed from a workbook. Writes nothing.

    Args:
        workbook: an .xlsx or .csv file.
        name: of the source, and with hyphens of the dataset.
        publisher: of the dataset, by its slug.
        root: the project's folder, in which nothing may have that name yet.

    Raises:
        RequestError: the name cannot be used, or there is no such publisher.
        SourceError: the workbook has no table that can be declared; the message says what is there.
    """
    if slug_of(name) != name:
        raise RequestError(f"a name has small letters, digits and underscores: {slug_of(name) or 'tapahtumat'}")
    if publisher not in reference.publishers():
        raise RequestError(
            f"there is no publisher {publisher!r}; known are {', '.join(reference.publishers())}."
            " Add yours to warehouse/reference/publishers.yaml"
        )
    proposal = propose(workbook, name)
    files = {
        Path("sources", name, "source.yaml"): as_yaml(proposal, publisher, LICENCE),
        Path("warehouse", "models", f"{name}.sql"): _model(proposal),
        Path("publish", "catalogue", f"{name}.yaml"): _entry(proposal, publisher),
    }
    places = (*files, Path("sources", name), Path("sources", f"{name}.py"))
    standing = [root / path for path in places if (root / path).exists()]
    if standing:
        raise RequestError(f"{standing[0]} is there already; give the dataset another --name")
    return Scaffold(proposal, files)


def tried(scaffold: Scaffold, workbook: Path, day: date, progress: Progress = silent) -> NightOutcome:
    """What a night on the workbook gives with the proposed files alone, in a place of its own.

    Raises:
        RequestError: the dataset is not released; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder, Direct() as runner:
        root, home = Path(folder, "declared"), Path(folder, "home")
        write(scaffold, root)
        request = RunRequest(day, {scaffold.proposal.name: str(workbook.absolute())}, publish=False)
        settings = Settings(Home(home), str(home / "portal"))
        outcome = night(Run(settings, request, runner, progress, Declarations.read(root)))
        (source,), (dataset,) = outcome.sources, outcome.datasets
        if dataset.state != "released":
            said = " ".join(text for text in (source.message, source.notice, dataset.message) if text)
            raise RequestError(
                f"the files that {workbook.name} suggests do not make a dataset of it, so none was written."
                f" The source is {source.state}, the dataset {dataset.state}. {said}\n{_most_found(settings)}"
            )
        return outcome


def _most_found(settings: Settings, limit: int = 5) -> str:
    """What was found most often on the workbook, a line each."""
    with reader(settings.home, settings.memory) as connection:
        rows = fetch(
            connection,
            "SELECT count(*), message, any_value(help) FROM ledger.findings GROUP BY message"
            f" ORDER BY count(*) DESC LIMIT {limit}",
        )
    return "\n".join(f"  {count:,} times: {message} {advice}" for count, message, advice in rows)


def write(scaffold: Scaffold, root: Path) -> list[Path]:
    """Write the files; one that is there already is an error, and then none is written."""
    paths = {root / path: text for path, text in scaffold.files.items()}
    for path in paths:
        if path.exists():
            raise RequestError(f"{path} is there already; nothing was written")
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(paths)


def _published(proposal: Proposal) -> list[FieldDeclaration]:
    return [field for field in proposal.main.declaration.fields if field.privacy is Privacy.PUBLIC]


def _model(proposal: Proposal) -> str:
    """The dataset's SQL: what may be published of the main table."""
    table = proposal.main.declaration
    columns = [f"t.{field.name}" for field in _published(proposal)]
    columns += ["t._held_since_date AS held_since_date", "t._held_columns AS held_columns"]
    listed = ",\n    ".join(columns)
    return (
        f"{comment(f'-- What may be published of {table.title}, a row a record.')}\n"
        f"SELECT\n    {listed}\nFROM {proposal.name}.{table.name} AS t\n"
    )


def _entry(proposal: Proposal, publisher: str) -> str:
    """The dataset's catalogue entry."""
    table = proposal.main.declaration
    content = {
        "name": proposal.name.replace("_", "-"),
        "title": proposal.title,
        "description": table.description,
        "each_row_is_a": table.each_row_is_a,
        "publisher": publisher,
        "licence": LICENCE,
        "attribution": proposal.title,
        "keywords": proposal.name.split("_"),
        "theme": "REGI",
        "frequency": "IRREG",
        "language": ["FIN" if proposal.is_finnish else "ENG"],
        "primaryKey": list(table.primary_key),
        "rows": {"minimum": table.rows.minimum, "maximum": table.rows.maximum},
    }
    days = [field.name for field in _published(proposal) if field.type in ("date", "datetime", "year")]
    if days:
        content["period"] = {"columns": days}
    lines = ["# yaml-language-server: $schema=../../docs/schemas/catalogue.json"]
    lines += [
        "# Proposed: write title, description and keywords anew; look at licence and theme, and say",
        "# where the rows lie: a district, or places.",
    ]
    lines += [f"{key}: {flow(value)}" for key, value in content.items()]
    lines += ["fields:"]
    lines += [f"  - from: {proposal.name}.{table.name}.{field.name}" for field in _published(proposal)]
    return "\n".join([*lines, *(f"  - {flow(mark)}" for mark in _MARKS)]) + "\n"
