"""Whose turn it is to ask a host: all threads and sources of a process share what its publisher allows."""

from __future__ import annotations

from collections import deque
from threading import Lock

from warehouse.addresses import Origin
from warehouse.declarations.http import HttpDeclaration

_MARGIN_SECONDS = 0.05  # a request that leaves late and one that leaves in time lie closer together over there


class Turns:
    """When a host was asked, and will be by those who wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: deque[float] = deque()
        self._longest = 0.0  # seconds worth remembering

    def take(self, terms: HttpDeclaration, now: float) -> float:
        """Take the next turn; how many seconds it is until then.

        Args:
            terms: the budget in any period, and the shortest interval between two requests.
            now: in seconds, by the clock that all who ask this host share.
        """
        with self._lock:
            turn = max(now, self._times[-1]) if self._times else now
            if self._times:
                turn = max(turn, self._times[-1] + terms.interval_seconds)
            if (budget := terms.budget) is not None:
                self._longest = max(self._longest, budget.per_seconds + _MARGIN_SECONDS)
                if len(self._times) >= budget.requests:
                    turn = max(turn, self._times[-budget.requests] + budget.per_seconds + _MARGIN_SECONDS)
            self._times.append(turn)
            while self._times[0] < turn - self._longest:
                self._times.popleft()
            return turn - now


_TURNS: dict[Origin, Turns] = {}


def turns_of(origin: Origin) -> Turns:
    """The turns of a host, the same for all who ask it."""
    return _TURNS.setdefault(origin, Turns())
