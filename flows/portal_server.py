"""The folder portal served on loopback: its files as they stand, and nothing else.

What a web server in front of the public has to do is what is done here: pages may load only from where they
came, files of data may be read from any page (so that a browser's DuckDB or a notebook can), parts of a file are
given to whoever asks for parts, and what begins with a dot, or is the portal's own note, is nobody's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import RequestError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONNECTIONS = 64  # at once; more are turned away
_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    # asked again each time, and answered by 304 where nothing changed: a night may come at any moment
    ("cache-control", "no-cache"),
)
# What the machine's own list lacks, or leaves without its characters.
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".ttl": "text/turtle; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/atom+xml; charset=utf-8",
    ".yaml": "application/yaml",
}
_PAGES = frozenset({".html", ".js", ".css"})  # of the site itself; all else is data, to be read from anywhere
_OWN = frozenset({"state.json"})


def serve_portal(folder: Path, port: int) -> None:
    """Serve a portal's folder on loopback until told to stop.

    Raises:
        RequestError: there is no portal in the folder.
    """
    import uvicorn

    application = application_of(folder)
    print(f"The portal is open: http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )


def application_of(folder: Path) -> ASGIApp:
    """The portal as a web application.

    Raises:
        RequestError: there is no portal in the folder.
    """
    from starlette.staticfiles import StaticFiles

    if not (folder / "index.html").is_file():
        raise RequestError(
            f"{folder} is no portal: it has no index.html. Publish into it first: opendistrict publish"
        )
    return _Guard(StaticFiles(directory=folder, html=True))


class _Guard:
    """Gives every answer its headers, and refuses what is not for visitors."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _lifespan(receive, send)
            return
        path = str(scope["path"])
        kind = _kind_of(path)

        async def told(sent: Message) -> None:
            if sent["type"] == "http.response.start":
                ours = [*_HEADERS]
                if sent["status"] in (200, 206, 304) and kind in _TYPES:
                    ours.append(("content-type", _TYPES[kind]))
                if kind not in _PAGES:
                    ours += [
                        ("access-control-allow-origin", "*"),
                        ("access-control-expose-headers", "accept-ranges, content-length, content-range, etag"),
                        ("cross-origin-resource-policy", "cross-origin"),
                    ]
                names = {name.encode() for name, _ in ours}
                kept = [one for one in sent.get("headers", ()) if one[0].lower() not in names]
                sent["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in ours)]
            await send(sent)

        if not _is_known_host(scope):
            await _plain(told, 421, "This server is not known by that name.\n")
        elif scope["method"] == "OPTIONS" and kind not in _PAGES:
            await _preflight(told)
        elif _is_private(path):
            await _plain(told, 404, "There is nothing here.\n")
        else:
            await _answer(self._application, scope, receive, told)


async def _answer(application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.exceptions import HTTPException

    try:
        await application(scope, receive, send)
    except HTTPException as error:
        words = "Only GET and HEAD are answered.\n" if error.status_code == 405 else "There is nothing here.\n"
        await _plain(send, error.status_code, words)


def _kind_of(path: str) -> str:
    """What the address leads to, by its ending; a folder is its page."""
    last = path.rsplit("/", 1)[-1]
    return Path(last).suffix.lower() if "." in last else ".html"


def _is_private(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return any(part.startswith(".") for part in parts) or parts[-1] in _OWN


def _is_known_host(scope: Scope) -> bool:
    """Whoever makes a browser ask this machine under a name of hers (DNS rebinding) is refused."""
    found = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(found) != 1:
        return False
    name = found[0].rsplit(":", 1)[0] if not found[0].endswith("]") else found[0]
    return name.lower() in _HOSTS


async def _plain(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _preflight(send: Send) -> None:
    headers = [
        (b"access-control-allow-methods", b"GET, HEAD"),
        (b"access-control-allow-headers", b"range, if-none-match"),
        (b"access-control-max-age", b"86400"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
