"""Web addresses: what may be shown of one, and which host it belongs to. Imports nothing heavy."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET = re.compile(r"(?i)key(?!word)|token|secret|passw|signature|credential|auth|^sig$|^pwd$")
_HIDDEN = "withheld"
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str | None, int | None]


def is_url(origin: str) -> bool:
    """Whether an origin is an address rather than a path."""
    return "://" in origin


def is_web(origin: str) -> bool:
    """Whether an origin is an address that is asked for over http or https."""
    return origin.lower().startswith(("http://", "https://"))


def without_credentials(url: str) -> str:
    """An address that may be shown and stored: no user, no password, no keys in the query."""
    if not is_url(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    query = urlencode(
        [(name, _HIDDEN if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query, True)]
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def has_credentials(origin: str) -> bool:
    """Whether an address holds a user's name, a password or a key."""
    if not is_url(origin):
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True  # it may hold anything
    return "@" in parts.netloc or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query, True))


def origin_of(url: str) -> Origin:
    """Scheme, host and port: what has to be the same for credentials to go along.

    Raises:
        ValueError: no address, or one with an impossible port.
    """
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme))


def without_addresses(error: object) -> str:
    """An error's text on one line, without an address it may quote."""
    text = str(error) or type(error).__name__
    return re.sub(r"\w+://\S+", "(address)", text.splitlines()[0])[:200]
