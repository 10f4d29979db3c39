"""SIGKILL at any moment, then the same command: the result is that of an undisturbed run."""

import multiprocessing
import os
import signal
import sys
from datetime import date

import pytest

from dev.synthetic_register import write_register
from tests import workbook_factory as factory
from tests.flows.home_tree import results

DAY = date(2026, 11, 23)
DATASETS = ("agile-pilots", "tech-city-growth", "data-quality")  # of each source one, and what tells of the others
MOMENTS = 8
_WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.utime", "os.truncate"}


def run_night(home, sources, moment, counted):
    """A night that kills itself at its ``moment``-th change of the file system; 0: undisturbed, but counted."""
    seen = 0

    def count(event, arguments):
        nonlocal seen
        is_write = event in _WRITES or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if not is_write:
            return
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    from flows.settings import silence_telemetry
    from tests.flows import nights

    silence_telemetry()
    sys.addaudithook(count)
    outcome = nights.run(nights.settings_of(home), DAY, sources, DATASETS)
    counted.put((seen, outcome.exit_code))


@pytest.fixture(scope="module")
def spawning():
    """Processes that have the slow imports behind them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["checks.gx_duckdb", "sources.loading", "flows.night", "publish.release"])
    return context


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    (register,) = write_register(folder, rows=800, day=date(2026, 1, 1), seed=3, zipped=True)
    workbook = factory.workbook_with_one_of_each_error(folder / "pilots.xlsx")
    return {"companies_house": str(register), "agile_pilots": str(workbook)}


def start(context, home, sources, moment):
    counted = context.Queue()
    process = context.Process(target=run_night, args=(home, sources, moment, counted))
    process.start()
    process.join(180)
    return process.exitcode, counted.get(timeout=10) if process.exitcode == 0 else None


@pytest.fixture(scope="module")
def undisturbed(spawning, sources, tmp_path_factory):
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    code, (writes, exit_code) = start(spawning, home, sources, 0)
    assert (code, exit_code) == (0, 3)
    assert writes > 50
    return writes, results(home)


def moments():
    """Shares of the night at which it is killed; three of four in `make prove` only: each costs two nights."""
    for number in range(MOMENTS):
        yield pytest.param((number + 0.5) / MOMENTS, marks=[pytest.mark.prove] if number % 4 != 1 else [])


@pytest.mark.parametrize("share", moments())
def test_killed_and_run_again_is_as_if_undisturbed(spawning, sources, undisturbed, tmp_path, share):
    writes, expected = undisturbed
    home = tmp_path / "home"
    code, _ = start(spawning, home, sources, max(1, int(writes * share)))
    assert code == -signal.SIGKILL
    code, counted = start(spawning, home, sources, 0)
    assert code == 0, "the run after the kill failed"
    assert counted[1] == 3
    found = results(home)
    assert found.keys() == expected.keys()
    assert not [name for name in expected if found[name] != expected[name]]
    assert not list((home / "tmp").glob("*"))
