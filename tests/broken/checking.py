"""A file taken the whole way to its findings, and each finding's cell reckoned from what it says alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from checks.verdicts import Before, check_source
from flows.declarations import Declarations
from flows.steps import unreadable
from sources import SourceError, package
from sources.loading import stage
from warehouse import ledger
from warehouse.archive import RawFile, Snapshot, sha256_of
from warehouse.database import opened
from warehouse.declarations import SourceDeclaration
from warehouse.findings import Finding
from warehouse.home import Home
from warehouse.ledger import Verdict

DAY = date(2026, 11, 26)


@cache
def declared() -> Declarations:
    """All declarations, read once."""
    return Declarations.read()


def workbook_sources() -> list[str]:
    """The sources that people keep in workbooks."""
    return [name for name, one in declared().sources.items() if one.kind == "workbook"]


@dataclass(frozen=True)
class Checked:
    """What came of a hand-in: what was found, worst first, and how it was judged."""

    findings: Sequence[Finding]
    verdict: Verdict


def check(paths: Sequence[Path], source: SourceDeclaration, workspace: Path, day: date = DAY) -> Checked:
    """Read, stage and check files as a night does; they lie in one folder. The workspace is left empty."""
    home = Home(workspace)
    files = tuple(RawFile(path.name, sha256_of(path), path.stat().st_size) for path in sorted(paths))
    snapshot = Snapshot(source.name, day, str(paths[0].parent), files, paths[0].parent)
    try:
        staged = stage(source, snapshot, home, package(source).read)
        with opened(staged.path, temporary=home.temporary) as connection:
            checked = check_source(connection, source, declared().source_rules[source.name], Before({}))
            return Checked(ledger.read_findings(connection, "main.findings"), checked.verdict)
    except SourceError as error:
        held = unreadable(snapshot, error)
        return Checked([held.problem] if held.problem else [], held.verdict)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
