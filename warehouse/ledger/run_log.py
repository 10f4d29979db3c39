"""Runs: when one began and ended, and what it said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from warehouse.home import Home, to_json, write_atomically
from warehouse.ledger.records import Connection, LedgerError, RunRecord, Said


def now() -> datetime:
    """The time in UTC, without zone, as the ledger keeps it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def next_run_id(connection: Connection, home: Home, day: date) -> str:
    """``<day>.<n>``: the next run of that logical day. No run that was noted and no report has that id yet."""
    taken = [run.run_id for run in runs(connection, home)]
    taken += [folder.name for folder in home.reports.glob(f"{day.isoformat()}.*")]
    numbers = [int(number) for one in taken if (number := one.removeprefix(f"{day.isoformat()}.")).isdecimal()]
    return f"{day.isoformat()}.{max(numbers, default=0) + 1}"


def next_sequence(connection: Connection, home: Home) -> int:
    """The place of the next run in the order of runs."""
    return max((run.sequence for run in runs(connection, home)), default=0) + 1


def begin_run(connection: Connection, home: Home, run_id: str, kind: str, day: date, request: Any) -> None:
    """Note that a run began to change something."""
    place = next_sequence(connection, home)
    connection.execute(
        "INSERT INTO ledger.runs (run_id, kind, day, started_at, request, sequence) VALUES (?, ?, ?, ?, ?, ?)",
        [run_id, kind, day, now(), json.dumps(request, sort_keys=True), place],
    )


def finish_run(connection: Connection, run_id: str) -> None:
    """Note that the run's changes are whole."""
    connection.execute("UPDATE ledger.runs SET finished_at = ? WHERE run_id = ?", [now(), run_id])


def note_run(home: Home, record: RunRecord) -> None:
    """Note what a run came to. Safe against a kill, and without a copy of the warehouse."""
    content = json.loads(json.dumps(asdict(record), default=str))
    write_atomically(home.runs / f"{record.run_id}.json", to_json(content))


def runs(connection: Connection, home: Home) -> list[RunRecord]:
    """All runs that changed something or had something to say, in the order they ran.

    Raises:
        LedgerError: a note cannot be read.
    """
    rows = connection.execute(
        "SELECT run_id, kind, day, started_at, finished_at, request, coalesce(sequence, 0) FROM ledger.runs"
        " ORDER BY coalesce(sequence, 0), rowid"
    ).fetchall()
    found = {row[0]: RunRecord(*(*row[:5], json.loads(row[5]), row[6])) for row in rows}
    found |= {path.stem: _noted(path) for path in home.runs.glob("*.json")}
    return sorted(found.values(), key=lambda run: run.sequence)  # stable: runs of an older ledger stay in order


def last_said(runs: Sequence[RunRecord], part: str) -> dict[str, Said]:
    """By name, what the newest run that spoke of it said. ``part``: sources, datasets or portal."""
    said: dict[str, Said] = {}
    for run in runs:
        for name, one in getattr(run, part).items():
            before = said.get(name)
            said[name] = replace(one, is_awaited=before.is_awaited) if before and one.is_awaited is None else one
    return said


def _noted(path: Path) -> RunRecord:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for part in ("sources", "datasets", "portal"):
            content[part] = {
                name: Said(**{**said, "stale_since": _date(said["stale_since"])})
                for name, said in content[part].items()
            }
        content["day"] = date.fromisoformat(content["day"])
        content["started_at"] = datetime.fromisoformat(content["started_at"])
        content["finished_at"] = datetime.fromisoformat(content["finished_at"])
        return RunRecord(**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(
            f"{path} cannot be read as the note of a run. Restore it from a backup, or move it away: the data are"
            " not touched by that, only what was said of that run is lost."
        ) from error


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
