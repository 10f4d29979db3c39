"""What stands before every page: the host that is asked for, the headers of every answer, the log of requests."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from flows.errors import FaultLog

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cache-control", "no-store"),
)


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def is_from_here(request: Request) -> bool:
    """Whether a form was sent from a page of this server, as far as the browser says.

    A page whose policy is to send no referrer gives the origin ``null`` with a form; then Sec-Fetch-Site tells,
    and the token in the form in any case.
    """
    origin = request.headers.get("origin")
    if origin not in (None, "null") and urlsplit(str(origin)).netloc != request.headers.get("host"):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


class Guard:
    """The application behind it answers only to names of its own, and with headers that let nothing foreign in.

    Who makes a browser ask this machine under a name of hers (DNS rebinding) is refused. The log has the time, the
    method, what was asked for by its kind, the answer and the milliseconds: no names of files, ids or tokens.
    """

    def __init__(self, application: ASGIApp, hosts: Collection[str], faults: FaultLog) -> None:
        self._application = application
        self._hosts = frozenset(host.lower() for host in hosts)
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def guarded(sent: Message) -> None:
            nonlocal status
            if sent["type"] == "http.response.start":
                status = sent["status"]
                ours = {name.encode() for name, _ in HEADERS}
                kept = [one for one in sent.get("headers", ()) if one[0].lower() not in {*ours, b"server"}]
                sent["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in HEADERS)]
            await send(sent)

        try:
            if host_of(_header(scope, b"host")) in self._hosts:
                await self._application(scope, receive, guarded)
            else:
                await _refuse(guarded)
        except Exception as error:  # its text may quote cells: the traceback goes into a log without them
            self._faults.tell("the desk", error)
            if not status:
                await _fail(guarded)
        endpoint = getattr(scope.get("endpoint"), "__name__", "nothing here")
        if (endpoint, status) == ("state", 200):
            return  # a script asks that every second
        milliseconds = round((time.perf_counter() - begun) * 1000)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        print(moment, scope["method"], endpoint, status, f"{milliseconds} ms", file=sys.stderr, flush=True)


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


async def _plain(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _refuse(send: Send) -> None:
    await _plain(send, 421, "This server is not known by that name.\n")


async def _fail(send: Send) -> None:
    await _plain(send, 500, "Something went wrong here. It was noted. Try again, or tell the operator.\n")
