"""The tokens by which coordinators are known at the desk: one a source. Only their hashes are kept.

A token is 256 random bits, so a plain SHA-256 of it tells nothing; no salt and no slow hash are needed against
guessing. The file with the hashes can be read by its owner alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.errors import RequestError
from warehouse.home import Home, to_json

_FILE = "desk-tokens.json"
MAX_TOKEN = 200  # characters; ours have 43


def make_token(home: Home, source: str) -> str:
    """A new token of a source, told this once. An earlier one of the source is void from now on."""
    token = secrets.token_urlsafe(32)
    with _changing(home) as kept:
        kept[source] = {"sha256": hash_of(token), "made": datetime.now(UTC).isoformat(timespec="seconds")}
    return token


def revoke_token(home: Home, source: str) -> bool:
    """Make the token of a source void; False if it had none."""
    with _changing(home) as kept:
        return kept.pop(source, None) is not None


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def source_of_token(home: Home, token: str) -> str | None:
    """The source whose token it is; None if it is nobody's. Every hash is compared, each in constant time."""
    given = hash_of(token[:MAX_TOKEN])
    found = None
    for source, entry in _read(home).items():
        if hmac.compare_digest(entry["sha256"], given):
            found = source
    return found


def is_valid(home: Home, source: str, digest: str) -> bool:
    """Whether the token with that hash is the source's still."""
    entry = _read(home).get(source)
    return entry is not None and hmac.compare_digest(entry["sha256"], digest)


def has_tokens(home: Home) -> bool:
    """Whether any source has one."""
    return bool(_read(home))


def _path(home: Home) -> Path:
    return home.root / _FILE


def _read(home: Home) -> dict[str, Mapping[str, str]]:
    path = _path(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise RequestError(f"{path} cannot be read. Remove it and make new tokens.") from error
    if not isinstance(content, dict):
        raise RequestError(f"{path} is no list of tokens. Remove it and make new tokens.")
    return {
        str(source): entry
        for source, entry in content.items()
        if isinstance(entry, dict) and isinstance(entry.get("sha256"), str)
    }


@contextmanager
def _changing(home: Home) -> Iterator[dict[str, Mapping[str, str]]]:
    """The hashes, to be changed by one at a time, and written whole or not at all."""
    path = _path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{_FILE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _read(home)
        yield kept
        unfinished = path.with_name(f".{_FILE}.unfinished")
        unfinished.unlink(missing_ok=True)
        # Made with its rights: a file that is narrowed afterwards was open for a moment.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(to_json(kept))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
