"""The way back: the marked copies of what people handed in, in the outbox of its source.

There lies one marked copy of each file of the newest snapshot that has something to mend or to look at, and none
of what is clean or was replaced: whoever opens the folder sees what is to be done today. A copy that somebody
changed (she mends her workbook there) is hers: it is neither deleted nor written over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flows.errors import FaultLog
from flows.outcomes import SourceOutcome
from flows.run import Run
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.archive_keys import ArchiveKeyError
from warehouse.declarations import SourceDeclaration
from warehouse.findings import Finding
from warehouse.home import to_json, write_atomically
from warehouse.lives import Life, lives
from warehouse.snapshots import sha256_of
from warehouse.store import reader
from warehouse.turns import OURS

_NOTE = ".marked.json"  # by name, the SHA-256 of the copies as we wrote them; two while one takes another's place


def hand_back(run: Run, source: SourceOutcome, workspace: Path, faults: FaultLog) -> SourceOutcome:
    """The outcome with the marked copy of what people handed in, put into the outbox, where there is a finding.

    A copy that cannot be made is told, and costs nothing else.
    """
    settings, declaration = run.settings, run.declarations.sources[source.name]
    if declaration.kind != "workbook" or source.snapshot is None or source.state == "failed":
        return source  # of a source that failed nothing new was read: what the outbox holds still stands
    archive = Archive(settings.home, source.name)
    snapshot = archive.find(source.snapshot.snapshot_id)
    if snapshot is None:
        return source
    with reader(settings.home, settings.memory) as connection:
        found = ledger.findings(connection, source.name, source.snapshot.snapshot_id)
        lived = lives(connection, source.name, source.snapshot.snapshot_id)
    found = [one for one in found if one.rule not in OURS]  # she cannot mend a file of ours
    outbox = Outbox(settings.home.outbox / source.name)
    try:
        names: list[str] = []
        if found:
            snapshot = archive.readable(snapshot, workspace / source.name)
            names = _marked(outbox, snapshot, found, lived, declaration, workspace)
        outbox.keep_only(names)
    except ArchiveKeyError:
        return source  # known already, else it had failed tonight: what the outbox holds still stands
    except Exception as error:
        words = faults.tell(f"marking the workbook of {source.name}", error)
        return replace(source, notice=f"{source.notice} The marked workbook could not be made: {words}".strip())
    return replace(source, annotated=str(outbox.folder / names[-1])) if names else source


def copy_name(file: str) -> str:
    """What the marked copy of a file is called."""
    # Who mends the marked copy and hands that in gets it back under the same name.
    return f"{Path(file).stem.removesuffix('-annotated')}-annotated.xlsx"


def _marked(
    outbox: Outbox,
    snapshot: Snapshot,
    found: Sequence[Finding],
    lived: Mapping[str, Life],
    declaration: SourceDeclaration,
    workspace: Path,
) -> list[str]:
    """Mark the files of a snapshot with its findings and their lives, and put the copies into the outbox; their
    names.
    """
    from checks.annotate import annotate  # imports openpyxl, as the next does
    from sources.workbooks.inbox import SUFFIXES

    names = []
    for path in snapshot.paths():
        findings = [one for one in found if one.file in (None, path.name)]
        if path.suffix.lower() in SUFFIXES and findings:
            target = workspace / copy_name(path.name)
            made = annotate(path, findings, target, declaration, declaration.language, lived)
            names.append(outbox.put(made.path))
    return names


class Outbox:
    """The outbox of one source, and what is known of the copies in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: dict[str, str] = dict(_noted(folder / _NOTE))

    def put(self, copy: Path) -> str:
        """Put a copy there, under its name; beside one that was changed there, under another. The name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place, number = self.folder / copy.name, 2
        while self._is_changed(place.name):
            place, number = self.folder / f"{copy.stem}-{number}{copy.suffix}", number + 1
        digest = sha256_of(copy)
        if not place.exists() or self._written.get(place.name) != digest:
            # Noted before: whoever is killed between the two leaves a copy that still is known as ours.
            self._note({**self._written, place.name: f"{digest} {self._written.get(place.name, '')}".strip()})
            copy.replace(place)
        self._note({**self._written, place.name: digest})
        return place.name

    def keep_only(self, names: Sequence[str]) -> None:
        """Delete the copies of what is no more to be mended, but not those that were changed."""
        for name in [name for name in self._written if name not in names and not self._is_changed(name)]:
            (self.folder / name).unlink(missing_ok=True)
            self._note({other: digest for other, digest in self._written.items() if other != name})

    def _is_changed(self, name: str) -> bool:
        path = self.folder / name
        return path.exists() and name in self._written and sha256_of(path) not in self._written[name].split()

    def _note(self, written: dict[str, str]) -> None:
        self._written = written
        write_atomically(self.folder / _NOTE, to_json(written))


def _noted(path: Path) -> Mapping[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    # A name from a file is only ever one in its own folder.
    return {str(n): str(d) for n, d in content.items() if Path(n).name == n} if isinstance(content, dict) else {}
