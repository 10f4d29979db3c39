"""What a staging file depends on beside its snapshot."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

from sources import Reading
from warehouse import identifiers, reference, sheets
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration
from warehouse.sheets import xlsx

Read = Callable[[Snapshot, SourceDeclaration, Path], Reading]


def fingerprint(declaration: SourceDeclaration, read: Read) -> str:
    """What a staging file depends on beside its snapshot: declaration, code lists, the reading code, DuckDB, dlt.

    The code is that of the reading package and of this package's own modules, so a repaired reader stages anew
    without anyone having to remember a version number.
    """
    digest = hashlib.sha256(declaration.model_dump_json().encode())
    digest.update(reference.fingerprint().encode())
    for name in ("duckdb", "dlt"):
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    module = sys.modules.get(getattr(read, "__module__", ""), None)
    folders = [Path(__file__).parents[1], Path(__file__).parent]
    folders += [Path(sheets.__file__).parent, Path(xlsx.__file__).parent]
    if module is not None and module.__file__ and Path(module.__file__).parent not in folders:
        folders.append(Path(module.__file__).parent)
    paths = [Path(identifiers.__file__)]
    paths += [path for folder in folders for path in sorted(folder.glob("*.py"))]
    for path in paths:
        digest.update(f"{path.name} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
