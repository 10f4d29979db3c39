"""A proxy that spoils one request of many, as a network, a proxy before CKAN or CKAN itself may."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

DELAY_S = 0.4
_OWN = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade", "content-length"}


class Fault(StrEnum):
    """What becomes of a request."""

    CUT_BEFORE = "the connection breaks before the request is done"
    CUT_AFTER = "the request is done and its answer is lost"
    HALF_ANSWER = "the request is done and its answer breaks off"
    DELAY = "the request waits"
    TWICE = "the request is done twice"
    TOO_MANY = "429 with Retry-After"
    UNAVAILABLE = "503 with Retry-After"
    ERROR = "500"
    BAD_GATEWAY_AFTER = "the request is done, and a gateway answers 502"
    FORBIDDEN = "403"
    NOT_FOUND = "404 of a page"


_STATUS = {
    Fault.TOO_MANY: 429,
    Fault.UNAVAILABLE: 503,
    Fault.ERROR: 500,
    Fault.FORBIDDEN: 403,
    Fault.NOT_FOUND: 404,
}


Spoiled = int | tuple[str, int]
"""A request by its number, or by what is asked and its number among those that ask the same."""


class FaultyProxy:
    """Passes requests on to a server, but for those it was told to spoil."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.calls: list[str] = []
        self._faults: dict[Spoiled, Fault] = {}
        self._lock = threading.Lock()
        self.url = ""

    def arm(self, faults: Mapping[Spoiled, Fault]) -> None:
        """Spoil these requests, counted from 0 from now on, all or those of a kind; ``calls`` begins anew."""
        with self._lock:
            self.calls, self._faults = [], dict(faults)

    def note(self, call: str) -> Fault | None:
        """Count a request; what is to become of it."""
        with self._lock:
            self.calls.append(call)
            of_its_kind = (call, self.calls.count(call) - 1)
            return self._faults.pop(len(self.calls) - 1, None) or self._faults.pop(of_its_kind, None)

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultyProxy]:
        """Serve on loopback while the block runs."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    proxy: FaultyProxy
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.note(f"{self.command} {self.path}")
        if fault is Fault.CUT_BEFORE:
            return self._cut()
        if fault in _STATUS:
            return self._answer(_STATUS[fault], [("Retry-After", "1")], b"<h1>no</h1>")
        if fault is Fault.DELAY:
            time.sleep(DELAY_S)
        if fault is Fault.TWICE:
            self._ask(body)
        status, headers, content = self._ask(body)
        if fault is Fault.CUT_AFTER:
            return self._cut()
        if fault is Fault.BAD_GATEWAY_AFTER:
            return self._answer(502, [], b"<h1>bad gateway</h1>")
        if fault is Fault.HALF_ANSWER:
            return self._answer(status, headers, content, keep=len(content) // 2)
        return self._answer(status, headers, content)

    do_GET = do_POST = do_HEAD = _pass_on  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = self.proxy.target
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=120)
        sent = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        connection.request(self.command, self.path, body or None, sent)
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN]
        if self.command == "HEAD":
            kept += [("Content-Length", answer.getheader("Content-Length") or "0")]
        content = answer.read()
        connection.close()
        return answer.status, kept, content

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, keep: int | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            if self.command != "HEAD":
                self.wfile.write(content if keep is None else content[:keep])
        self.close_connection = True
        if keep is not None:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
