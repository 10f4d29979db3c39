"""How long the Finnish register's file of everything takes, against DuckDB's bare read_json of the same file.

    python -m benchmarks.prh [--rows 500000] [--repeat 3] [--file FILE.json]

Each measurement runs in a process of its own; the best of its repeats counts, for other work on the machine only
ever makes it slower. Processor seconds are the steadier figure.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from benchmarks.measuring import Steps

DAY = date(2026, 10, 1)
step = Steps("benchmarks.prh")


@step
def bare_read(file: Path, home: Path) -> None:
    """DuckDB's own: CREATE TABLE AS SELECT * FROM read_json, with whatever columns it finds."""
    import duckdb

    path = home / "bare.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config={"memory_limit": "4GB"}) as connection:
        connection.execute(f"CREATE TABLE companies AS SELECT * FROM read_json('{file}')")


@step
def pull(file: Path, home: Path) -> None:
    """Into a new archive: a copy and a checksum."""
    _pull(file, home, fresh=True)


@step
def stage_only(file: Path, home: Path) -> None:
    """From the archive, as ``pull`` left it, to a staging file; with the imports."""
    _stage(file, home, fresh=False)


@step
def pull_and_stage(file: Path, home: Path) -> None:
    """All of it, from a file in a folder to a staging file."""
    _stage(file, home, fresh=True)


def _pull(file: Path, home: Path, *, fresh: bool):  # noqa: ANN202
    import shutil

    from sources import PullRequest, declarations, package
    from warehouse.home import Home

    shutil.rmtree(home / "staging", ignore_errors=True)
    if fresh:
        shutil.rmtree(home / "raw", ignore_errors=True)
    declaration = declarations()["prh_ytj"]
    return package(declaration).pull(PullRequest(Home(home), declaration, str(file), DAY))


def _stage(file: Path, home: Path, *, fresh: bool) -> None:
    from sources import declarations, package
    from sources.loading import stage
    from warehouse.home import Home

    declaration = declarations()["prh_ytj"]
    stage(declaration, _pull(file, home, fresh=fresh), Home(home), package(declaration).read)


def _generate(file: Path, rows: int) -> None:
    from dev.synthetic_prh import companies, write_file

    write_file(file, companies(rows, DAY, 1), DAY)


if __name__ == "__main__":
    sys.exit(step.main(__doc__ or "", "data_20261001.json", _generate))
