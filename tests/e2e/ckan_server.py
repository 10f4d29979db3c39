"""The local CKAN of dev/ckan, for tests: started once, stopped and killed at will."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "dev" / "ckan"
PROGRAMS_MISSING = 3  # up.sh's exit code when it may not install what it needs


class CkanUnavailableError(RuntimeError):
    """This machine lacks PostgreSQL or Redis, and up.sh may not install them."""


class CkanServer:
    """A real CKAN on loopback; `start` is cheap when it already runs."""

    def __init__(self, env: dict[str, str] | None = None):
        """Settings of dev/ckan/env.sh may be given in `env`, over the process's own environment."""
        self.url = ""
        self.token = ""
        self._env = {**os.environ, **(env or {})}
        self._turns: Path | None = None  # where the processes of one test run take turns

    def __repr__(self) -> str:
        return f"CkanServer({self.url!r})"  # without the token: pytest prints fixtures

    def _script(self, name: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        # The servers write to logs of their own, so these pipes close when the script ends.
        command = [str(SCRIPTS / name), *arguments]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=timeout, check=False)

    def _down(self, *arguments: str) -> None:
        done = self._script("down.sh", *arguments, timeout=120)
        if done.returncode:
            raise RuntimeError(f"down.sh {' '.join(arguments)} failed:\n{done.stderr}")

    def state(self) -> Path:
        """The folder with all that it writes."""
        told = ["bash", "-c", '. "$0"; printf %s "$state"', str(SCRIPTS / "env.sh")]
        return Path(subprocess.run(told, env=self._env, capture_output=True, text=True, check=True).stdout)

    def is_up(self) -> bool:
        """Whether every part of it runs."""
        return self._script("up.sh", "--check", timeout=60).returncode == 0

    def start(self) -> CkanServer:
        """Start whatever does not run; the first time installs CKAN, which takes a minute."""
        done = self._script("up.sh", timeout=900)
        if done.returncode == PROGRAMS_MISSING:
            raise CkanUnavailableError(done.stderr.strip())
        if done.returncode:
            raise RuntimeError(f"up.sh failed:\n{done.stderr}")
        printed = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        self.url, self.token = printed["CKAN_TEST_URL"], printed["CKAN_TEST_TOKEN"]
        return self

    def start_web(self) -> CkanServer:
        """Start the web process again after `stop_web` or `kill_web`; same URL, same token."""
        return self.start()

    def stop_web(self) -> None:
        """Stop the web process: requests under way get three seconds."""
        self._down("web")

    def kill_web(self) -> None:
        """End the web process in the middle of whatever it does, as a crash would."""
        self._down("--kill", "web")

    def stop(self) -> None:
        """Stop all of it; data and environment stay for the next start."""
        self._down()

    @contextlib.contextmanager
    def turn(self, alone: bool) -> Iterator[CkanServer]:
        """Use the running server together with other processes of this run, or alone."""
        if self._turns is None:
            yield self.start()
            return
        with self._turns.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            try:
                yield self.start()
            finally:
                if alone:
                    self.start()  # the others find it as they left it


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[CkanServer]:
    """One server for all processes of a test run, which share `folder`.

    They count themselves in and out. The last one out stops the server, but only
    if it was the run that started it: a developer's own stays up.
    """
    book = folder / "ckan-users.json"
    server = CkanServer()
    server._turns = folder / "ckan-turns.lock"

    @contextlib.contextmanager
    def page() -> Iterator[dict[str, int]]:
        with (folder / "ckan-users.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entry = json.loads(book.read_text()) if book.exists() else {"users": 0, "ours": 0}
            yield entry
            book.write_text(json.dumps(entry))

    with page() as entry:
        if entry["users"] == 0:
            entry["ours"] = int(not server.is_up())
        server.start()
        entry["users"] += 1
    try:
        yield server
    finally:
        with page() as entry:
            entry["users"] -= 1
            if entry["users"] == 0 and entry["ours"]:
                server.stop()


@pytest.fixture(scope="session")
def ckan(folder_of_run: Path) -> Iterator[CkanServer]:
    """The CKAN of this test run; with pytest-xdist all workers share it."""
    try:
        with shared_server(folder_of_run) as server:
            yield server
    except CkanUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def ckan_shared(ckan: CkanServer) -> Iterator[CkanServer]:
    """The running CKAN, while nobody stops it: what most tests want."""
    with ckan.turn(alone=False) as server:
        yield server


@pytest.fixture
def ckan_alone(ckan: CkanServer) -> Iterator[CkanServer]:
    """The running CKAN for a test that stops or kills it: the others wait until it is back."""
    with ckan.turn(alone=True) as server:
        yield server
