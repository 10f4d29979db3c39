"""One run at a time, a dead one blocks nobody, and readers see whole warehouses only."""

import json
import multiprocessing
import os
import signal
import time

import duckdb
import pytest

from warehouse import ledger
from warehouse.home import Home
from warehouse.lease import Lease, LeaseHeldError, LeaseLostError
from warehouse.store import reader, working_copy


def hold(folder, ready):
    with Lease(Home(folder), "a run that will be killed"):
        ready.set()
        time.sleep(60)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_a_second_run_is_refused_and_told_who_holds_the_home(home):
    with (
        Lease(home, "nightly of 2026-11-23"),
        pytest.raises(LeaseHeldError, match=r"nightly of 2026-11-23.*process"),
    ):
        Lease(home, "backfill").__enter__()
    with Lease(home, "afterwards"):
        pass


def test_a_run_killed_outright_is_succeeded_at_once(home):
    spawning = multiprocessing.get_context("spawn")
    ready = spawning.Event()
    process = spawning.Process(target=hold, args=(home.root, ready))
    process.start()
    assert ready.wait(30)
    with pytest.raises(LeaseHeldError):
        Lease(home, "too early").__enter__()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with Lease(home, "the successor"):
        pass


def test_an_expired_lease_of_another_machine_is_taken_over_and_its_holder_stopped(home):
    stuck = Lease(home, "stuck", term=0.2)
    stuck.__enter__()
    stuck._stop.set()  # its thread renews no more, as on a machine that sleeps
    time.sleep(0.3)
    with Lease(home, "successor"), pytest.raises(LeaseLostError), stuck.confirmed():
        pass


def claim(home, **changed):
    """A claim of another machine as it stands in the home."""
    content = {
        "purpose": "nightly elsewhere",
        "host": "another-machine",
        "pid": 4711,
        "started": "123",
        "token": "abc",
        "expires": time.time() + 60,
    }
    home.root.mkdir(exist_ok=True)
    path = home.root / "lease.json"
    path.write_text(json.dumps({name: value for name, value in (content | changed).items() if value != "-"}))
    return path


def test_the_message_says_how_long_the_lease_of_another_machine_still_holds(home):
    claim(home)
    with pytest.raises(LeaseHeldError, match=r"ends by itself within (60|59|58) s"):
        Lease(home, "now").__enter__()


def test_a_lease_dated_a_day_ahead_ends_when_its_holder_has_not_renewed_it_for_a_term(home):
    path = claim(home, expires=time.time() + 86400)
    with pytest.raises(LeaseHeldError, match=r"ends by itself within 1[12]\d s"):
        Lease(home, "now").__enter__()
    os.utime(path, (time.time() - 121, time.time() - 121))
    with Lease(home, "the successor"):
        pass


def test_a_lease_of_a_file_system_whose_clock_goes_ahead_says_so(home):
    path = claim(home, expires=time.time() + 86400)
    os.utime(path, (time.time() + 86400, time.time() + 86400))
    with pytest.raises(LeaseHeldError, match=r"compare the clocks.*remove .*lease\.json"):
        Lease(home, "now").__enter__()


@pytest.mark.parametrize(
    "changed",
    [
        {"expires": "x"},
        {"expires": None},
        {"expires": float("nan")},
        {"expires": float("inf")},
        {"expires": 1e300},
        {"expires": "-"},
        {"pid": "x"},
        {"pid": -1},
        {"pid": 10**30},
        {"host": 1},
        {"started": 5},
        {"purpose": "-"},
    ],
)
def test_what_is_no_claim_blocks_nobody(home, changed):
    claim(home, **changed)
    with Lease(home, "now"):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '"x"', "{}"])
def test_a_lease_file_that_nobody_wrote_like_that_blocks_nobody(home, content):
    home.root.mkdir(exist_ok=True)
    (home.root / "lease.json").write_text(content)
    with Lease(home, "now") as lease, lease.confirmed():
        pass


def test_nothing_is_seen_of_a_working_copy_until_it_is_committed(home):
    with Lease(home, "test") as lease:
        with working_copy(home, lease) as copy, copy.connect() as connection:
            connection.execute("CREATE TABLE thing AS SELECT 1 AS n")
        assert not home.warehouse.exists()
        with working_copy(home, lease) as copy:
            with copy.connect() as connection:
                connection.execute("CREATE TABLE thing AS SELECT 1 AS n")
            copy.commit()
        with reader(home) as old_reader:
            with working_copy(home, lease) as copy:
                with copy.connect() as connection:
                    connection.execute("UPDATE thing SET n = 2")
                copy.commit()
            assert old_reader.execute("SELECT n FROM thing").fetchall() == [(1,)]
        with reader(home) as new_reader:
            assert new_reader.execute("SELECT n FROM thing").fetchall() == [(2,)]


def test_a_home_without_a_warehouse_reads_as_an_empty_one(home):
    with reader(home) as connection:
        assert ledger.runs(connection, home) == []
    assert not home.warehouse.exists()


def test_a_reader_cannot_write(home):
    with Lease(home, "test") as lease, working_copy(home, lease) as copy:
        copy.commit()
    with reader(home) as connection, pytest.raises(duckdb.Error):
        connection.execute("CREATE TABLE thing (n INTEGER)")
