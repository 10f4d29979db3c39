"""How fast a dataset's table gets into a CKAN, and how fast a change of one row in a hundred does.

    python -m benchmarks.publish [--rows 100000] [--repeat 1]

All of it against the CKAN of ``dev/ckan`` on the same machine in one run, so what counts are the ratios: our first
load against ``datastore_upsert`` in a loop, against ckanext-xloader (start the CKAN with
``DEVCKAN_PACKAGES=ckanext-xloader``; its job's loading of a CSV file, in which every column is text and none is a
key: until its rows can be read, and until its search has its index, as ours has from the start), and against
PostgreSQL's own COPY, into a bare table and into one as CKAN makes them, with the trigger and the index of its
search. The change: six of ten rows in it change, two go, two come.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "dev" / "ckan"
TYPES = ("string", "integer", "number", "date", "boolean")
COLUMNS = 20
CHUNK_ROWS = 5_000
OTHERS = ("datastore_upsert in a loop", "xloader, readable", "xloader, indexed", "COPY into a table as CKAN's")

XLOADER = """
import logging, sys, time
from ckan.cli import load_config
from ckan.config.middleware import make_app
ini, path, rid = sys.argv[1:]
app = make_app(load_config(ini))
from ckanext.xloader import loader
from ckan import model
with app._wsgi_app.test_request_context():
    log = logging.getLogger("x")
    started = time.perf_counter()
    fields = loader.load_csv(path, rid, mimetype="text/csv", logger=log)
    loader.calculate_record_count(resource_id=rid, logger=log)
    print("xloader, readable", time.perf_counter() - started)
    loader.create_column_indexes(fields=fields, resource_id=rid, logger=log)
    print("xloader, indexed", time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Server:
    """The CKAN of this machine: its address, a token, its state's folder and its DataStore's address."""

    url: str
    token: str
    state: Path
    datastore: str

    @staticmethod
    def started() -> Server:
        """It, started if it does not run."""
        told = subprocess.run([str(SCRIPTS / "up.sh")], check=True, capture_output=True, text=True)
        printed = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
        ini = re.search(r"CKAN_INI=(\S+)", told.stderr)
        if ini is None:
            raise SystemExit("dev/ckan/up.sh does not say where its ini file is")
        state = Path(ini[1]).parent
        address = re.search(r"^ckan\.datastore\.write_url = (.*)$", Path(ini[1]).read_text(), re.MULTILINE)
        return Server(printed["CKAN_TEST_URL"], printed["CKAN_TEST_TOKEN"], state, address[1] if address else "")


class Bench:
    """Two releases of a dataset, and a CKAN with a dataset for them that has no table yet."""

    def __init__(self, server: Server, folder: Path, rows: int) -> None:
        from publish.portals.ckan.client import Client
        from publish.portals.ckan.wanted import wanted_dataset

        self.server, self.folder, self.rows = server, folder, rows
        self.client = Client(server.url, server.token)
        self.name = f"bench-{uuid.uuid4().hex[:8]}"
        first, second = _releases(folder, self.name, rows)
        self.first = wanted_dataset(first, server.url)
        self.second = wanted_dataset(second, server.url)
        self.csv = next(file.path for file in self.first.files.values() if file.key == "csv")

    @contextmanager
    def dataset(self) -> Iterator[None]:
        """Have the dataset and its organisation for a while."""
        self.client.call("organization_create", {"name": self.name})
        described = [{"id": rid, "url": "", "name": rid} for rid in self.first.resources]
        made = self.client.call(
            "package_create",
            {"name": self.name, "owner_org": self.name, "private": True, "resources": described},
        )
        try:
            yield
        finally:
            self.drop()
            self.client.call("dataset_purge", {"id": made["id"]})
            self.client.call("organization_purge", {"id": self.name})

    def drop(self) -> None:
        """Have no table."""
        call = {"resource_id": self.first.table_id, "force": True}
        if self.client.call("datastore_info", {"id": self.first.table_id}, missing_ok=True):
            self.client.call("datastore_delete", call)

    # --- what is measured -----------------------------------------------------------------------------

    def load(self, wanted: Any, datastore: str) -> None:
        """Bring the table to a release, as a night does it: read, compared, tried, written, read back."""
        from publish.portals.ckan.table import prepared, read_table, table_change
        from warehouse.progress import silent

        table = read_table(self.client, wanted, {}, datastore)
        kind = table_change(wanted, table, lambda *told: None)
        if not kind:
            return
        with prepared(self.client, wanted, table, kind, datastore) as change:
            change.rehearse(silent)
            change.begin()
            change.write(silent)

    def plain_upserts(self) -> None:
        """What a script does: ``datastore_create``, then ``datastore_upsert`` until the rows are in."""
        import pyarrow.parquet as pq

        table = {"resource_id": self.first.table_id, "force": True}
        fields = [{"id": column["id"], "type": column["type"]} for column in self.first.columns]
        self.client.call("datastore_create", {**table, "fields": fields, "primary_key": ["c1"]})
        parquet = next(file.path for file in self.first.files.values() if file.key == "parquet")
        for batch in pq.ParquetFile(parquet).iter_batches(CHUNK_ROWS):
            records = [
                {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in row.items()}
                for row in batch.to_pylist()
            ]
            self.client.call("datastore_upsert", {**table, "records": records})

    def xloader(self) -> dict[str, float]:
        """The seconds of ckanext-xloader by how far it is; empty where it is not installed."""
        python = self.server.state / "venv" / "bin" / "python"
        found = subprocess.run([str(python), "-c", "import ckanext.xloader"], check=False, capture_output=True)
        if found.returncode:
            return {}
        ini = self.folder / "xloader.ini"
        text = (self.server.state / "ckan.ini").read_text()
        text = re.sub(r"(?m)^(ckan\.plugins = .*)$", r"\1 xloader", text)
        ini.write_text(
            f"{text}\n[app:xloader]\n".replace("[app:main]", "[app:main]\nckanext.xloader.api_token = x")
        )
        command = [str(python), "-c", XLOADER, str(ini), str(self.csv), self.first.table_id]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        seconds = re.findall(r"^xloader, (\w+) ([\d.]+)$", done.stdout, re.MULTILINE)
        if done.returncode:
            print(f"xloader failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {f"xloader, {step}": float(taken) for step, taken in seconds}

    def bare_copy(self, *, as_ckan: bool) -> None:
        """PostgreSQL's COPY of the CSV file, into a table of its own."""
        import psycopg

        columns = ", ".join(f"{column['id']} {column['type']}" for column in self.first.columns)
        names = ", ".join(str(column["id"]) for column in self.first.columns)
        with psycopg.connect(self.server.datastore) as connection, self.csv.open("rb") as file:
            if as_ckan:
                connection.execute(
                    f"CREATE TEMP TABLE bare (_id serial PRIMARY KEY, _full_text tsvector, {columns})"
                )
                connection.execute(
                    "CREATE TRIGGER zfulltext BEFORE INSERT OR UPDATE ON bare"
                    " FOR EACH ROW EXECUTE PROCEDURE populate_full_text_trigger()"
                )
            else:
                connection.execute(f"CREATE TABLE bare ({columns})")
            with connection.cursor().copy(f"COPY bare ({names}) FROM STDIN (FORMAT csv, HEADER true)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
            if as_ckan:
                connection.execute("CREATE UNIQUE INDEX ON bare (c1)")
                connection.execute("CREATE INDEX ON bare USING gist (_full_text)")
            connection.execute("DROP TABLE bare")


def _releases(folder: Path, name: str, rows: int) -> tuple[Any, Any]:
    """Two versions of a dataset: so many rows, and one in a hundred of them otherwise."""
    import duckdb

    from publish.release import Draft, desired_dataset, make_release
    from warehouse.declarations import CatalogueEntry, parse, resolve_dataset
    from warehouse.home import Home
    from warehouse.releases import Release, SnapshotUse

    fields = [{"name": f"c{n}", "title": f"Column {n}", "type": TYPES[n % 5]} for n in range(COLUMNS)]
    entry = {
        "name": name, "title": "Bench", "description": "Rows.", "each_row_is_a": "row", "keywords": ["bench"],
        "publisher": {"name": name, "title": "Bench"}, "contact": {"name": "Bench", "email": "b@bench.example"},
        "licence": "CC-BY-4.0", "attribution": "Bench", "theme": "REGI", "frequency": "DAILY",
        "district": "kalasatama", "primaryKey": ["c1"], "fields": fields,
    }  # fmt: skip
    dataset = resolve_dataset(parse(CatalogueEntry, entry, "bench"), {}, "bench")
    values = {
        "string": "'row ' || i || ' of column {n}'", "integer": "i * 20 + {n}", "number": "i / 4.0",
        "date": "DATE '2020-01-01' + CAST(i % 2000 AS INTEGER)", "boolean": "i % 3 = 0",
    }  # fmt: skip
    columns = ", ".join(f"{values[TYPES[n % 5]].format(n=n)} AS c{n}" for n in range(COLUMNS))
    home, made = Home(folder), list[Release]()
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA curated")
        gone, came = rows // 500, rows
        for month, query in enumerate(
            (
                f"SELECT {columns} FROM range({rows}) AS r(i)",
                f"SELECT * REPLACE (CASE WHEN (c1 - 1) // 20 % 166 = 7 THEN 'other' ELSE c0 END AS c0) FROM"
                f" (SELECT {columns} FROM range({gone}, {came + gone}) AS r(i))",
            )
        ):
            connection.execute(f"CREATE OR REPLACE TABLE curated.bench AS {query}")
            day = dt.date(2026, 1 + month, 1)
            draft = Draft(dataset, "curated.bench", day, tuple(made), [SnapshotUse("b", f"{day}-a", day)])
            release = make_release(connection, draft, home)
            if release is None:
                raise SystemExit("no release")
            made.append(release)
    return desired_dataset(dataset, made[0], made[:1], home), desired_dataset(dataset, made[1], made, home)


def _timed(what: str, step: Callable[[], object], figures: dict[str, float]) -> None:
    started = time.perf_counter()
    step()
    _note(what, time.perf_counter() - started, figures)


def _note(what: str, seconds: float, figures: dict[str, float]) -> None:
    figures[what] = min(seconds, figures.get(what, seconds))
    print(f"{what:<44}{seconds:>9.2f} s", flush=True)


def _measure(bench: Bench, figures: dict[str, float]) -> None:
    server = bench.server
    _timed("COPY into a bare table", lambda: bench.bare_copy(as_ckan=False), figures)
    _timed("COPY into a table as CKAN's", lambda: bench.bare_copy(as_ckan=True), figures)
    for route, datastore in (("COPY", server.datastore), ("API", "")):
        bench.drop()
        _timed(f"first load, {route}", lambda at=datastore: bench.load(bench.first, at), figures)
        _timed(f"change of 1 %, {route}", lambda at=datastore: bench.load(bench.second, at), figures)
        _timed(f"nothing to do, {route}", lambda at=datastore: bench.load(bench.second, at), figures)
    bench.drop()
    _timed("datastore_upsert in a loop", bench.plain_upserts, figures)
    bench.drop()
    for what, seconds in bench.xloader().items():
        _note(what, seconds, figures)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=1, help="the best of so many counts")
    given = parser.parse_args()
    server = Server.started()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="opendistrict-bench-") as folder:
        bench = Bench(server, Path(folder), given.rows)
        size = bench.csv.stat().st_size / 1e6
        print(f"{given.rows:,} rows of {COLUMNS} columns, {size:,.0f} MB of CSV; on {server.url}")
        with bench.dataset():
            for _ in range(given.repeat):
                _measure(bench, figures)
    for route in ("COPY", "API"):
        first = figures[f"first load, {route}"]
        against = ", ".join(f"{first / figures[other]:.2f} x {other}" for other in OTHERS if other in figures)
        change = figures[f"change of 1 %, {route}"]
        faster = ", ".join(
            f"{figures[other] / change:.0f} x {other}"
            for other in (f"first load, {route}", *OTHERS)
            if other in figures
        )
        print(f"{route}: first load takes {against}\n      a change of 1 % is faster than a load of all: {faster}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
