"""What a release was made of: noted when it is made, so that making it again can say what is otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from flows.declarations import Declarations
from publish.files.render import RENDERER_VERSION
from warehouse import identities, reference
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


def changed_since(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is declared otherwise now than it was, in words."""
    return [name for name in {**then, **now} if then.get(name) != now.get(name)]


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
