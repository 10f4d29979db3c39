"""A Prefect API for one run: the operator's server if there is one, else a private one while the run lasts.

Prefect can start a temporary server by itself, but that one is stopped before it has written all that it was
told: of 100 finished tasks 39 were recorded as finished (Prefect 3.8.8), and it is left running when the process
is killed. This one listens on loopback only, keeps its database in the home, is waited for at the end, and dies
with its parent.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.errors import ServerError

# Read by Prefect when it is imported. What the operator set stays.
_CLIENT = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the run has a terminal output of its own
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
}
_SERVER = {
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
}
_NO_SCHEDULE = {  # pages to look at and services that only scheduled deployments need
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}
_USUAL_PORT = 4200  # where Prefect's own commands look for a server
_PATIENCE_SECONDS = 120.0  # a fresh database takes 10 s; a busy machine several times that


@contextmanager
def prefect_api(home: Path, *, is_scheduling: bool = False) -> Iterator[None]:
    """Make sure that a Prefect API answers, for the length of the block. To be entered before Prefect is imported.

    Args:
        home: the run's home; ``<home>/prefect`` holds the private server's database and log.
        is_scheduling: the private server has to start scheduled runs too, and to show its pages.

    Raises:
        ServerError: the private server did not start.
    """
    for name, value in _CLIENT.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    if os.environ.get("PREFECT_API_URL"):
        yield
        return
    folder = home / "prefect"
    defaults = {**_SERVER, **(_with_pages(folder / "pages") if is_scheduling else _NO_SCHEDULE)}
    with _server(folder, defaults, _USUAL_PORT if is_scheduling else 0) as address:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        os.environ["PREFECT_API_URL"] = address  # for processes that the run starts
        try:
            with temporary_settings({PREFECT_API_URL: address}):
                yield
                _drain()
        finally:
            del os.environ["PREFECT_API_URL"]


def _with_pages(folder: Path) -> dict[str, str]:
    """Settings with which the server shows pages; without the first it answers 404 on every one.

    Unless it is told where, Prefect copies them into its own package (3.8.8), which may be read-only.
    """
    folder.mkdir(parents=True, exist_ok=True)  # for a lock beside the copies: Prefect does not make it
    return {"PREFECT_SERVER_UI_ENABLED": "true", "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder)}


@contextmanager
def _server(folder: Path, defaults: Mapping[str, str], wanted_port: int) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port(wanted_port)
    # The archive's key and the portal's token are none of the server's business.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENDISTRICT_")}
    environment = {**defaults, **inherited, "PREFECT_HOME": str(folder)}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the run, which then stops its server in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        # The run's own imports take as long as the server's start: both at once.
        import prefect.flows
        import prefect.task_runners  # noqa: F401

        _wait_for(process, f"http://127.0.0.1:{port}/api/health", folder / "server.log")
        yield f"http://127.0.0.1:{port}/api"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port(wanted: int) -> int:
    """The port wanted, or any free one if that is taken (or 0)."""
    with socket.socket() as probe:
        # else a port that was in use a minute ago counts as taken, and a restarted `serve` moves elsewhere
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a killed run leaves no server behind


def _wait_for(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=5):  # noqa: S310
            return
        time.sleep(0.1)
    raise ServerError(f"Prefect's server did not start within {_PATIENCE_SECONDS:.0f} s; its log is {log}")


def _drain() -> None:
    """Send what is still on its way: log lines, and the events from which the server makes task states."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=10)
