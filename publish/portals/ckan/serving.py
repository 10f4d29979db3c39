"""Whether a file that a CKAN serves is the one that was sent: by when it came, by its bytes where in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote as url_quote

from publish.portals.ckan.client import Served

# Of a resource: when the bytes came that were downloaded and had the right sum. Whoever sends other bytes, or puts
# them into the portal's storage, makes it say something else than the portal does.
VERIFIED = "verified"


def arrived(item: Mapping[str, Any], served: Served) -> str:
    """When the bytes of a file came to the portal, as it tells in two ways."""
    return f"{item.get('last_modified') or ''} {served.modified}".strip()


def is_doubtful(item: Mapping[str, Any], served: Served) -> bool:
    """Whether nobody has seen that the bytes of a file that stands are the right ones."""
    if not item.get("hash") or item.get("url_type") != "upload" or served.size == -1:
        return False
    verified = str(item.get(VERIFIED) or "")
    if not served.modified:  # the portal was not asked, or does not tell
        verified = verified.partition(" ")[0]
    return verified != arrived(item, served)


def replaced(item: Mapping[str, Any], file_name: str, served: Served, sha256: str) -> str:
    """How a file is another than the one that was sent; empty if it is the same."""
    if item.get("url_type") != "upload":
        return "somebody has put a link in the place of the file"
    if str(item.get("url") or "").rsplit("/", 1)[-1] != url_quote(file_name):
        return "the file has another name on the portal"
    if served.size == -1:
        return "the portal has lost the file"
    if served.sha256 and served.sha256 != sha256:
        return "the portal serves other bytes than were published"
    return ""
