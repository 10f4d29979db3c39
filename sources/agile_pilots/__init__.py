"""Agile pilots: the workbook of a piloting programme's coordinator."""

from __future__ import annotations

from pathlib import Path

from sources import PullRequest, Reading
from sources.workbooks import pull as pull_workbook
from sources.workbooks import read as read_workbook
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration


def pull(request: PullRequest) -> Snapshot:
    """Bring the coordinator's workbook into the raw archive."""
    return pull_workbook(request)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The sheets Pilots and Rounds as tables, and what could not be read of them."""
    return read_workbook(snapshot, declaration, workspace)
