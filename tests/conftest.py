"""What tests of several rooms share."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from warehouse.home import Home

# Files that pytest-xdist leaves to one process, because a second one would stand and wait for the first: for the
# CKAN that most of these tests want for themselves; for the night of all samples, where it is wanted first.
TOGETHER = {
    "a CKAN": ("tests/e2e/test_ckan_", "tests/e2e/test_dev_ckan"),
    "what is declared": ("tests/declared/",),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out files in the order in which they stand: by their number of tests, long ones would come last."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next(
                (name for name, files in TOGETHER.items() if nodeid.startswith(files)), nodeid.split("::")[0]
            )

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def folder_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share: a worker of pytest-xdist has its own below it."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def _once(home: Path, make: Callable[[], object]) -> None:
    """Make something beside a lock, once for all processes of the run."""
    with home.with_suffix(".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            make()
            lock.write("made")


@pytest.fixture(scope="session")
def samples_home(folder_of_run: Path) -> Home:
    """A home after a night of all samples, run once for all processes: to be read only; who writes copies it."""
    from dev.questions import publish_samples

    home = Home(folder_of_run / "samples")
    _once(home.root, lambda: publish_samples(home))
    return home


@pytest.fixture(scope="session")
def night_of_pilots(folder_of_run: Path) -> Path:
    """A folder with ``pilots.xlsx`` and ``home``, after a night of it on 23 November 2026: to be read only."""
    from tests import workbook_factory as factory
    from tests.flows import nights

    folder = folder_of_run / "pilots"

    def make() -> None:
        folder.mkdir()
        workbook = factory.good_workbook(folder / "pilots.xlsx")
        nights.run(nights.settings_of(folder / "home"), date(2026, 11, 23), {"agile_pilots": workbook})

    _once(folder, make)
    return folder


@pytest.fixture
def after_a_night(night_of_pilots: Path, tmp_path: Path) -> Path:
    """The workbook of a night that was run; the home after it, to be changed at will, is ``tmp_path / "home"``."""
    shutil.copytree(night_of_pilots / "home", tmp_path / "home", symlinks=True)
    return night_of_pilots / "pilots.xlsx"
