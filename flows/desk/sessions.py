"""Who is at the desk: sessions, and the limit on wrong tokens. All of it in memory, gone with the server."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from warehouse.messages import Language

SESSION_SECONDS = 2 * 3600.0  # since the last request
_MOST_SESSIONS = 1_000
WRONG_TOKENS = 10  # of one address
WRONG_SECONDS = 300.0
_MOST_ADDRESSES = 10_000
Clock = Callable[[], float]


@dataclass
class Session:
    """One browser that gave the token of a source. ``csrf`` stands in every form of it."""

    source: str
    token_hash: str
    language: Language | None
    seen: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def allows(self, csrf: str) -> bool:
        """Whether a form is one of this session's."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


class Sessions:
    """The sessions by their ids."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, Session] = {}

    def begin(self, source: str, token_hash: str, language: Language | None) -> Session:
        """A new session."""
        self.expire()
        while len(self._kept) >= _MOST_SESSIONS:
            del self._kept[min(self._kept, key=lambda one: self._kept[one].seen)]
        session = Session(source, token_hash, language, self._clock())
        self._kept[session.id] = session
        return session

    def find(self, identifier: str) -> Session | None:
        """The session of that id, if it stands."""
        self.expire()
        # The id has 256 random bits: how long a dictionary takes to miss it helps nobody to guess it.
        session = self._kept.get(identifier)
        if session is not None:
            session.seen = self._clock()
        return session

    def all(self) -> list[Session]:
        """Those that stand."""
        self.expire()
        return list(self._kept.values())

    def end(self, session: Session) -> None:
        """Forget a session."""
        self._kept.pop(session.id, None)

    def expire(self) -> None:
        """Forget those that were not used for long."""
        oldest = self._clock() - SESSION_SECONDS
        self._kept = {name: one for name, one in self._kept.items() if one.seen >= oldest}


class WrongTokens:
    """How often an address gave a wrong token of late."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """For how many seconds the address may not try again; 0 if it may."""
        times = self._times.get(address)
        if times is None or len(times) < WRONG_TOKENS:
            return 0.0
        return max(0.0, times[0] + WRONG_SECONDS - self._clock())

    def note(self, address: str) -> None:
        """Note a wrong token."""
        if len(self._times) >= _MOST_ADDRESSES and address not in self._times:
            self._times.pop(next(iter(self._times)))
        self._times.setdefault(address, deque(maxlen=WRONG_TOKENS)).append(self._clock())
