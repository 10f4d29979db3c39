"""A zip file written member by member: what nobody changed is copied as it lies, packed as it was.

Python's own writer would unpack and pack again, which costs time and changes bytes. The members keep their names,
their times and their order; a member of ours has the earliest time that a zip file knows, so the same content
makes the same file.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from checks.annotate.editing import SurgeryError
from warehouse.messages import message

_LOCAL = struct.Struct("<4s5H3L2H")  # PKWARE, APPNOTE 4.3.7
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_MOST_BYTES = (1 << 32) - 1  # beyond it a file needs the 64-bit records
_MOST_MEMBERS = (1 << 16) - 1
_UTF8, _DESCRIPTOR_FOLLOWS = 0x800, 0x8
_FIRST_DAY = (1 << 5) | 1  # 1 January 1980


@dataclass
class _Member:
    name: bytes
    flags: int
    method: int
    time: int
    day: int
    crc: int
    packed: int
    size: int
    attributes: int
    at: int

    def local(self) -> bytes:
        return (
            _LOCAL.pack(
                b"PK\x03\x04", 20, self.flags, self.method, self.time, self.day, self.crc, self.packed, self.size,
                len(self.name), 0,
            )
            + self.name
        )  # fmt: skip

    def central(self) -> bytes:
        return (
            _CENTRAL.pack(
                b"PK\x01\x02", 20, 20, self.flags, self.method, self.time, self.day, self.crc, self.packed,
                self.size, len(self.name), 0, 0, 0, 0, self.attributes, self.at,
            )
            + self.name
        )  # fmt: skip


class ZipWriter:
    """Writes a zip file into an open, seekable file."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._members: list[_Member] = []

    def copy(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Take a member of another zip file over, as it is packed there."""
        source = archive.fp
        if source is None:
            raise SurgeryError(message("its file is damaged"))
        source.seek(info.header_offset)
        header = source.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise SurgeryError(message("its file is damaged"))
        name_length, extra_length = _LOCAL.unpack(header)[-2:]
        source.seek(info.header_offset + _LOCAL.size + name_length + extra_length)
        flags = info.flag_bits & ~_DESCRIPTOR_FOLLOWS
        name = info.orig_filename.encode("utf-8" if flags & _UTF8 else "cp437")
        year, month, day, hour, minute, second = info.date_time
        member = _Member(
            name, flags, info.compress_type, hour << 11 | minute << 5 | second // 2,
            (year - 1980) << 9 | month << 5 | day, info.CRC, info.compress_size, info.file_size,
            info.external_attr, self._target.tell(),
        )  # fmt: skip
        self._target.write(member.local())
        left = info.compress_size
        while left:
            chunk = source.read(min(left, 1 << 20))
            if not chunk:
                raise SurgeryError(message("its file is damaged"))
            self._target.write(chunk)
            left -= len(chunk)
        self._members.append(member)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add a member of ours."""
        flags = 0 if name.isascii() else _UTF8
        member = _Member(
            name.encode(), flags, zipfile.ZIP_DEFLATED, 0, _FIRST_DAY, 0, 0, 0, 0o600 << 16, self._target.tell()
        )
        self._target.write(member.local())
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        for chunk in chunks:
            member.crc = zlib.crc32(chunk, member.crc)
            member.size += len(chunk)
            packed = packer.compress(chunk)
            member.packed += len(packed)
            self._target.write(packed)
        rest = packer.flush()
        member.packed += len(rest)
        self._target.write(rest)
        end = self._target.tell()
        if end > _MOST_BYTES or member.size > _MOST_BYTES:
            raise SurgeryError(message("its copy would be too large"))
        self._target.seek(member.at)
        self._target.write(member.local())
        self._target.seek(end)
        self._members.append(member)

    def finish(self) -> None:
        """Write the list of members, which ends the file."""
        start = self._target.tell()
        if len(self._members) > _MOST_MEMBERS or start > _MOST_BYTES:
            raise SurgeryError(message("its copy would be too large"))
        for member in self._members:
            self._target.write(member.central())
        size = self._target.tell() - start
        count = len(self._members)
        self._target.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, 0))
