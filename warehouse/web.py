"""The way out to the web, for sources and portals alike: one session, on requests and urllib3.

What the libraries do well is theirs: open connections, certificates, proxies, retries. Added is what they lack:

* **A deadline for a whole answer.** A timeout of theirs begins anew with every byte, and header lines are read
  where neither has a say: a server that drips would hold a night for ever. Within ``within`` a connection asks
  the clock before every read.
* **No read without a bound.** urllib3 takes a chunk of size -1 for "all there is", whatever its size.
* **No redirects by themselves.** requests reads the whole body of a redirect into memory, and asks .netrc about
  the next host. Who wants to follow asks ``redirected``, which looks at the address first.
* **No .netrc.** Its passwords would go along unasked. Proxies and certificate bundles of the environment count.
* **No addresses in logs.** urllib3 logs them whole, keys included.
* **Patience that ends.** A server may ask for any pause; all pauses of a request together have a limit.
"""

from __future__ import annotations

import http.client
import io
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InvalidHeader, LocationValueError, MaxRetryError, SSLError

from warehouse.addresses import origin_of, without_addresses

USER_AGENT = "opendistrict (open data pipeline)"
_MOST_AT_ONCE = 1 << 26  # bytes; nobody here reads larger pieces
_PASSING = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.response", "urllib3.util.retry")


# --- a deadline that holds ------------------------------------------------------------------------------


class LateError(TimeoutError):
    """The deadline has passed."""


class Clock:
    """How long may be waited: ``timeout_seconds`` for the next byte, ``deadline_seconds`` for the last one.

    Pauses that a server asked for do not count.
    """

    def __init__(self, deadline_seconds: float, timeout_seconds: float) -> None:
        self._deadline = time.monotonic() + deadline_seconds
        self._timeout = timeout_seconds

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def wait(self) -> float:
        """Seconds to wait for the next byte.

        Raises:
            LateError: there are none left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise LateError("too late")
        return min(left, self._timeout)

    def extend(self, seconds: float) -> None:
        """Put the deadline off."""
        self._deadline += seconds


_CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)


@contextmanager
def within(deadline_seconds: float, timeout_seconds: float) -> Iterator[Clock]:
    """Requests made inside come to their end in time, answers' bodies included.

    Args:
        deadline_seconds: for all of them together, redirects and retries among them.
        timeout_seconds: for the next byte.
    """
    clock = Clock(deadline_seconds, timeout_seconds)
    token = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        _CLOCK.reset(token)


def put_off(seconds: float) -> None:
    """Put the deadline off, if there is one: a pause that was asked for does not count."""
    if (clock := _CLOCK.get()) is not None:
        clock.extend(seconds)


class _TimedFile(io.RawIOBase):
    """A connection's bytes, each waited for no longer than the clock allows."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, clock: Clock) -> None:
        self._raw = raw
        self._connection = connection
        self._clock = clock

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As many bytes as have come, at least one; 0 at the end."""
        self._connection.settimeout(self._clock.wait())
        try:
            return cast(int | None, self._raw.readinto(buffer))
        except TimeoutError:
            self._clock.wait()  # says which of the two it was
            raise

    def close(self) -> None:
        """Close the connection's side of it too."""
        self._raw.close()
        super().close()


class _BoundedFile(io.BufferedReader):
    """Gives no more than was asked for, and must be asked for a number of bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer at the end."""
        if size is None or not 0 <= size <= _MOST_AT_ONCE:
            raise http.client.IncompleteRead(b"")
        return super().read(size)


class _Answer(http.client.HTTPResponse):
    """An answer that is read by the clock, headers and all."""

    def __init__(self, connection: socket.socket, *rest: Any, **named: Any) -> None:
        super().__init__(connection, *rest, **named)
        raw, clock = self.fp.detach(), _CLOCK.get()
        self.fp = _BoundedFile(_TimedFile(raw, connection, clock) if clock else raw)


class _HttpConnection(HTTPConnection):
    response_class = _Answer


class _HttpsConnection(HTTPSConnection):
    response_class = _Answer


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    """requests' own, over our connections."""

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        """Make the manager of direct connections."""
        super().init_poolmanager(*args, **named)
        _use_our_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """The manager of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **named)
        if type(manager) is ProxyManager:  # SOCKS has connections of its own
            _use_our_connections(manager)
        return manager


def _use_our_connections(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


# --- patience that ends ---------------------------------------------------------------------------------


class Patience(Retry):
    """urllib3's ``Retry`` for what may pass: connections that fail, 429, 502, 503, 504, of GET and HEAD only.

    A pause the server asks for (``Retry-After``) is kept. If it would be longer than what is left of
    ``most_seconds``, the answer stands as it is.
    """

    most_seconds: float = 0
    waited: float = 0
    pause: float = 0
    sleep_for: Callable[[float], None] = staticmethod(time.sleep)

    @classmethod
    def of(cls, retries: int, most_seconds: float, sleep_for: Callable[[float], None] | None = None) -> Patience:
        """So many further tries of a request, with pauses of ``most_seconds`` together.

        Args:
            retries: how many tries after the first.
            most_seconds: how long to pause in all.
            sleep_for: pauses for so many seconds; ``time.sleep`` unless told otherwise.
        """
        made = cls(
            total=retries,
            other=0,
            allowed_methods=_REPEATABLE,
            status_forcelist=_PASSING,
            backoff_factor=0.5,
            raise_on_status=False,
        )
        made.most_seconds = most_seconds
        made.sleep_for = sleep_for or time.sleep
        return made

    def new(self, **changed: Any) -> Patience:
        """The next one, with the same limits."""
        made = super().new(**changed)
        made.most_seconds, made.waited, made.sleep_for = self.most_seconds, self.waited, self.sleep_for
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *rest: Any,
        **named: Any,
    ) -> Patience:
        """What is left of the patience after an attempt; MaxRetryError if nothing is."""
        if response is not None:
            response.close()  # an answer that only says "later" need not be read: it may be endless
        clock = _CLOCK.get()
        if isinstance(error, SSLError) or (clock is not None and clock.is_over):
            raise MaxRetryError(cast(Any, None), url, error)
        left = super().increment(method, url, response, error, *rest, **named)
        left.pause = left._pause_before(response)
        left.waited += left.pause
        if left.waited > left.most_seconds:
            raise MaxRetryError(cast(Any, None), url, error)
        return left

    def _pause_before(self, response: BaseHTTPResponse | None) -> float:
        try:
            asked = self.get_retry_after(response) if response is not None else None
        except (InvalidHeader, ValueError, OverflowError, TypeError):  # not a time
            asked = None
        return self.get_backoff_time() if asked is None else asked

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Pause before the next attempt."""
        self.sleep_for(self.pause)
        put_off(self.pause)


# --- the session ----------------------------------------------------------------------------------------


class Session(requests.Session):
    """A session with time limits on every request.

    Errors are those of requests; ``trouble`` puts them into words. An error holds the request with its headers:
    raise another one in its place, outside of ``except``, so that nothing hangs on to it.

    Args:
        connect_seconds: to reach the host.
        read_seconds: for the next bytes.
        patience: retries; without it there are none.
    """

    def __init__(
        self, connect_seconds: float = 10, read_seconds: float = 60, patience: Patience | None = None
    ) -> None:
        super().__init__()
        self.timeouts = (connect_seconds, read_seconds)
        self.auth = _leave_alone
        self.headers["User-Agent"] = USER_AGENT
        adapter = _Adapter(max_retries=patience or Retry(0, read=False))
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_hide_addresses)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, and give its answer as it is, be it a redirect."""
        if options.get("timeout") is None:
            options["timeout"] = self.timeouts
        if (clock := _CLOCK.get()) is not None:
            given = options["timeout"]
            limits = given if isinstance(given, tuple) else (given, given)
            left = clock.wait()
            options["timeout"] = tuple(min(left, limit) for limit in limits)
        return super().send(request, **options)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: nothing is followed unseen."""


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The authentication of a request that has its own, or none: with one at hand requests asks no .netrc."""
    return request


def _hide_addresses(record: logging.LogRecord) -> bool:
    record.msg, record.args = re.sub(r"\?[^\s\"']+", "?(withheld)", record.getMessage()), ()
    return True


# --- redirects ------------------------------------------------------------------------------------------


class RedirectError(Exception):
    """An answer redirects to where nobody should follow; the message says why, without the address."""


def redirected(answer: requests.Response, asked: str) -> str | None:
    """The address an answer redirects to; None if it does not.

    Args:
        answer: to be closed by who follows.
        asked: the address that was asked for.

    Raises:
        RedirectError: from https down to http, which anyone on the way could change.
        ValueError: to what is no address.
    """
    if not answer.is_redirect:
        return None
    target = urljoin(asked, answer.headers["Location"].encode("latin-1").decode(errors="replace"))
    if urlsplit(asked).scheme == "https" and urlsplit(target).scheme == "http":
        raise RedirectError("redirects from https to http, which anyone could change: refused")
    return target


class OnlyTo(requests.auth.AuthBase):
    """A header with credentials that goes to one origin (scheme, host and port) and to no other."""

    def __init__(self, url: str, header: str, value: str) -> None:
        self._origin = origin_of(url)
        self._header = header
        self._value = value

    def __repr__(self) -> str:
        return f"OnlyTo({self._origin!r})"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request, with the header if it goes there."""
        if origin_of(request.url or "") == self._origin:
            request.headers[self._header] = self._value
        return request


# --- errors in words ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """What went wrong with a request, in words that quote no address, and whether another try may do."""

    words: str
    is_transient: bool
    is_late: bool = False


def trouble(error: BaseException, clock: Clock | None = None) -> Trouble:
    """What a person is told of an error of the client, whatever a server did to raise it.

    Args:
        error: of requests, of urllib3, of http.client or of the system.
        clock: by which the request was made.
    """
    causes = list(_causes(error))

    def among(*kinds: type[BaseException]) -> BaseException | None:
        return next((cause for cause in causes if isinstance(cause, kinds)), None)

    if invalid := among(ssl.SSLCertVerificationError):
        return Trouble(f"the server's certificate is not valid: {getattr(invalid, 'verify_message', '')}", False)
    if among(LateError) or (clock is not None and clock.is_over):
        return Trouble("not whole in time", True, is_late=True)
    if among(requests.Timeout, TimeoutError):
        return Trouble("no answer in time", True)
    if wrong := among(*_NOT_AN_ADDRESS):
        return Trouble(f"not an address that can be fetched: {without_addresses(wrong)}", False)
    if among(http.client.IncompleteRead, requests.exceptions.ChunkedEncodingError):
        return Trouble("the answer breaks off", True)
    if among(OSError, http.client.HTTPException, HTTPError):
        return Trouble(without_addresses(causes[-1]), True)
    return Trouble(f"the server's answer cannot be understood: {without_addresses(error)}", False)


_NOT_AN_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    LocationValueError,
    http.client.InvalidURL,
    UnicodeError,
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, innermost last: the libraries wrap one another's."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        inner = (getattr(found, "reason", None), *found.args, found.__cause__, found.__context__)
        found = next((cause for cause in inner if isinstance(cause, BaseException)), None)
