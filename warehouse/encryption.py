r"""Files encrypted at rest: our format, which streams, so that a file of any size takes little memory.

An encrypted file is a header and chunks, one after the other::

    header  "opendistrict encrypted 1\n" (25 bytes; 1 is the format's version)
            id of the key (8 bytes), salt (32 random bytes, other ones for every file)
    chunk   up to 65,536 bytes of the file, encrypted, and the tag of 16 bytes

Every file has a key of its own: HKDF-SHA256 (RFC 5869) of the archive's key with the salt, whose info is the rest
of the header and the *context*: which file of which snapshot it is. So no two files have one key, and a file put
into another one's place is none. The chunks are AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar,
Rogaway and Vizar, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): a chunk's
nonce is seven bytes of the HKDF, its number (4 bytes) and whether it is the last (1 byte). A changed bit, a chunk
that is missing, twice, at another place or of another file, and a file that was cut off fail by their tags.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from warehouse.archive_keys import ArchiveKey

_MAGIC = b"opendistrict encrypted 1\n"
_ID_BYTES, _SALT_BYTES = 8, 32
_KEY_BYTES, _PREFIX_BYTES = 32, 7
_CHUNK, _TAG = 1 << 16, 16


class EncryptedFileError(Exception):
    """A file is not what was encrypted with this key for this place."""


def encrypt(plain: Path, target: Path, key: ArchiveKey, context: str) -> None:
    """Encrypt a file into a new one that is on the disk and was read back: the plain bytes may be the only ones.

    Args:
        plain: the file.
        target: the file to make; nothing is left there on an error.
        key: the archive's key.
        context: what the file is; it is decrypted as nothing else.

    Raises:
        OSError: what was written is not what lies there.
    """
    header = _MAGIC + bytes.fromhex(key.id) + secrets.token_bytes(_SALT_BYTES)
    chunks = _Chunks(key, header, context)
    with plain.open("rb") as reader, _private(target) as writer:
        writer.write(header)
        for number, is_last, piece in _pieces(reader, _CHUNK):
            writer.write(chunks.encrypted(number, is_last, piece))
        writer.flush()
        os.fsync(writer.fileno())
        try:
            for _ in decrypted(target, key, context):
                pass
        except EncryptedFileError:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target)) from None


def decrypt(path: Path, target: Path, key: ArchiveKey, context: str) -> None:
    """Decrypt a file into a new one that its owner alone may read.

    Args:
        path: the encrypted file.
        target: the file to make; nothing is left there on an error, so nobody uses what is not proved whole.
        key: the archive's key under which it was encrypted.
        context: as it was given when it was encrypted.

    Raises:
        EncryptedFileError: it was changed or cut off, is another file, or was encrypted under another key.
    """
    with _private(target) as writer:
        for piece in decrypted(path, key, context):
            writer.write(piece)


def decrypted(path: Path, key: ArchiveKey, context: str) -> Iterator[bytes]:
    """The plain bytes in pieces; that they are all of the file is proved when the last one has come.

    Raises:
        EncryptedFileError: as of ``decrypt``.
    """
    from cryptography.exceptions import InvalidTag

    with path.open("rb") as reader:
        header = reader.read(len(_MAGIC) + _ID_BYTES + _SALT_BYTES)
        if header[:-_SALT_BYTES] != _MAGIC + bytes.fromhex(key.id):
            raise EncryptedFileError("it has not the header of a file that was encrypted with this key")
        chunks = _Chunks(key, header, context)
        for number, is_last, piece in _pieces(reader, _CHUNK + _TAG):
            try:
                yield chunks.decrypted(number, is_last, piece)
            except InvalidTag:
                raise EncryptedFileError(
                    f"chunk {number} is not what was encrypted: it was changed or cut off, or is another file's"
                ) from None


class _Chunks:
    """The chunks of one file: STREAM over AES-256-GCM, under a key that is this file's alone."""

    def __init__(self, key: ArchiveKey, header: bytes, context: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a library of C and Rust: 40 ms
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info, salt = header[:-_SALT_BYTES] + context.encode(), header[-_SALT_BYTES:]
        derived = HKDF(SHA256(), _KEY_BYTES + _PREFIX_BYTES, salt, info).derive(key.secret)
        self._cipher, self._prefix = AESGCM(derived[:_KEY_BYTES]), derived[_KEY_BYTES:]

    def encrypted(self, number: int, is_last: bool, piece: bytes) -> bytes:
        """A chunk; OverflowError beyond 2**32 of them, which is 256 TiB."""
        return self._cipher.encrypt(self._nonce(number, is_last), piece, None)

    def decrypted(self, number: int, is_last: bool, piece: bytes) -> bytes:
        """What was encrypted; InvalidTag if this chunk was not at this place of this file."""
        return self._cipher.decrypt(self._nonce(number, is_last), piece, None)

    def _nonce(self, number: int, is_last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([is_last])


def _pieces(reader: BinaryIO, size: int) -> Iterator[tuple[int, bool, bytes]]:
    """What follows in a file in pieces: each one's number, and whether it is the last. Of nothing an empty one."""
    number, piece = 0, reader.read(size)
    while following := reader.read(size):
        yield number, False, piece
        number, piece = number + 1, following
    yield number, True, piece


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that its owner alone may read; gone again if it is not written to its end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
