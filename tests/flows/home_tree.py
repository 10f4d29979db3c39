"""What stands in a home, for comparing homes."""

import hashlib
from pathlib import Path

import duckdb


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its time of change and inode: a file written again differs, even with equal bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def results(home: Path) -> dict[str, object]:
    """What a run leaves for others: archive, releases, portal, reports, and the rows of the warehouse.

    Left out is what tells when and where a run ran: the ledger's times, the archive's and the portal's memory of
    file times.
    """
    found: dict[str, object] = {
        f"{part}/{name}": digest
        for part in ("raw", "releases", "made_of", "portal", "outbox")
        for name, digest in files(home / part).items()
        if not name.endswith(("origins.json", ".portal.json"))
    }
    for page in sorted(home.glob("reports/*/*.html")):  # a report names its portal, which is in the home
        found[str(page.relative_to(home))] = page.read_text().replace(str(home), "HOME")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema IN ('history', 'curated', 'ledger') AND table_type = 'BASE TABLE' ORDER BY ALL"
        ).fetchall()
        for schema, table in tables:
            relation = f'{schema}."{table}"'
            if table == "runs":
                relation = "(SELECT run_id, kind, day, finished_at IS NOT NULL AS is_whole FROM ledger.runs) AS r"
            rows = connection.execute(f"SELECT * FROM {relation}").fetchall()
            found[f"{schema}.{table}"] = sorted(map(repr, rows))
    return found
