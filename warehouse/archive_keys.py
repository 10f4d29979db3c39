"""The keys under which raw personal data are encrypted: given by whoever runs this, kept nowhere by us.

A key is 32 random bytes, written in URL-safe base64. It is read from the environment when a file is encrypted or
decrypted, so no setting, parameter or object of a run ever holds it. What may be shown of a key is its id.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "OPENDISTRICT_ARCHIVE_KEY"
FILE_VARIABLE = "OPENDISTRICT_ARCHIVE_KEY_FILE"
_BYTES = 32
_STANDS = "Nothing was replaced: what was last known stands."
_HOW_TO_GIVE = f"Set {VARIABLE}, or {FILE_VARIABLE}, where the run starts. {_STANDS}"


class ArchiveKeyError(Exception):
    """A key is needed and not there, or what is given is none; the message says which, and never repeats one."""


@dataclass(frozen=True, repr=False)
class ArchiveKey:
    """One key. It shows its id only."""

    secret: bytes

    @property
    def id(self) -> str:
        """A fingerprint, 16 hexadecimal digits: a digest of 32 random bytes says nothing of them."""
        return hashlib.sha256(b"opendistrict archive key id\0" + self.secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"ArchiveKey({self.id})"


@dataclass(frozen=True)
class Keyring:
    """The keys that are given, the newest first: files are encrypted with it, and decrypted with any of them."""

    keys: tuple[ArchiveKey, ...] = ()

    def find(self, key_id: str) -> ArchiveKey | None:
        """The key of that id, if it is given."""
        return next((key for key in self.keys if key.id == key_id), None)


def is_given(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a key is given, usable or not: then no personal data are to lie about plain."""
    return any(environment.get(name, "").strip() for name in (VARIABLE, FILE_VARIABLE))


def keyring(environment: Mapping[str, str] = os.environ) -> Keyring:
    """The keys of the environment: in a variable, or in the file that another one names.

    Several are separated by spaces, commas or lines, the newest first. In a file, lines after # are notes.

    Raises:
        ArchiveKeyError: something else is given than keys.
    """
    said, path = environment.get(VARIABLE, "").strip(), environment.get(FILE_VARIABLE, "").strip()
    if said and path:
        raise ArchiveKeyError(
            f"{VARIABLE} and {FILE_VARIABLE} are both set, so nobody can say which key is the newest. Set one."
        )
    if path:
        where, lines = f"the file that {FILE_VARIABLE} names", _lines(Path(path))
        if not any(lines):
            raise ArchiveKeyError(f"{where} holds no key. Make one: opendistrict archive-key")
    else:
        where, lines = VARIABLE, [said]
    return Keyring(tuple(_key(text, where) for line in lines for text in line.replace(",", " ").split()))


def newest(source: str) -> ArchiveKey:
    """The key with which a source's files are to be encrypted.

    Raises:
        ArchiveKeyError: there is none, or what is given is none.
    """
    if key := next(iter(keyring().keys), None):
        return key
    raise ArchiveKeyError(
        f"{source}: its files are encrypted in the raw archive, and no archive key is given, so nothing new is put"
        f" there. {_HOW_TO_GIVE}"
    )


def key_of(source: str, snapshot_id: str, key_id: str) -> ArchiveKey:
    """The key under which files of a source's snapshot are encrypted.

    Raises:
        ArchiveKeyError: it is not given; the message says whether none or another one is.
    """
    given = keyring()
    if key := given.find(key_id):
        return key
    where = f"{source}: the snapshot {snapshot_id} is encrypted under the archive key {key_id}"
    if not given.keys:
        raise ArchiveKeyError(f"{where}, and no archive key is given. {_HOW_TO_GIVE}")
    raise ArchiveKeyError(
        f"{where}, and another one is given: {', '.join(key.id for key in given.keys)}. Add the right one to"
        f" {VARIABLE} or its file, after the newest. {_STANDS}"
    )


def new_key() -> str:
    """A new key, as it is to be given in the environment."""
    return urlsafe_b64encode(secrets.token_bytes(_BYTES)).decode()


def _lines(path: Path) -> list[str]:
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ArchiveKeyError(
            f"the file that {FILE_VARIABLE} names cannot be read: {error.strerror}. Check its path and rights."
        ) from None
    except UnicodeDecodeError:
        raise ArchiveKeyError(f"the file that {FILE_VARIABLE} names is no text, so it holds no key.") from None
    return [line.strip() for line in lines if not line.lstrip().startswith("#")]


def _key(text: str, where: str) -> ArchiveKey:
    try:
        secret = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        secret = b""
    if len(secret) != _BYTES or urlsafe_b64encode(secret).decode().rstrip("=") != text.rstrip("="):
        raise ArchiveKeyError(
            f"{where} holds something that is no archive key: a key is {_BYTES} bytes in URL-safe base64, as"
            " opendistrict archive-key makes one. See whether it was copied whole."
        )
    return ArchiveKey(secret)
