"""A warehouse made anew from the raw archive gives the same releases; a home of an older version is taken over."""

import json
import shutil
from datetime import date

import duckdb
import pytest

from dev.synthetic_register import write_register
from flows import rebuild
from flows.cli import main
from flows.declarations import Declarations
from flows.listing import list_sources, read_status
from flows.outcomes import DONE
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from flows.withdrawing import Target, withdraw
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files
from warehouse import ledger
from warehouse.store import reader

MONTHS = [date(2026, 10, 1), date(2026, 11, 1)]
DAY = date(2026, 11, 3)


@pytest.fixture(scope="module")
def plan():
    return Declarations.read()


@pytest.fixture
def settings(tmp_path):
    return nights.settings_of(tmp_path / "home")


def run(settings, origins, day, allow_shrink=(), datasets=nights.FEW):
    return nights.run(settings, day, origins, datasets, tuple(allow_shrink))


def pilots(path, count):
    rows = [factory.pilot(number) for number in range(1, count + 1)]
    return factory.save(path, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})


def ledger_of(settings, plan):
    with reader(settings.home) as connection:
        releases = {name: ledger.releases(connection, name) for name in plan.datasets}
        standing = {name: [s.snapshot_id for s in ledger.promoted(connection, name)] for name in plan.sources}
        verdicts = {s.snapshot_id: (s.verdict, s.is_promoted) for s in ledger.snapshots(connection)}
        return releases, standing, verdicts


def history_of(settings):
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'history' ORDER BY ALL"
        ).fetchall()
        return {
            name: sorted(map(repr, connection.execute(f"SELECT * FROM history.{name}").fetchall()))
            for (name,) in tables
        }


@pytest.fixture
def lived(settings, tmp_path):
    """A home with months of a register, one of them half gone and allowed, and two workbooks of one day."""
    for day in MONTHS:
        rows = 600 if day != MONTHS[1] else 200
        (file,) = write_register(tmp_path, rows=rows, day=day, seed=7, zipped=True)
        allowed = ["companies_house", "tech-city-companies", "tech-city-growth"] if rows == 200 else []
        assert run(settings, {"companies_house": file}, day, allowed, nights.ALL).exit_code == DONE
    for name, count in (("a.xlsx", 12), ("b.xlsx", 14)):
        run(settings, {"agile_pilots": pilots(tmp_path / name, count)}, DAY, datasets=nights.ALL)
    return settings


@pytest.fixture(scope="module")
def first_night(tmp_path_factory):
    """A home after one night with a workbook, which is quickly made anew."""
    folder = tmp_path_factory.mktemp("first")
    run(nights.settings_of(folder / "home"), {"agile_pilots": pilots(folder / "a.xlsx", 12)}, DAY, (), nights.ALL)
    return folder


@pytest.fixture
def young(first_night, settings):
    """A copy of that home."""
    shutil.copytree(first_night / "home", settings.home.root)
    return settings


def rebuilt(settings):
    with Direct() as runner:
        return rebuild_warehouse(Run(settings, RunRequest(DAY, {}), runner))


@pytest.mark.prove
def test_a_rebuilt_warehouse_gives_the_same_releases_and_versions_go_on(lived, plan, tmp_path):
    released, published = files(lived.home.releases), files(lived.home.portal)
    before, history = ledger_of(lived, plan), history_of(lived)
    lived.home.warehouse.write_bytes(b"not a database")
    done = rebuilt(lived)
    assert done.outcome.exit_code == DONE
    assert (done.snapshots, done.releases, done.refused) == (4, len([*lived.home.releases.glob("*/*")]), {})
    assert files(lived.home.releases) == released
    assert ledger_of(lived, plan) == before
    assert history_of(lived) == history
    assert done.kept.read_bytes() == b"not a database"
    assert not list(lived.home.temporary.glob("*"))
    assert read_status(lived, plan, DAY)["last_run"] == done.outcome.run_id
    quiet = run(lived, {"agile_pilots": tmp_path / "b.xlsx"}, DAY, datasets=nights.ALL)
    assert (quiet.exit_code, quiet.portal.writes) == (DONE, 0)
    assert files(lived.home.portal) == published
    versions = {one.version for one in before[0]["agile-pilots"]}
    more = run(lived, {"agile_pilots": pilots(tmp_path / "c.xlsx", 16)}, DAY)
    assert more.datasets[0].state == "released"
    assert more.datasets[0].version not in versions


def test_a_warehouse_that_is_gone_is_made_anew_and_none_is_kept(young):
    released = files(young.home.releases)
    young.home.warehouse.unlink()
    done = rebuilt(young)
    assert (done.outcome.exit_code, done.refused, done.kept) == (DONE, {}, None)
    assert files(young.home.releases) == released


def test_a_rebuild_that_breaks_off_changes_nothing(young, monkeypatch):
    young.home.warehouse.write_bytes(b"not a database")
    before = files(young.home.root)

    def break_off(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(rebuild, "process", break_off)
    with pytest.raises(KeyboardInterrupt):
        rebuilt(young)
    assert files(young.home.root) == before


def test_what_was_withdrawn_does_not_come_back(young, plan):
    text = factory.pilot(2)["Description"]
    target = Target(plan.datasets["agile-pilots"], {"pilot_id": "demo-2"}, "description")
    withdraw(young, plan, target, "asked for by the pilot")
    released = files(young.home.releases)
    done = rebuilt(young)
    assert done.refused == {}
    assert files(young.home.releases) == released
    with duckdb.connect(str(young.home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "SELECT DISTINCT description FROM history.agile_pilots__pilots WHERE pilot_id = 'demo-2'"
        ).fetchall()
    assert text
    assert rows == [(None,)]


def test_the_command_makes_it_anew_and_says_where_the_old_file_is(young, capsys):
    young.home.warehouse.write_bytes(b"not a database")
    with pytest.raises(SystemExit) as ended:
        main(["rebuild-warehouse", "--home", str(young.home.root)])
    assert ended.value.code == DONE
    assert "warehouse-before-rebuild-1.duckdb" in capsys.readouterr().out.replace("\n", "")


def test_a_release_that_is_damaged_is_told_and_made_again(young):
    folder = young.home.releases / "agile-pilots" / DAY.isoformat()
    released = files(young.home.releases)
    (folder / "agile-pilots.csv").write_text("spoilt")
    done = rebuilt(young)
    assert list(done.refused) == [str(folder)]
    assert "agile-pilots.csv" in done.refused[str(folder)]
    changed = {name for name, digest in files(young.home.releases).items() if released.get(name) != digest}
    assert all(name.startswith(f"agile-pilots/{DAY}") for name in changed)


# --- a home of an older version ---------------------------------------------------------------------------


OLD_LEDGER = """
CREATE SCHEMA ledger;
CREATE TABLE ledger.runs (run_id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, day DATE NOT NULL,
    started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, request VARCHAR NOT NULL);
CREATE TABLE ledger.quarantine (snapshot_id VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL, file VARCHAR, sheet VARCHAR, row_number BIGINT, record VARCHAR NOT NULL);
CREATE TABLE ledger.snapshots (source VARCHAR, snapshot_id VARCHAR, data_date DATE NOT NULL,
    origin VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, verdict VARCHAR NOT NULL, is_promoted BOOLEAN NOT NULL,
    tables VARCHAR NOT NULL, run_id VARCHAR NOT NULL, PRIMARY KEY (source, snapshot_id));
CREATE TABLE ledger.findings (snapshot_id VARCHAR NOT NULL, finding_id VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    table_name VARCHAR, rule VARCHAR NOT NULL, severity VARCHAR NOT NULL, file VARCHAR, sheet VARCHAR,
    row_number BIGINT, column_name VARCHAR, value VARCHAR, message VARCHAR NOT NULL, help VARCHAR NOT NULL,
    row_key VARCHAR);
CREATE TABLE ledger.curations (dataset VARCHAR, data_date DATE, inputs VARCHAR NOT NULL, verdict VARCHAR NOT NULL,
    rows BIGINT NOT NULL, version VARCHAR, run_id VARCHAR NOT NULL, PRIMARY KEY (dataset, data_date));
CREATE TABLE ledger.releases (dataset VARCHAR, version VARCHAR, data_date DATE NOT NULL, manifest VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL, PRIMARY KEY (dataset, version));
INSERT INTO ledger.runs SELECT run_id, kind, day, started_at, finished_at, request FROM now.ledger.runs;
INSERT INTO ledger.quarantine SELECT * EXCLUDE (row_key) FROM now.ledger.quarantine;
"""


def make_old(home):
    """Give the home's ledger the shape it had: no notes of runs, no version, no order of runs, no row keys."""
    old = home.root / "old.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute(f"ATTACH '{home.warehouse}' AS now (READ_ONLY)")
        connection.execute(OLD_LEDGER)
        for table in ("snapshots", "findings", "curations", "releases"):
            names = ", ".join(row[0] for row in connection.execute(f"DESCRIBE ledger.{table}").fetchall())
            connection.execute(f"INSERT INTO ledger.{table} SELECT {names} FROM now.ledger.{table}")
        connection.execute("CREATE SCHEMA history")
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'now' AND schema_name = 'history'"
        ).fetchall():
            connection.execute(f"CREATE TABLE history.{name} AS SELECT * FROM now.history.{name}")
    old.replace(home.warehouse)
    for path in home.runs.iterdir():
        path.unlink()


def test_a_home_of_an_older_version_is_read_and_taken_over_without_loss(settings, plan, tmp_path):
    faulty = factory.workbook_with_one_of_each_error(tmp_path / "pilots.xlsx")
    run(settings, {"agile_pilots": faulty}, date(2026, 10, 5))
    before = ledger_of(settings, plan)
    history = {name: rows for name, rows in history_of(settings).items() if rows}
    with reader(settings.home) as connection:
        quarantined = connection.execute("SELECT record FROM ledger.quarantine ORDER BY ALL").fetchall()
    make_old(settings.home)
    content = settings.home.warehouse.read_bytes()
    # what only reads, reads it as it is
    assert ledger_of(settings, plan) == before
    assert read_status(settings, plan, DAY)["held"][0]["what"] == "agile_pilots"
    assert list_sources(settings, plan, DAY)[0]["state"] == "partial"
    assert settings.home.warehouse.read_bytes() == content
    # the first run that writes brings it up to date
    (file,) = write_register(tmp_path, rows=300, day=date(2026, 11, 1), seed=7, zipped=True)
    outcome = run(settings, {"companies_house": file}, DAY)
    assert outcome.exit_code == DONE
    after = ledger_of(settings, plan)
    assert after[0]["agile-pilots"] == before[0]["agile-pilots"]
    assert after[1]["agile_pilots"] == before[1]["agile_pilots"]
    assert {name: rows for name, rows in history_of(settings).items() if name in history} == history
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        assert ledger.lacking(connection) == []
        kept = connection.execute("SELECT record, row_key FROM ledger.quarantine ORDER BY ALL").fetchall()
        assert kept == [(record, None) for (record,) in quarantined]
    with reader(settings.home) as connection:
        assert [one.run_id for one in ledger.runs(connection, settings.home)] == ["2026-10-05.1", outcome.run_id]


def test_a_home_of_a_newer_version_is_refused_with_words(settings, tmp_path):
    run(settings, {"agile_pilots": pilots(tmp_path / "a.xlsx", 12)}, DAY)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute(f"UPDATE ledger.schema_version SET version = {ledger.SCHEMA_VERSION + 1}")
    with pytest.raises(ledger.LedgerError, match="newer opendistrict"), reader(settings.home):
        pass


def test_a_note_of_a_run_that_is_spoilt_is_a_message(settings, tmp_path):
    run(settings, {"agile_pilots": pilots(tmp_path / "a.xlsx", 12)}, DAY)
    (note,) = settings.home.runs.iterdir()
    for spoilt in ("", "[]", json.dumps({**json.loads(note.read_text()), "day": 3})):
        note.write_text(spoilt)
        with reader(settings.home) as connection, pytest.raises(ledger.LedgerError, match=note.name):
            ledger.runs(connection, settings.home)
