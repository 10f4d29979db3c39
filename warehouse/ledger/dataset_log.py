"""What became of datasets: verdicts on those built for a date, and the releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from warehouse.database import fetch
from warehouse.ledger.records import Connection, CurationRecord, Verdict
from warehouse.releases import Release, ReleaseFile, SnapshotUse


def record_curation(connection: Connection, record: CurationRecord) -> None:
    """Note what became of a dataset built for a date."""
    connection.execute(
        "INSERT OR REPLACE INTO ledger.curations VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            record.dataset,
            record.data_date,
            record.inputs,
            record.verdict.value,
            record.rows,
            record.version,
            record.run_id,
        ],
    )


def curations(connection: Connection, dataset: str) -> list[CurationRecord]:
    """What became of a dataset, oldest data first."""
    rows = fetch(
        connection,
        "SELECT dataset, data_date, inputs, verdict, rows, version, run_id FROM ledger.curations"
        " WHERE dataset = ? ORDER BY data_date",
        [dataset],
    )
    return [CurationRecord(*(*row[:3], Verdict(row[3]), *row[4:])) for row in rows]


def record_release(
    connection: Connection, release: Release, run_id: str, made_of: Mapping[str, Any] | None = None
) -> None:
    """Note a release: from now on its folder is official. ``made_of``: of what, so that it can be made again."""
    noted = json.dumps(made_of, sort_keys=True) if made_of is not None else None
    connection.execute(
        "INSERT INTO ledger.releases (dataset, version, data_date, manifest, run_id, made_of)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [release.dataset, release.version, release.data_date, _manifest(release), run_id, noted],
    )


def made_of(connection: Connection, dataset: str, version: str) -> dict[str, Any] | None:
    """What a release was made of, as it was noted; None where it was not."""
    rows = fetch(
        connection, "SELECT made_of FROM ledger.releases WHERE dataset = ? AND version = ?", [dataset, version]
    )
    found: dict[str, Any] | None = json.loads(rows[0][0]) if rows and rows[0][0] else None
    return found


def noted_versions(connection: Connection, dataset: str) -> list[str]:
    """The versions of a dataset of which it was noted what they were made of."""
    rows = fetch(
        connection, "SELECT version FROM ledger.releases WHERE dataset = ? AND made_of IS NOT NULL", [dataset]
    )
    return [row[0] for row in rows]


def rewrite_release(connection: Connection, release: Release) -> None:
    """Note that a release's files were made anew."""
    connection.execute(
        "UPDATE ledger.releases SET manifest = ? WHERE dataset = ? AND version = ?",
        [_manifest(release), release.dataset, release.version],
    )


def forget_newest_curation(connection: Connection, dataset: str) -> None:
    """Have a dataset's newest date built anew by the next run."""
    connection.execute(
        "UPDATE ledger.curations SET inputs = '' WHERE dataset = $1"
        " AND data_date = (SELECT max(data_date) FROM ledger.curations WHERE dataset = $1)",
        [dataset],
    )


def _manifest(release: Release) -> str:
    return json.dumps(asdict(release), sort_keys=True, default=str)


def release_from(content: Mapping[str, Any]) -> Release:
    """A release from its manifest."""
    return Release(
        **{
            **content,
            "data_date": date.fromisoformat(content["data_date"]),
            "files": tuple(ReleaseFile(**file) for file in content["files"]),
            "snapshots": tuple(
                SnapshotUse(**{**use, "date": date.fromisoformat(use["date"])}) for use in content["snapshots"]
            ),
            "schema_changes": tuple(content.get("schema_changes", ())),
            "breaking": tuple(content.get("breaking", ())),
        }
    )


def releases(connection: Connection, dataset: str, run_id: str | None = None) -> list[Release]:
    """A dataset's releases, oldest data first: the last one is ``latest``. Of one run only, if named."""
    rows = fetch(
        connection,
        "SELECT manifest FROM ledger.releases WHERE dataset = ? AND run_id = coalesce(?, run_id)",
        [dataset, run_id],
    )
    return sorted((release_from(json.loads(row[0])) for row in rows), key=lambda release: release.order)
