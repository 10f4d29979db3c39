"""A file checked as a night would check it, offline, in a folder of its own that is gone afterwards.

The command ``opendistrict check`` and the desk call the same function, and it calls the steps of a night: there is
no second logic.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flows import steps
from flows.calendar import today
from flows.declarations import Declarations
from flows.errors import RequestError
from flows.outbox import copy_name
from flows.recognising import Recognised, source_of
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import SourceError
from warehouse import ledger
from warehouse.archive import Snapshot, sha256_of
from warehouse.declarations import SourceDeclaration
from warehouse.findings import Finding
from warehouse.headings import declared_names
from warehouse.home import Home
from warehouse.ledger import Verdict
from warehouse.lives import COUNTED, Life, lives_to_be
from warehouse.messages import Language, message
from warehouse.progress import Progress, silent
from warehouse.store import reader
from warehouse.turns import OURS, Whose, turn_of

if TYPE_CHECKING:
    from checks.annotate import Annotation
    from checks.annotate.places import Place


@dataclass(frozen=True)
class CheckedFile:
    """What a night would do with files.

    ``why`` says why they are taken as the source's; empty where the source was named. ``files`` are the paths as
    they were given, by the names under which a night keeps them. ``rows`` and ``accepted`` count by table.
    """

    source: str
    declaration: SourceDeclaration
    verdict: Verdict
    rows: Mapping[str, int]
    accepted: Mapping[str, int]
    findings: tuple[Finding, ...]
    files: Mapping[str, Path]
    sheets: Mapping[str, str] = field(default_factory=dict)  # by table, what the files call it
    why: str = ""
    lives: Mapping[str, Life] = field(default_factory=dict)  # by finding_id, of a home that it was compared with
    owners: Mapping[tuple[str, str], Whose] = field(default_factory=dict)  # who mends, by table and rule

    def owner_of(self, finding: Finding) -> Whose:
        """Who mends a finding."""
        if finding.rule in OURS:
            return Whose.US
        return self.owners.get((finding.table_name or "", finding.rule), turn_of(self.declaration))

    @cached_property
    def places(self) -> list[Place]:
        """The findings with their cells, worst first, then in the order of the file."""
        from checks.annotate.places import located, open_as_told
        from warehouse.sheets import SheetError

        found: list[Place] = []
        for name, path in self.files.items():
            try:
                book = open_as_told(path, self.declaration.tables) if self.declaration.kind == "workbook" else None
            except SheetError:
                book = None
            found += located(self._on(name), book, self.declaration)
        return sorted(found, key=lambda place: place.finding.severity.rank)

    def _on(self, name: str) -> list[Finding]:
        """The findings on one of the files; those on none of them are told with the first."""
        first = next(iter(self.files))
        return [one for one in self.findings if one.file == name or (one.file is None and name == first)]

    def marked_copies(self, target: Path, language: Language) -> list[Annotation]:
        """Write the files with their findings marked: to ``target``; of several, into that folder."""
        from checks.annotate import annotate  # imports openpyxl

        is_one = len(self.files) == 1
        return [
            annotate(
                path,
                self._on(name),
                target if is_one else target / copy_name(name),
                self.declaration,
                language,
                self.lives,
            )
            for name, path in self.files.items()
        ]


def check_file(
    paths: Sequence[Path],
    declared: Declarations,
    source: str | None = None,
    home: Home | None = None,
    progress: Progress = silent,
) -> CheckedFile:
    """Check files of one source as a night of today would, and keep nothing.

    Args:
        paths: one file, or several that are one snapshot together, such as the CSV files of a source's tables.
        declared: what is declared.
        source: the source they are of; found out where it is not said.
        home: compared with what stands there, if it is given; nothing is written there.
        progress: told of the steps.

    Raises:
        RequestError: a file would not be taken, since another one is of the same table.
        SourceError: a file cannot be taken in at all.
        UnclearSourceError: no source was named, and nobody can tell.
    """
    recognised = Recognised(source, "") if source else source_of(paths, declared.sources)
    name = recognised.source
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder, Direct() as runner:
        settings = Settings(Home(Path(folder) / "home"), portal="", memory=Settings.of().memory)
        origin = _origin(paths, Path(folder) / "given")
        run = Run(settings, RunRequest(today(), {name: origin}), runner, progress, declared)
        progress(f"reading {paths[0].name}")
        snapshot = steps.pull(run, name, origin, today())
        files = _files(snapshot, paths)
        before = _previous_rows(home, name, snapshot)
        try:
            staged = steps.stage(run, snapshot)
        except SourceError as error:  # no file that can be read at all: that is the one finding
            judged = steps.unreadable(snapshot, error)
            found = [judged.problem] if judged.problem else []
            names = declared_names(declared.sources[name].tables)
        else:
            judged = steps.check(run, snapshot, staged, before, home)
            found = steps.staged_findings(settings, staged)
            names = steps.staged_names(settings, staged, declared.sources[name])
    return CheckedFile(
        source=name,
        declaration=declared.sources[name],
        verdict=judged.verdict,
        rows=judged.staged.rows if judged.staged else {},
        accepted=judged.accepted,
        findings=tuple(found),
        files=files,
        sheets=names.sheets,
        why=recognised.why,
        lives=_lives(home, name, snapshot, found),
        owners=_owners(declared, name),
    )


def _origin(paths: Sequence[Path], folder: Path) -> str:
    """Where a night would find the files: the one, or a folder with all of them."""
    if len(paths) == 1:
        return str(paths[0])
    folder.mkdir()
    for path in paths:
        place = folder / path.name
        if place.exists():
            raise RequestError(message("Two of the files are called {file}. Rename one.", file=path.name))
        place.symlink_to(path.absolute())
    return str(folder)


def _files(snapshot: Snapshot, paths: Sequence[Path]) -> dict[str, Path]:
    """The given paths by the names under which they were taken in."""
    given = [(sha256_of(path), path) for path in paths]
    by_digest = dict(given)  # a file may be kept under another name than its own
    taken = {file.name: by_digest[file.sha256] for file in snapshot.files}
    if left := [path for _, path in given if path not in taken.values()]:
        raise RequestError(
            message(
                "{file} would not be read: another of the files holds the same table, or is a workbook. Give one"
                " file, or one CSV file a table.",
                file=left[0].name,
            )
        )
    return taken


def _previous_rows(home: Home | None, source: str, snapshot: Snapshot) -> Mapping[str, int]:
    if home is None or not home.warehouse.exists():
        return {}
    with reader(home) as connection:
        return steps.previous_rows(ledger.snapshots(connection, source), snapshot)


def _lives(home: Home | None, source: str, snapshot: Snapshot, found: Sequence[Finding]) -> Mapping[str, Life]:
    """What the findings would be to what the home knows; nothing where the files could not be read."""
    if home is None or not home.warehouse.exists() or any(one.rule == "unreadable" for one in found):
        return {}
    with reader(home) as connection:
        return lives_to_be(
            connection, source, {one.finding_id for one in found if one.severity in COUNTED}, snapshot.date
        )


def _owners(declared: Declarations, source: str) -> dict[tuple[str, str], Whose]:
    """Who mends what a rule finds, by table and rule."""
    from checks.rules import Known, compile_rules

    declaration, rules = declared.sources[source], declared.source_rules[source]
    names, known = declared_names(declaration.tables), Known(turn_of(declaration))
    return {
        (table.name, rule.id): rule.owner
        for table in declaration.tables
        for rule in compile_rules(table, rules.on(table), names=names, known=known)
    }
