"""A web server on this machine for tests, with routes that answer as they like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(routes: dict[str, Answer], protocol: str = "HTTP/1.0") -> Iterator[str]:
    """The address of a server; routes by path, the query aside."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        routes[handler.path.partition("?")[0]](handler)

    with serving(answer, protocol) as address:
        yield address


@contextmanager
def serving(answer: Answer, protocol: str = "HTTP/1.0") -> Iterator[str]:
    """The address of a server that answers every path by itself."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def give(handler: BaseHTTPRequestHandler, status: int = 200, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def give_half(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A body that breaks off in the middle."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])


def raw(answer: bytes) -> Answer:
    """An answer as it stands, whatever HTTP says of it."""
    return lambda handler: handler.wfile.write(answer) and None


class Drip:
    """An answer that begins, and then comes a byte at a time: for 20 seconds, far beyond any deadline."""

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._is_over = threading.Event()
        self._is_left = False

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(self._start)
            for _ in range(400):
                handler.wfile.write(b"x")
                threading.Event().wait(0.05)
        except OSError:
            self._is_left = True
        self._is_over.set()

    def was_left(self) -> bool:
        """Whether who asked hung up before the end. Waits until one of the two is so."""
        return self._is_over.wait(60) and self._is_left
