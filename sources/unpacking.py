"""Unpacking what came from outside: a zip may be rubbish, a bomb, or try to write where it should not.

Nothing in the archive decides a path: members are written under names of ours, in pieces, never into memory.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sources import SourceError
from warehouse.progress import Progress, silent

_CHUNK = 1 << 20
_ENCRYPTED = 0x1

# The ways of packing that Python can undo; the names of others, by their numbers in PKWARE's APPNOTE.
_KNOWN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_OTHER_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold. The whole UK register is one member of 2.7 GB from a zip of 0.5 GB."""

    members: int = 1
    total_bytes: int = 20 << 30
    ratio: int = 200  # bytes unpacked for one packed; CSV of mostly empty fields reaches 5 to 30
    ratio_from_bytes: int = 10 << 20  # below this the ratio does not matter


@dataclass(frozen=True)
class Unpacked:
    """A member, written to ``path``. ``name`` is its plain name in the archive, ``size`` in bytes."""

    path: Path
    name: str
    size: int


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip does, whatever its name. A damaged zip is still one."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def look_into(archive: Path, limits: Limits | None = None) -> None:
    """Refuse what ``unpack`` would refuse, as far as the archive's directory tells; unpacks nothing.

    Raises:
        SourceError: as ``unpack``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _refuse(archive, [member for member in opened.infolist() if not member.is_dir()], limits or Limits())
    except _DAMAGED as error:
        raise _not_a_zip(archive, error) from error


def unpack(
    archive: Path,
    folder: Path,
    *,
    limits: Limits | None = None,
    observe: Callable[[bytes], None] | None = None,
    progress: Progress = silent,
) -> list[Unpacked]:
    """Write an archive's members into a folder, under names of ours.

    Args:
        archive: the zip.
        folder: made if it is missing.
        limits: how much it may hold.
        observe: is given every piece as it is written (to count lines without another read).
        progress: told in bytes.

    Raises:
        SourceError: no zip; damaged; encrypted; more members, bytes or compression than allowed; a name that
            leads out of the folder; a link. The message names file and member. What was written is removed.
    """
    limits = limits or Limits()
    written: list[Unpacked] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse(archive, members, limits)
            total = sum(member.file_size for member in members)
            folder.mkdir(parents=True, exist_ok=True)
            done = 0
            for number, member in enumerate(members, start=1):
                name = PurePosixPath(member.filename).name
                path = folder / f"{archive.stem}-{number}{_suffix(name)}"
                written.append(Unpacked(path, name, member.file_size))
                try:
                    done += _write(opened, member, path, limits, done, archive, observe, progress, total)
                except _DAMAGED as error:
                    raise SourceError(
                        f"{archive.name}: the member {_shown(member)} cannot be unpacked: {_said(error)}."
                        " The file is damaged: fetch it again."
                    ) from error
    except _DAMAGED as error:
        _remove(written)
        raise _not_a_zip(archive, error) from error
    except SourceError:
        _remove(written)
        raise
    except OSError as error:
        _remove(written)
        raise SourceError(
            f"{archive.name} cannot be unpacked into {folder}: {error.strerror}. Make room on the disk, or see its"
            " rights."
        ) from error
    return written


# What zipfile raises over damaged, encrypted or unknown content; OSError is not among them (a full disk).
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def _not_a_zip(archive: Path, error: BaseException) -> SourceError:
    return SourceError(
        f"{archive.name} is not a zip that can be read: {_said(error)}. Fetch it again, or see whether the"
        " publisher answered with a page instead of the file."
    )


def _refuse(archive: Path, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Everything that can be refused from the directory alone, before a byte is unpacked."""
    if not members:
        raise SourceError(f"{archive.name}: the archive is empty. Fetch it again.")
    if len(members) > limits.members:
        raise SourceError(
            f"{archive.name}: holds {len(members)} members, expected no more than {limits.members}:"
            f" {', '.join(_shown(member) for member in members[:3])} ... Hand in the file the publisher gives."
        )
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.filename.startswith(("/", "\\")) or ".." in parts or ":" in member.filename:
            raise SourceError(f"{archive.name}: the member {_shown(member)} has a path that leads out: refused")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise SourceError(f"{archive.name}: the member {_shown(member)} is a symbolic link: refused")
        if member.flag_bits & _ENCRYPTED:
            raise SourceError(
                f"{archive.name}: the member {_shown(member)} is encrypted. Hand it in without a password."
            )
        if member.compress_type not in _KNOWN_METHODS:
            method = _OTHER_METHODS.get(member.compress_type, "one of its own")
            raise SourceError(
                f"{archive.name}: the member {_shown(member)} is packed with method {member.compress_type}"
                f" ({method}), which cannot be read here. The file is not damaged: unpack it, zip it again with"
                " an ordinary program (Deflate), and hand that in."
            )
    total = sum(member.file_size for member in members)
    packed = archive.stat().st_size
    if total > limits.total_bytes:
        raise SourceError(_too_big(archive, f"declares {total:,} bytes", limits))
    if total > limits.ratio_from_bytes and total > packed * limits.ratio:
        raise SourceError(_too_big(archive, f"declares {total:,} bytes in {packed:,}", limits))


def _write(
    opened: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    path: Path,
    limits: Limits,
    before: int,
    archive: Path,
    observe: Callable[[bytes], None] | None,
    progress: Progress,
    total: int,
) -> int:
    """Unpack one member, counting what really comes out: a directory can lie. Returns the bytes."""
    size = 0
    packed = archive.stat().st_size
    with opened.open(member) as reader, path.open("xb") as writer:
        while piece := reader.read(_CHUNK):
            size += len(piece)
            so_far = before + size
            if so_far > limits.total_bytes or (
                so_far > limits.ratio_from_bytes and so_far > packed * limits.ratio
            ):
                raise SourceError(_too_big(archive, f"gave {so_far:,} bytes and more", limits))
            writer.write(piece)
            if observe:
                observe(piece)
            progress(f"unpack {archive.name}", so_far, total, "bytes")
    if size != member.file_size:
        raise zipfile.BadZipFile(f"{size:,} bytes instead of {member.file_size:,}")
    return size


def _too_big(archive: Path, what: str, limits: Limits) -> str:
    return (
        f"{archive.name}: {what}, more than the {limits.total_bytes:,} bytes or the {limits.ratio} times its own"
        " size that are allowed. Refused as a zip bomb; if the file is right, raise the limits."
    )


def _remove(written: list[Unpacked]) -> None:
    for member in written:
        member.path.unlink(missing_ok=True)


def _suffix(name: str) -> str:
    """A plain ending such as ``.csv``, or none."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""


def _shown(member: zipfile.ZipInfo) -> str:
    """A member's name as a message may show it: one line, not too long."""
    return repr(member.filename[:80])


def _said(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")[:200]
