"""What stands in a home, for people and programs that ask: sources, datasets, status, windows, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from flows.night import NightRequest, request_checked
from flows.settings import Settings
from flows.steps import Plan
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.ledger import Verdict
from warehouse.store import reader


class NotReleasedError(LookupError):
    """A dataset has no release, or not in that format."""


def list_sources(settings: Settings, plan: Plan) -> list[dict[str, Any]]:
    """A row a source: what it is, and the last data that were judged."""
    rows = []
    with reader(settings.home, settings.memory) as connection:
        for source in plan.sources.values():
            records = ledger.snapshots(connection, source.name)
            good = [s for s in records if s.is_promoted]
            rows.append(
                {
                    "source": source.name,
                    "title": source.title,
                    "cadence": source.cadence,
                    "licence": source.licence,
                    "data of": good[-1].data_date.isoformat() if good else None,
                    "rows": sum(t.accepted for t in good[-1].tables.values()) if good else None,
                    "verdict": records[-1].verdict.value if records else None,
                    "last look": last_look(settings, source.name),
                }
            )
    return rows


def last_look(settings: Settings, source: str) -> str | None:
    """When the source was last looked at, in UTC: also when nothing had changed."""
    noted = Archive(settings.home, source).folder / "origins.json"
    if not noted.exists():
        return None
    return datetime.fromtimestamp(noted.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")


def list_datasets(settings: Settings, plan: Plan) -> list[dict[str, Any]]:
    """A row a dataset: what it is, and its latest release."""
    rows = []
    with reader(settings.home, settings.memory) as connection:
        for dataset in plan.datasets.values():
            releases = ledger.releases(connection, dataset.name)
            latest = releases[-1] if releases else None
            rows.append(
                {
                    "dataset": dataset.name,
                    "title": dataset.entry.title,
                    "sources": ", ".join(sorted(plan.models[dataset.name].sources)),
                    "latest": latest.version if latest else None,
                    "rows": latest.rows if latest else None,
                    "releases": len(releases),
                }
            )
    return rows


def read_status(settings: Settings, plan: Plan) -> dict[str, Any]:
    """The last run, and whatever is held or stale."""
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection)
        held = []
        for name in plan.sources:
            records = ledger.snapshots(connection, name)
            if not records or records[-1].verdict is Verdict.PASSED:
                continue
            newest = records[-1]
            good = [s for s in records if s.is_promoted]
            worst = ledger.findings(connection, name, newest.snapshot_id, limit=1)
            quarantined = sum(t.quarantined for t in newest.tables.values())
            is_held = newest.verdict is Verdict.HELD
            held.append(
                {
                    "what": name,
                    "state": "held" if is_held else f"{quarantined} rows in quarantine",
                    "data of": newest.data_date.isoformat(),
                    "stale since": good[-1].data_date.isoformat() if is_held and good else None,
                    "why": worst[0].message if worst else "",
                    "what to do": worst[0].help if worst else "",
                }
            )
        for name in plan.datasets:
            curations = ledger.curations(connection, name)
            if curations and curations[-1].verdict is Verdict.HELD:
                releases = ledger.releases(connection, name)
                stamp = curations[-1].data_date.isoformat()
                worst = ledger.findings(connection, name, stamp, limit=1)
                held.append(
                    {
                        "what": name,
                        "state": "held",
                        "data of": stamp,
                        "stale since": releases[-1].version if releases else None,
                        "why": worst[0].message if worst else "",
                        "what to do": worst[0].help if worst else "",
                    }
                )
    last = runs[-1] if runs else None
    report = settings.home.reports / last.run_id / "index.html" if last else None
    return {
        "home": str(settings.home.root),
        "last_run": last.run_id if last else None,
        "last_run_finished": str(last.finished_at) if last else None,
        "report": str(report) if report and report.exists() else None,
        "last_look": {name: last_look(settings, name) for name in plan.sources},
        "held": held,
        "needs_attention": bool(held),
    }


def list_windows(
    settings: Settings,
    plan: Plan,
    first: date,
    last: date,
    origins: Mapping[str, str | None],
    datasets: Sequence[str],
) -> list[dict[str, Any]]:
    """A row a window of a backfill: its date, what is there for it, and whether it is done."""
    from flows.backfill import windows
    from sources.pulling import dated_files, missing_parts

    request = request_checked(plan, NightRequest(last, origins, tuple(datasets)))
    rows = [
        {
            "date": window.day.isoformat(),
            "source": snapshot.source,
            "what": snapshot.id,
            "state": "done" if window.done else "to do",
        }
        for window in windows(settings, plan, request, first, last)
        for snapshot in window.snapshots
    ]
    for name, origin in origins.items():
        pattern = plan.sources[name].file_names
        folder = Path(origin) if origin and Path(origin).is_dir() else None
        for day, files in dated_files(folder, first, last, pattern) if folder else ():
            names = [file.name for file in files]
            missing = ", ".join(str(number) for number in missing_parts(names))
            state = f"to take in, but for part {missing}, which is missing" if missing else "to take in"
            rows.append({"date": day.isoformat(), "source": name, "what": ", ".join(names), "state": state})
    return sorted(rows, key=lambda row: (row["date"], row["source"], row["state"]))


def latest_file(settings: Settings, plan: Plan, dataset: str, key: str) -> Path:
    """The file of a dataset's latest release.

    Raises:
        NotReleasedError: there is no release yet, or it has no such file.
    """
    with reader(settings.home, settings.memory) as connection:
        releases = ledger.releases(connection, dataset)
    if not releases:
        raise NotReleasedError(f"{dataset} has no release yet: run `opendistrict nightly` first")
    file = releases[-1].file(key)
    if file is None:
        raise NotReleasedError(f"{dataset} {releases[-1].version} has no {key} file: it has too many rows for one")
    return settings.home.releases / dataset / releases[-1].version / file.name
