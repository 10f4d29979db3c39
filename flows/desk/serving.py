"""The desk served: on loopback, unless another address is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flows.declarations import Declarations
from flows.desk.guarding import LOOPBACK, Guard
from flows.desk.tokens import has_tokens
from flows.errors import FaultLog, RequestError
from flows.settings import Settings

_CONNECTIONS = 64  # at once; more are turned away


def serve_desk(settings: Settings, declared: Declarations, host: str, port: int, known_as: Sequence[str]) -> None:
    """Serve the desk until told to stop.

    Args:
        settings: with the home.
        declared: what is declared.
        host: the address to listen at.
        port: the port.
        known_as: the origins by which browsers know it behind a proxy, such as ``https://desk.example.org``.

    Raises:
        RequestError: an origin is none, or another desk is open on the home.
    """
    import uvicorn

    from flows.desk.application import desk_of

    origins = [_origin(one) for one in known_as]
    desk = desk_of(settings.home, declared.sources, is_secure=any(scheme == "https" for scheme, _ in origins))
    names = {*LOOPBACK, host, *(name for _, name in origins)}
    guard = Guard(desk.application(), names, FaultLog(settings.home, "desk"))
    print(f"The desk is open: {known_as[0] if known_as else f'http://{_in_address(host)}:{port}'}/", flush=True)
    if not has_tokens(settings.home):
        print("No source has a token yet: opendistrict desk-token SOURCE makes one.", flush=True)
    uvicorn.run(
        guard,
        host=host,
        port=port,
        access_log=False,  # ours has no names of files in it, and no ids
        log_level="warning",
        proxy_headers=False,  # whoever asks could say to be anybody
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )


def _origin(text: str) -> tuple[str, str]:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise RequestError(f"{text!r} is no origin. Give one such as https://desk.example.org")
    return parts.scheme, parts.hostname


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
