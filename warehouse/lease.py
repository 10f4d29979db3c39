"""The lease: one run at a time works on a home, and a dead one blocks nobody.

The holder's claim is a small JSON file that it renews. A claim is void when it expired, or when its process is
gone from this machine (so a run killed with SIGKILL is succeeded at once). Before the one step that others can
see, the swap of the warehouse, the holder makes sure that the claim is still its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from warehouse.home import Home, to_json, write_atomically

TERM_SECONDS = 120.0


class LeaseHeldError(Exception):
    """Another run works on this home."""


class LeaseLostError(Exception):
    """The claim was taken over: this run was thought dead and must not write any more."""


def _process_started(pid: int) -> str | None:
    """What tells a process from a later one with the same number; None if it is gone or unknown here."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        pass
    else:
        return None if stat.rsplit(")", 1)[1].split()[0] == "Z" else stat.rsplit(")", 1)[1].split()[19]
    try:  # no /proc on this system: alive is all we can say
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "alive"
    return "alive" if not Path("/proc/self").exists() else None


class Lease:
    """A claim on a home, held for the length of a ``with`` block.

    Raises:
        LeaseHeldError: on entering, when a living run holds the home.
    """

    def __init__(self, home: Home, purpose: str, *, term: float = TERM_SECONDS) -> None:
        self._folder = home.root
        self._file = home.root / "lease.json"
        self._purpose = purpose
        self._term = term
        self._stop = threading.Event()
        self._claim: dict[str, Any] = {}

    def __enter__(self) -> Lease:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            other = self._standing()
            if other:
                raise LeaseHeldError(
                    f"{other['purpose']} (process {other['pid']} on {other['host']}) works on {self._folder}."
                    f" Wait for it; should it be dead, its lease ends by itself within {self._term:.0f} s."
                )
            self._claim = {
                "purpose": self._purpose,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "started": _process_started(os.getpid()),
                "token": os.urandom(8).hex(),
            }
            self._write()
        threading.Thread(target=self._keep_renewing, name="lease", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with self._locked():
            if self._is_ours():
                self._file.unlink(missing_ok=True)

    @contextmanager
    def confirmed(self) -> Iterator[None]:
        """The claim is ours, and stays so for this block: for the step that others can see.

        Raises:
            LeaseLostError: someone took the home over.
        """
        with self._locked():
            if not self._is_ours():
                raise LeaseLostError(f"another run took over {self._folder}; this one stops without writing")
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock file stays: removing it would let two processes lock two different files of one name.
        with (self._folder / ".lease.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return content

    def _standing(self) -> dict[str, Any] | None:
        claim = self._read()
        if not claim or claim["expires"] < time.time():
            return None
        if claim["host"] == socket.gethostname() and _process_started(claim["pid"]) != claim["started"]:
            return None
        return claim

    def _is_ours(self) -> bool:
        claim = self._read()
        return claim is not None and claim.get("token") == self._claim.get("token")

    def _write(self) -> None:
        write_atomically(self._file, to_json({**self._claim, "expires": time.time() + self._term}))

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._term / 6):
            with self._locked():
                if self._stop.is_set() or not self._is_ours():
                    return
                self._write()
