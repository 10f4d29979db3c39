"""How long the register takes, against DuckDB's bare read of the same CSV.

    python -m benchmarks.register [--rows 500000] [--repeat 3] [--file FILE.csv]

Each measurement runs in a process of its own; the best of its repeats counts, for other work on the machine only
ever makes it slower. Processor seconds are the steadier figure. To measure a further step, write a function that
takes ``(csv, home)`` and decorate it with ``step``; steps run in the order they stand here and share the home.
"""

from __future__ import annotations

import importlib
import sys
from datetime import date
from pathlib import Path

from benchmarks.measuring import Steps

DAY = date(2026, 1, 1)
step = Steps("benchmarks.register")


@step
def bare_read(csv: Path, home: Path) -> None:
    """DuckDB's own: CREATE TABLE AS SELECT * FROM read_csv, typed, with the dialect given."""
    import duckdb

    from sources import declarations

    columns = ", ".join(
        f"'{field.name}': '{field.duckdb_type}'" for field in declarations()["companies_house"].tables[0].fields
    )
    path = home / "bare.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config={"memory_limit": "4GB"}) as connection:
        connection.execute(
            f"CREATE TABLE companies AS SELECT * FROM read_csv('{csv}', auto_detect=false, header=true, delim=',',"
            f" quote='\"', escape='\"', dateformat='%d/%m/%Y', columns={{{columns}}})"
        )


@step
def imports(csv: Path, home: Path) -> None:
    """What it costs to start: dlt and what it brings along. Part of ``pull_and_stage``."""
    for module in ("dlt", "dlt.destinations", "pyarrow"):
        importlib.import_module(module)


@step
def pull(csv: Path, home: Path) -> None:
    """Into a new archive: a copy and a checksum."""
    _pull(csv, home, fresh=True)


@step
def stage_only(csv: Path, home: Path) -> None:
    """From the archive, as ``pull`` left it, to a staging file; with the imports."""
    import shutil

    from sources import declarations, package
    from sources.loading import stage
    from warehouse.home import Home

    shutil.rmtree(home / "staging", ignore_errors=True)
    declaration = declarations()["companies_house"]
    stage(declaration, _pull(csv, home, fresh=False), Home(home), package(declaration).read)


@step
def pull_and_stage(csv: Path, home: Path) -> None:
    """All of it, from a file in a folder to a staging file."""
    from sources import declarations, package
    from sources.loading import stage
    from warehouse.home import Home

    snapshot = _pull(csv, home, fresh=True)
    declaration = declarations()["companies_house"]
    stage(declaration, snapshot, Home(home), package(declaration).read)


@step
def check_and_load(csv: Path, home: Path) -> None:
    """From the staging file, as the step before left it, to the warehouse: checks, quarantine, history."""
    _to_warehouse(csv, home, fresh=False)


@step
def pull_to_warehouse(csv: Path, home: Path) -> None:
    """All of it, from a file in a folder to the warehouse, with the imports."""
    _to_warehouse(csv, home, fresh=True)


def _to_warehouse(csv: Path, home: Path, *, fresh: bool) -> None:
    from flows import steps
    from flows.run import Direct, Run, RunRequest
    from flows.settings import Settings
    from warehouse.home import Home
    from warehouse.lease import Lease
    from warehouse.store import working_copy

    (home / "warehouse.duckdb").unlink(missing_ok=True)
    snapshot = _pull(csv, home, fresh=fresh)
    with Direct() as runner:
        run = Run(Settings(Home(home), portal=""), RunRequest(DAY, {}), runner)
        judged = steps.check(run, snapshot, steps.stage(run, snapshot), {})
    place = run.settings.home
    with Lease(place, "benchmark") as lease, working_copy(place, lease) as copy:
        steps.load(run, copy, judged, "benchmark")
        copy.commit()


def _pull(csv: Path, home: Path, *, fresh: bool):  # noqa: ANN202
    import shutil

    from sources import PullRequest, declarations, package
    from warehouse.home import Home

    if fresh:
        shutil.rmtree(home / "raw", ignore_errors=True)
        shutil.rmtree(home / "staging", ignore_errors=True)
    declaration = declarations()["companies_house"]
    return package(declaration).pull(PullRequest(Home(home), declaration, str(csv), DAY))


def _generate(csv: Path, rows: int) -> None:
    from dev.synthetic_register import write_csv

    with csv.open("wb") as file:
        write_csv(file, rows, DAY, 1)


if __name__ == "__main__":
    sys.exit(step.main(__doc__ or "", "register.csv", _generate))
