"""What a release was made of: noted when it is made, so that making it again can say what is otherwise.

The ledger has it, and a file in the home: a warehouse that is made anew takes it over from there. It holds ids and
sums, no path: a home that was moved or copied has the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from flows.declarations import Declarations
from publish.files.render import RENDERER_VERSION
from warehouse import identities, ledger, reference
from warehouse.home import Home, to_json, write_atomically
from warehouse.ledger import SnapshotRecord


def made_of(declared: Declarations, dataset: str, used: Iterable[SnapshotRecord]) -> dict[str, Any]:
    """What the ledger notes of a release: the snapshots it was made of, and sums of what is declared, by name."""
    snapshots = sorted((one.data_date.isoformat(), one.source, one.snapshot_id, one.fingerprint) for one in used)
    return {"snapshots": [list(one) for one in snapshots], "declared": declared_sums(declared, dataset)}


def declared_sums(declared: Declarations, name: str) -> dict[str, str]:
    """What of the program and its declarations a dataset's files depend on, in words, each with its sum."""
    model, dataset = declared.models[name], declared.datasets[name]
    found = {
        "its model": _sum(model.sql, *(one.sql for one in model.below)),
        "the reference lists": reference.fingerprint(),
        "its catalogue entry": _sum(dataset.entry.model_dump_json(), *map(repr, dataset.translations)),
        "its columns": _sum(dataset.table.model_dump_json()),
        "its rules": _sum(declared.dataset_rules[name].model_dump_json()),
        "how files are written": str(RENDERER_VERSION),
        "DuckDB": duckdb.__version__,
    }
    if any(one.reads_identities for one in (model, *model.below)):
        found["how organisations are found"] = identities.fingerprint()
    for source in sorted(model.sources & declared.sources.keys()):
        found[f"the declaration of {source}"] = _sum(declared.sources[source].model_dump_json())
    return found


def keep_made_of(connection: duckdb.DuckDBPyConnection, home: Home, dataset: str, version: str = "") -> None:
    """Write what the ledger notes of a dataset's releases into the home.

    That of the version, which is new, and of those whose note is not there: an earlier program made them.
    """
    folder = home.made_of / dataset
    there = {path.stem for path in folder.glob("*.json")} - {version}
    for one in ledger.noted_versions(connection, dataset):
        if one not in there:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / f"{one}.json", to_json(ledger.made_of(connection, dataset, one)))


def kept_made_of(home: Home, dataset: str, version: str) -> dict[str, Any] | None:
    """What a release was made of, as the home has it beside the ledger; None if it has not, or damaged."""
    try:
        content = json.loads((home.made_of / dataset / f"{version}.json").read_text(encoding="utf-8"))
        snapshots = [[str(part) for part in one] for one in content["snapshots"]]
        declared = {str(name): str(digest) for name, digest in content["declared"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return {"snapshots": snapshots, "declared": declared} if all(len(one) == 4 for one in snapshots) else None


def changed_since(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is declared otherwise now than it was, in words."""
    return [name for name in {**then, **now} if then.get(name) != now.get(name)]


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
