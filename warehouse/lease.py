"""The lease: one run at a time works on a home, and a dead one blocks nobody.

The holder's claim is a small JSON file that it renews. A claim is void when it expired, or when its process is
gone from this machine (so a run killed with SIGKILL is succeeded at once). Before the one step that others can
see, the swap of the warehouse, the holder makes sure that the claim is still its own.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType, UnionType
from typing import Any

from warehouse.home import Home, to_json, write_atomically

TERM_SECONDS = 120.0
_LAST_SECOND = 253402300800 - 2 * 86400  # of the year 9999, the last that a date can have


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


def _is_claim(content: Any) -> bool:
    """Whether JSON is what a holder writes."""
    kinds: dict[str, type | UnionType] = {
        "purpose": str, "host": str, "pid": int, "started": str | None, "token": str
    }  # fmt: skip
    return (
        isinstance(content, dict)
        and all(isinstance(content.get(name, 0.5), kind) for name, kind in kinds.items())
        and isinstance(content.get("expires"), (int, float))
        and math.isfinite(content["expires"])
        and abs(content["expires"]) < _LAST_SECOND
        and 0 < content["pid"] < 1 << 31
    )


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
                    f" Wait for it; {self._way_out(other)}."
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
        """The claim, if it is one. It is written whole or not at all, so anything else is nobody's."""
        try:
            content = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return content if _is_claim(content) else None

    def _standing(self) -> dict[str, Any] | None:
        claim = self._read()
        if not claim or self._ends(claim) < time.time():
            return None
        if claim["host"] == socket.gethostname() and _process_started(claim["pid"]) != claim["started"]:
            return None
        return claim

    def _ends(self, claim: Mapping[str, Any]) -> float:
        """When the claim ends, by this machine's clock.

        One that ends later than a term from now was dated by a clock that goes ahead. A living holder renews it
        six times a term, so the file's own time, which the file system gives, says when it was last alive.
        """
        ends = float(claim["expires"])
        return ends if ends <= time.time() + self._term else min(ends, self._file.stat().st_mtime + self._term)

    def _way_out(self, claim: Mapping[str, Any]) -> str:
        rest = self._ends(claim) - time.time()
        if rest <= self._term:
            return f"should it be dead, its lease ends by itself within {max(rest, 1):.0f} s"
        dated = datetime.fromtimestamp(time.time() + rest, UTC).strftime("%Y-%m-%d %H:%M")
        return (
            f"its lease ends at {dated} UTC by this machine's clock, later than any that is rightly dated: compare"
            f" the clocks of both machines. Should that run be dead, remove {self._file}"
        )

    def _is_ours(self) -> bool:
        claim = self._read()
        return claim is not None and claim.get("token") == self._claim.get("token")

    def _write(self) -> None:
        write_atomically(self._file, to_json({**self._claim, "expires": time.time() + self._term}))

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._term / 6):
            # On a full disk the claim is as it was: the next try may do, and the swap makes sure anyway.
            with suppress(OSError), self._locked():
                if self._stop.is_set() or not self._is_ours():
                    return
                self._write()
