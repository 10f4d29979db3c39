"""What stands in a home, for people and programs that ask: sources, datasets, status, windows, files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cadence import lateness
from flows.calendar import today
from flows.declarations import Declarations
from flows.settings import Settings
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.home import NoHomeError
from warehouse.ledger import Said, SnapshotRecord, Verdict
from warehouse.releases import NotReleasedError
from warehouse.store import reader

if TYPE_CHECKING:
    from flows.run import Run


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


def list_sources(settings: Settings, declared: Declarations, day: date | None = None) -> list[dict[str, Any]]:
    """A row a source: what it is, its last good data, and what the newest look at it came to."""
    rows = []
    with reader(settings.home, settings.memory) as connection:
        said = ledger.last_said(ledger.runs(connection, settings.home), "sources")
        for source in declared.sources.values():
            records = ledger.snapshots(connection, source.name)
            good = [s for s in records if s.is_promoted]
            newest = _spoken_of(records, said.get(source.name))
            due = source.due(max(s.data_date for s in records)) if records else None
            rows.append(
                {
                    "source": source.name,
                    "title": source.title,
                    "cadence": source.cadence,
                    "licence": source.licence.id,
                    "data_of": good[-1].data_date.isoformat() if good else None,
                    "rows": sum(t.accepted for t in good[-1].tables.values()) if good else None,
                    "verdict": newest.verdict.value if newest else None,
                    "state": _state_of(declared, records, said.get(source.name), day or today()),
                    "due_by": due.isoformat() if due else None,
                    "last_look": last_look(settings, source.name),
                }
            )
    return rows


def _spoken_of(records: Sequence[SnapshotRecord], said: Said | None) -> SnapshotRecord | None:
    """The snapshot that the newest look found; in a home of before looks were noted, the newest one judged."""
    found = [s for s in records if said and s.snapshot_id == said.what]
    return found[0] if found else records[-1] if records else None


def _state_of(declared: Declarations, records: Sequence[SnapshotRecord], said: Said | None, day: date) -> str:
    """How a source stands, in a word: good, partial, held, failed, late or waiting."""
    newest = _spoken_of(records, said)
    if said and said.state == "failed":
        return "failed"
    if newest is None:
        return "waiting"
    if newest.verdict is Verdict.HELD:
        return "held"
    if said and said.is_awaited and lateness(declared.sources, day, records):
        return "late"
    return "partial" if newest.verdict is Verdict.PARTIAL else "good"


def last_look(settings: Settings, source: str) -> str | None:
    """When the source was last looked at, as ISO 8601 in UTC: also when nothing had changed."""
    noted = Archive(settings.home, source).folder / "origins.json"
    if not noted.exists():
        return None
    return in_utc(datetime.fromtimestamp(noted.stat().st_mtime, UTC))


def in_utc(moment: datetime) -> str:
    """A moment as ISO 8601 with its zone, to the second. The ledger keeps UTC without saying so."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="seconds")


def list_datasets(settings: Settings, declared: Declarations) -> list[dict[str, Any]]:
    """A row a dataset: what it is, whether it is released or why it is held back, and its latest release."""
    rows = []
    with reader(settings.home, settings.memory) as connection:
        for dataset in declared.datasets.values():
            releases = ledger.releases(connection, dataset.name)
            latest = releases[-1] if releases else None
            rows.append(
                {
                    "dataset": dataset.name,
                    "title": dataset.entry.title,
                    "sources": ", ".join(sorted(declared.models[dataset.name].sources)),
                    "state": _dataset_state(declared, dataset.name, is_released=latest is not None),
                    "why": declared.held_back.get(dataset.name),
                    "latest": latest.version if latest else None,
                    "rows": latest.rows if latest else None,
                    "releases": len(releases),
                }
            )
    return rows


def _dataset_state(declared: Declarations, name: str, *, is_released: bool) -> str:
    return "held back" if name in declared.held_back else "released" if is_released else "waiting"


def read_status(settings: Settings, declared: Declarations, day: date | None = None) -> dict[str, Any]:
    """The last run, and whatever failed, is held, late or stale since: until a later run mends it, and no longer.

    Args:
        settings: where the home is.
        declared: what is declared.
        day: the day by which a source is late; today unless given.
    """
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
        looks, builds = ledger.last_said(runs, "sources"), ledger.last_said(runs, "datasets")
        wrong = []
        for name in declared.sources:
            records = ledger.snapshots(connection, name)
            wrong += _wrong_source(connection, declared, name, records, looks.get(name), day or today())
        for name in declared.datasets:
            wrong += _wrong_dataset(connection, name, builds.get(name))
        shown = {k: v for k, v in ledger.last_said(runs, "portal").items() if k in declared.datasets}
        for name, said in shown.items():
            if said.is_wrong:
                state = "held" if said.state == "held" else "not published"
                wrong.append(_line(f"{name} on {said.what}", state, None, None, said.message))
        allowed = _allowed(connection, declared)
    last = runs[-1] if runs else None
    if last and last.error:
        wrong.insert(
            0, _line(f"run {last.run_id}", "stopped", None, None, last.error, "Run the same command again.")
        )
    reports = (settings.home.reports / run.run_id / "index.html" for run in reversed(runs))
    return {
        "home": str(settings.home.root),
        "last_run": last.run_id if last else None,
        "last_run_finished": in_utc(last.finished_at) if last and last.finished_at else None,
        "report": next((str(page) for page in reports if page.exists()), None),
        "last_look": {name: last_look(settings, name) for name in declared.sources},
        "held": wrong,
        "edited_by_hand": [
            {"what": f"{name} on {said.what}", "why": said.message}
            for name, said in shown.items()
            if said.state == "published" and said.message
        ],
        "allowed": allowed,
        "needs_attention": bool(wrong),
    }


def _allowed(connection: ledger.Connection, declared: Declarations) -> list[dict[str, Any]]:
    """What somebody let happen on the portal, of the versions that are the latest now."""
    latest = {name: ledger.releases(connection, name)[-1:] for name in declared.datasets}
    return [
        {
            "dataset": one.dataset,
            "what": one.what,
            "version": one.version,
            "run": one.run_id,
            "when": in_utc(one.at),
        }
        for one in ledger.allowances(connection)
        if one.version in {release.version for release in latest.get(one.dataset, ())}
    ]


def _line(
    what: str, state: str, data_of: str | None, stale_since: str | None, why: str, what_to_do: str = ""
) -> dict[str, Any]:
    return {
        "what": what,
        "state": state,
        "data_of": data_of,
        "stale_since": stale_since,
        "why": why,
        "what_to_do": what_to_do,
    }


def _wrong_source(
    connection: ledger.Connection,
    declared: Declarations,
    name: str,
    records: Sequence[SnapshotRecord],
    said: Said | None,
    day: date,
) -> list[dict[str, Any]]:
    """What is wrong with a source, by its newest look and by the calendar: a line, or none."""
    state = _state_of(declared, records, said, day)
    newest = _spoken_of(records, said)
    good = [s for s in records if s.is_promoted]
    data_of = newest.data_date.isoformat() if newest else None
    stale = good[-1].data_date.isoformat() if good else None
    if state == "failed" and said:
        return [_line(name, state, data_of, stale, said.message)]
    if state in ("held", "partial") and newest:
        worst = ledger.findings(connection, name, newest.snapshot_id, limit=1)
        quarantined = sum(t.quarantined for t in newest.tables.values())
        words = f"{quarantined} rows in quarantine" if state == "partial" and quarantined else state
        why, help = (worst[0].message, worst[0].help) if worst else ("", "")
        lines = [_line(name, words, data_of, stale if state == "held" else None, why, help)]
        ours = ledger.ours_in_words(connection, name, newest.snapshot_id)
        return lines + ([_line(name, "look at it", data_of, None, ours)] if ours else [])
    if state == "late" and (late := lateness(declared.sources, day, records)):
        return [_line(name, state, data_of, stale, late[1])]
    if said and said.is_wrong and said.state == "good":
        return [_line(name, "look at it", data_of, stale, said.message)]
    return []


def _wrong_dataset(connection: ledger.Connection, name: str, said: Said | None) -> list[dict[str, Any]]:
    """What is wrong with a dataset, as the newest run said or, in an older home, as the ledger has it."""
    releases = ledger.releases(connection, name)
    stale = releases[-1].version if releases else None
    if said and said.state == "failed":
        return [_line(name, said.state, None, stale, said.message)]
    curations = ledger.curations(connection, name)
    if not curations or curations[-1].verdict is not Verdict.HELD:
        return []
    stamp = curations[-1].data_date.isoformat()
    worst = ledger.findings(connection, name, stamp, limit=1)
    why, help = (worst[0].message, worst[0].help) if worst else ("", "")
    return [_line(name, "held", stamp, stale, why, help)]


def list_windows(run: Run, first: date, last: date) -> list[dict[str, Any]]:
    """A row a window of a backfill: its date, what is there for it, and whether it is done."""
    from flows.backfill import windows
    from sources.local_files import dated_files
    from sources.naming import missing_parts

    run = run.checked()
    rows = [
        {
            "date": window.day.isoformat(),
            "source": snapshot.source,
            "what": snapshot.id,
            "state": "done" if window.done else "to do",
        }
        for window in windows(run, first, last)
        for snapshot in window.snapshots
    ]
    for name, origin in run.request.sources.items():
        pattern = run.declarations.sources[name].file_names
        folder = Path(origin) if origin and Path(origin).is_dir() else None
        for day, files in dated_files(folder, first, last, pattern) if folder else ():
            names = [file.name for file in files]
            missing = ", ".join(str(number) for number in missing_parts(names))
            state = f"to take in, but for part {missing}, which is missing" if missing else "to take in"
            rows.append({"date": day.isoformat(), "source": name, "what": ", ".join(names), "state": state})
    return sorted(rows, key=lambda row: (row["date"], row["source"], row["state"]))


_BESIDE = ("changes", "datapackage")  # files of a release that are not its rows


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
        there = ", ".join(one.key for one in releases[-1].files if one.key not in _BESIDE)
        raise NotReleasedError(f"{dataset} {releases[-1].version} has no {key} file; it has: {there}")
    return settings.home.releases / dataset / releases[-1].version / file.name


def suite_documents(settings: Settings, subject: str) -> dict[str, dict[str, Any]]:
    """What Great Expectations said of a source's newest snapshot, or of a dataset's newest build, by table.

    Raises:
        NotReleasedError: nothing was checked yet; tables about people have no account.
    """
    with reader(settings.home, settings.memory) as connection:
        snapshots = ledger.snapshots(connection, subject)
        curations = ledger.curations(connection, subject)
        newest = snapshots[-1].snapshot_id if snapshots else ""
        if curations:
            newest = curations[-1].data_date.isoformat()
        found = ledger.suites(connection, subject, newest)
    if not found:
        raise NotReleasedError(
            f"of {subject} no account of a check is kept: nothing was checked yet, or it is of people"
        )
    return found
