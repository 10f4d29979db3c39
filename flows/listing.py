"""What stands in a home, for people and programs that ask: sources, datasets, status, windows, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.declared import Declared
from flows.settings import Settings
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.ledger import Verdict
from warehouse.store import reader

if TYPE_CHECKING:
    from flows.steps import Plan


class NotReleasedError(LookupError):
    """A dataset has no release, or not in that format."""


class NoHomeError(FileNotFoundError):
    """There is nothing of ours where the home should be."""


def standing(settings: Settings) -> Settings:
    """The settings, where their home exists: to a command that only looks, a mistyped one is not an empty one.

    Raises:
        NoHomeError: the folder is missing, or nothing of ours is in it.
    """
    home = settings.home
    if not any(path.exists() for path in (home.warehouse, home.raw, home.inbox)):
        raise NoHomeError(
            f"there is no home at {home.root}: run `opendistrict nightly` first, or name another one with --home"
            " or OPENDISTRICT_HOME"
        )
    return settings


def list_sources(settings: Settings, plan: Declared) -> list[dict[str, Any]]:
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
                    "data_of": good[-1].data_date.isoformat() if good else None,
                    "rows": sum(t.accepted for t in good[-1].tables.values()) if good else None,
                    "verdict": records[-1].verdict.value if records else None,
                    "last_look": last_look(settings, source.name),
                }
            )
    return rows


def last_look(settings: Settings, source: str) -> str | None:
    """When the source was last looked at, as ISO 8601 in UTC: also when nothing had changed."""
    noted = Archive(settings.home, source).folder / "origins.json"
    if not noted.exists():
        return None
    return in_utc(datetime.fromtimestamp(noted.stat().st_mtime, UTC))


def in_utc(moment: datetime) -> str:
    """A moment as ISO 8601 with its zone, to the second. The ledger keeps UTC without saying so."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="seconds")


def list_datasets(settings: Settings, plan: Declared) -> list[dict[str, Any]]:
    """A row a dataset: what it is, and its latest release."""
    from warehouse.curate import load_model  # imports sqlglot

    rows = []
    with reader(settings.home, settings.memory) as connection:
        for dataset in plan.datasets.values():
            releases = ledger.releases(connection, dataset.name)
            latest = releases[-1] if releases else None
            rows.append(
                {
                    "dataset": dataset.name,
                    "title": dataset.entry.title,
                    "sources": ", ".join(sorted(load_model(dataset.stem).sources)),
                    "latest": latest.version if latest else None,
                    "rows": latest.rows if latest else None,
                    "releases": len(releases),
                }
            )
    return rows


def read_status(settings: Settings, plan: Declared) -> dict[str, Any]:
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
                    "data_of": newest.data_date.isoformat(),
                    "stale_since": good[-1].data_date.isoformat() if is_held and good else None,
                    "why": worst[0].message if worst else "",
                    "what_to_do": worst[0].help if worst else "",
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
                        "data_of": stamp,
                        "stale_since": releases[-1].version if releases else None,
                        "why": worst[0].message if worst else "",
                        "what_to_do": worst[0].help if worst else "",
                    }
                )
    last = runs[-1] if runs else None
    report = settings.home.reports / last.run_id / "index.html" if last else None
    return {
        "home": str(settings.home.root),
        "last_run": last.run_id if last else None,
        "last_run_finished": in_utc(last.finished_at) if last and last.finished_at else None,
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
    from flows.night import NightRequest, request_checked
    from sources.pulling import dated_files

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
        for day, files in dated_files(Path(origin), first, last) if origin and Path(origin).is_dir() else ():
            names = ", ".join(file.name for file in files)
            rows.append({"date": day.isoformat(), "source": name, "what": names, "state": "to take in"})
    return sorted(rows, key=lambda row: (row["date"], row["source"], row["state"]))


def latest_file(settings: Settings, dataset: str, key: str) -> Path:
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
