"""Faults of the machine and of the program: a message with what, where and what to do; nothing half done."""

import errno
import os
import shutil
import subprocess
import sys
from datetime import date

import duckdb
import pytest

from dev.synthetic_register import write_register
from flows import steps
from flows.cli import main
from flows.declarations import Declarations
from flows.errors import FaultLog, StepError, in_words
from flows.listing import read_status
from flows.outcomes import FAILED, HELD
from flows.run import Run
from flows.settings import Settings
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files
from warehouse.archive import Archive, ArchiveDamagedError
from warehouse.home import Home
from warehouse.store import WarehouseError, reader

DAY = date(2026, 11, 23)
SECRET = "matti@example.org"


@pytest.fixture
def settings(tmp_path):
    return nights.settings_of(tmp_path / "home")


@pytest.fixture
def origins(tmp_path):
    (register,) = write_register(tmp_path, rows=300, day=date(2026, 11, 1), seed=7, zipped=True)
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    return {"agile_pilots": str(workbook), "companies_house": str(register)}


def run(settings, origins, day=DAY):
    return nights.run(settings, day, origins)


def state(outcome):
    return {one.name: one.state for one in (*outcome.sources, *outcome.datasets)}


@pytest.mark.parametrize(
    ("step", "doing"),
    [
        ("look", "pulling agile_pilots"),
        ("stage", "reading agile_pilots"),
        ("check", "checking"),
        ("load", "loading"),
    ],
)
def test_whatever_a_source_raises_is_that_sources_failure(settings, origins, monkeypatch, step, doing):
    real = getattr(steps, step)

    def faulty(*arguments, **named):
        told = [getattr(one, "snapshot", one) for one in arguments if not isinstance(one, Run | Declarations)]
        if any("agile_pilots" in repr(one)[:400] for one in told):
            raise LookupError(f"no such style: {SECRET}")
        return real(*arguments, **named)

    monkeypatch.setattr(steps, step, faulty)
    outcome = run(settings, origins)
    assert state(outcome)["agile_pilots"] == "failed"
    assert state(outcome)["companies_house"] == "loaded"
    assert state(outcome)["tech-city-companies"] == "released"
    message = outcome.sources[0].message
    (log,) = settings.home.logs.iterdir()
    assert message.startswith("a fault of the program in ")
    assert doing in message
    assert f"LookupError; the traceback is in {log}" in message
    text = log.read_text()
    assert "in faulty" in text
    assert "builtins.LookupError" in text
    for path in (log, *settings.home.runs.iterdir(), *settings.home.reports.rglob("*.html")):
        assert SECRET not in path.read_text()


def test_a_dataset_whose_model_breaks_in_an_unforeseen_way_does_not_stop_the_others(
    settings, origins, monkeypatch
):
    real = steps.build

    def faulty(run, copy, building):
        if building.dataset == "tech-city-companies":
            raise ZeroDivisionError(SECRET)
        return real(run, copy, building)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "build", faulty)
        outcome = run(settings, origins)
    assert outcome.exit_code == FAILED
    assert state(outcome)["tech-city-companies"] == "failed"
    assert state(outcome)["tech-city-growth"] == state(outcome)["agile-pilots"] == "released"
    plan = Declarations.read()
    assert [one["what"] for one in read_status(settings, plan, DAY)["held"]] == ["tech-city-companies"]
    mended = run(settings, origins)
    assert state(mended)["tech-city-companies"] == "released"
    assert not read_status(settings, plan, DAY)["needs_attention"]


def test_a_log_holds_frames_and_kinds_but_no_values(tmp_path):
    log = FaultLog(Home(tmp_path), "2026-11-23.1")

    def step(value):
        try:
            {}[value]
        except KeyError as error:
            raise ValueError(f"not a number: {value}") from error

    with pytest.raises(StepError) as raised:
        log.guarded("reading", step)(SECRET)
    text = log.path.read_text()
    assert "builtins.KeyError" in text
    assert "builtins.ValueError" in text
    assert SECRET not in text + str(raised.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EISDIR, errno.EBUSY])
def test_faults_of_the_machine_say_where_and_what_to_do(number):
    words = in_words(OSError(number, os.strerror(number), "/data/x.duckdb"))
    assert words.startswith("/data/x.duckdb: ")
    assert len(words.split(".")) >= 3  # what, and what to do
    assert in_words(ValueError("a fault of ours")) is None


def test_a_disk_that_fills_up_while_the_warehouse_is_copied_leaves_all_as_it_was(
    settings, after_a_night, monkeypatch
):
    before = files(settings.home.root / "portal") | files(settings.home.releases)
    warehouse = settings.home.warehouse.read_bytes()
    real = shutil.copyfile

    def full(source, target, **named):
        if str(target).endswith("warehouse.duckdb"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return real(source, target, **named)

    rows = [factory.pilot(number) for number in range(1, 14)]
    other = factory.save(
        settings.home.root.parent / "more.xlsx",
        {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])},
    )
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(StepError, match="the disk is full"):
            run(settings, {"agile_pilots": str(other)}, date(2026, 11, 24))
    assert settings.home.warehouse.read_bytes() == warehouse
    assert files(settings.home.root / "portal") | files(settings.home.releases) == before
    (stopped,) = [
        one for one in read_status(settings, Declarations.read(), DAY)["held"] if one["state"] == "stopped"
    ]
    assert "the disk is full" in stopped["why"]
    assert state(run(settings, {"agile_pilots": str(other)}, date(2026, 11, 24)))["agile-pilots"] == "released"


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounts a tiny disk: needs root")
def test_a_really_full_disk_is_a_message_and_nothing_half_done(tmp_path, origins, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("this machine may not mount")
    try:
        settings = Settings(Home(disk / "home"), str(tmp_path / "portal"))
        try:
            outcome = run(settings, origins)
            told = " ".join(one.message for one in (*outcome.sources, *outcome.datasets))
            assert outcome.exit_code in (FAILED, HELD)
        except (StepError, WarehouseError) as error:
            told = str(error)
        assert "full" in told
        assert "Make room" in told or "make room" in told.lower()
        if settings.home.warehouse.exists():
            with reader(settings.home) as connection:
                assert connection.execute("SELECT count(*) FROM ledger.runs").fetchone()
    finally:
        subprocess.run(["umount", disk], check=True)


# --- the warehouse file -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["empty", "foreign", "truncated", "flipped"])
def test_a_warehouse_that_cannot_be_opened_is_a_message(settings, after_a_night, kind, capsys):
    path = settings.home.warehouse
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "foreign": b"PK\x03\x04 not a database" * 500,
            "truncated": content[: len(content) // 3],
            "flipped": content[:4096] + bytes(4096) + content[8192:],
        }[kind]
    )
    with pytest.raises(WarehouseError, match="rebuild-warehouse"):
        run(settings, {"agile_pilots": str(after_a_night)})
    with pytest.raises(SystemExit) as ended:
        main(["status", "--home", str(settings.home.root)])
    assert ended.value.code == FAILED
    told = capsys.readouterr().err
    assert str(path) in told
    assert "damaged" in told
    assert "Traceback" not in told


def test_a_warehouse_that_another_program_holds_is_a_message(settings, after_a_night):
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, settings.home.warehouse],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(WarehouseError, match=f"held open by process {process.pid}"), reader(settings.home):
            pass
        process.stdin.close()
    with reader(settings.home) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.runs").fetchone() == (1,)


def test_an_error_of_a_query_is_not_taken_for_one_of_the_file(settings, after_a_night):
    with pytest.raises(duckdb.CatalogException), reader(settings.home) as connection:
        connection.execute("SELECT * FROM no_such_table")


# --- the raw archive --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["cut", "flipped", "gone"])
def test_a_damaged_file_of_our_own_archive_is_not_blamed_on_who_handed_it_in(settings, after_a_night, change):
    handed_in = {"agile_pilots": str(after_a_night)}
    (snapshot,) = Archive(settings.home, "agile_pilots").snapshots()
    (path,) = snapshot.paths()
    content = path.read_bytes()
    path.write_bytes(content[:-50] if change == "cut" else content[:-50] + bytes(50))
    if change == "gone":
        path.unlink()
    settings.home.warehouse.unlink()
    shutil.rmtree(settings.home.staging)
    outcome = run(settings, {"agile_pilots": None})  # the inbox is empty, so the archive is all there is
    assert outcome.sources[0].state == "failed"
    message = outcome.sources[0].message
    assert "the raw archive is damaged" in message
    assert "no fault of who handed the data in" in message
    assert str(snapshot.folder) in message
    assert str(after_a_night) in message
    again = run(settings, handed_in)  # the same file taken in again mends it
    assert again.sources[0].state == "loaded"
    assert path.read_bytes() == content


def test_a_manifest_that_cannot_be_read_is_a_message(settings, origins, after_a_night):
    archive = Archive(settings.home, "agile_pilots")
    (manifest,) = archive.folder.glob("*/manifest.json")
    manifest.write_text("{")
    with pytest.raises(ArchiveDamagedError, match=r"manifest\.json"):
        archive.snapshots()
    outcome = run(settings, origins)
    assert state(outcome)["agile_pilots"] == "failed"
    assert state(outcome)["companies_house"] == "loaded"
