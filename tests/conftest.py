"""What tests of several rooms share."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from warehouse.home import Home


@pytest.fixture(scope="session")
def folder_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share: a worker of pytest-xdist has its own below it."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def samples_home(folder_of_run: Path) -> Home:
    """A home after a night of all samples, run once for all processes: to be read only; who writes copies it."""
    from dev.questions import publish_samples

    home = Home(folder_of_run / "samples")
    with (folder_of_run / "samples.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            publish_samples(home)
            lock.write("published")
    return home
