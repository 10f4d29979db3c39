"""How long the register takes, against DuckDB's bare read of the same CSV.

    python -m benchmarks.register [--rows 500000] [--repeat 3] [--file FILE.csv]

Each measurement runs in a process of its own; the best of its repeats counts, for other work on the machine only
ever makes it slower. Processor seconds are the steadier figure. To measure a further step, write a function that
takes ``(csv, home)`` and decorate it with ``step``; steps run in the order they stand here and share the home.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

DAY = date(2026, 1, 1)
Step = Callable[[Path, Path], None]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Make a function one of the steps that are measured, under its own name."""
    STEPS[function.__name__] = function
    return function


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
        steps.load(run.declarations, copy, judged, "benchmark")
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


def measure(name: str, csv: Path, home: Path) -> dict[str, float]:
    """Seconds, processor seconds and peak memory in MB of one step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.register", "--step", name]
    done = subprocess.run(
        [*command, "--file", str(csv), "--home", str(home)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _run_step(name: str, csv: Path, home: Path) -> None:
    started, before = time.perf_counter(), os.times()
    STEPS[name](csv, home)
    after = os.times()
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu": after.user + after.system - before.user - before.system,
        "peak_mb": used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024),
    }
    print(json.dumps(figures))


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register", description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--file", type=Path, help="a CSV made before; else one is generated")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        _run_step(given.step, given.file, given.home)
        return 0
    with tempfile.TemporaryDirectory(prefix="opendistrict-bench-") as folder:
        csv = given.file
        if csv is None:
            from dev.synthetic_register import write_csv

            csv = Path(folder) / "register.csv"
            started = time.perf_counter()
            with csv.open("wb") as file:
                write_csv(file, given.rows, DAY, 1)
            print(f"generated {given.rows:,} rows in {time.perf_counter() - started:.1f} s")
        home = Path(folder) / "home"
        home.mkdir()
        best: dict[str, dict[str, float]] = {}
        for _ in range(given.repeat):
            for name in STEPS:
                figures = measure(name, csv, home)
                known = best.setdefault(name, figures)
                best[name] = {key: min(known[key], figures[key]) for key in figures}
        bare = best["bare_read"]
        print(f"{csv.stat().st_size / 1e6:,.0f} MB; best of {given.repeat}")
        print(f"{'step':<18}{'seconds':>9}{'x bare':>8}{'cpu s':>9}{'x bare':>8}{'peak MB':>10}")
        for name, figures in best.items():
            print(
                f"{name:<18}{figures['seconds']:>9.2f}{figures['seconds'] / bare['seconds']:>8.2f}"
                f"{figures['cpu']:>9.2f}{figures['cpu'] / bare['cpu']:>8.2f}{figures['peak_mb']:>10.0f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
