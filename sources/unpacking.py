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
from warehouse.messages import message
from warehouse.progress import Progress, silent

_CHUNK = 1 << 20
_ENCRYPTED = 0x1

# The ways of packing that Python can undo; the names of others, by their numbers in PKWARE's APPNOTE.
_KNOWN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_OTHER_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}


@dataclass(frozen=True)
class UnpackingLimits:
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


def look_into(archive: Path, limits: UnpackingLimits | None = None) -> None:
    """Refuse what ``unpack`` would refuse, as far as the archive's directory tells; unpacks nothing.

    Raises:
        SourceError: as ``unpack``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _refuse(
                archive,
                [member for member in opened.infolist() if not member.is_dir()],
                limits or UnpackingLimits(),
            )
    except _DAMAGED as error:
        raise _not_a_zip(archive, error) from error


def unpack(
    archive: Path,
    folder: Path,
    *,
    limits: UnpackingLimits | None = None,
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
    limits = limits or UnpackingLimits()
    written: list[Unpacked] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse(archive, members, limits)
            folder.mkdir(parents=True, exist_ok=True)
            writer = _Writer(archive, limits, sum(member.file_size for member in members), observe, progress)
            for number, member in enumerate(members, start=1):
                name = PurePosixPath(member.filename).name
                path = folder / f"{archive.stem}-{number}{_suffix(name)}"
                written.append(Unpacked(path, name, member.file_size))
                try:
                    writer.write(opened, member, path)
                except _DAMAGED as error:
                    raise SourceError(
                        message(
                            "{archive}: the member {member} cannot be unpacked: {error}. The file is damaged:"
                            " fetch it"
                            " again.",
                            archive=archive.name,
                            member=_shown(member),
                            error=_said(error),
                        )
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
            message(
                "{archive} cannot be unpacked into {folder}: {error}. Make room on the disk, or see its rights.",
                archive=archive.name,
                folder=str(folder),
                error=str(error.strerror),
            )
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
        message(
            "{archive} is not a zip that can be read: {error}. Fetch it again, or see whether the publisher"
            " answered"
            " with a page instead of the file.",
            archive=archive.name,
            error=_said(error),
        )
    )


def _refuse(archive: Path, members: list[zipfile.ZipInfo], limits: UnpackingLimits) -> None:
    """Everything that can be refused from the directory alone, before a byte is unpacked."""
    if not members:
        raise SourceError(message("{archive}: the archive is empty. Fetch it again.", archive=archive.name))
    if len(members) > limits.members:
        raise SourceError(
            message(
                "{archive}: holds {members} members, expected no more than {most}: {first} ... Hand in the file"
                " the"
                " publisher gives.",
                archive=archive.name,
                members=len(members),
                most=limits.members,
                first=", ".join(_shown(member) for member in members[:3]),
            )
        )
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.filename.startswith(("/", "\\")) or ".." in parts or ":" in member.filename:
            raise SourceError(
                message(
                    "{archive}: the member {member} has a path that leads out: refused",
                    archive=archive.name,
                    member=_shown(member),
                )
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise SourceError(
                message(
                    "{archive}: the member {member} is a symbolic link: refused",
                    archive=archive.name,
                    member=_shown(member),
                )
            )
        if member.flag_bits & _ENCRYPTED:
            raise SourceError(
                message(
                    "{archive}: the member {member} is encrypted. Hand it in without a password.",
                    archive=archive.name,
                    member=_shown(member),
                )
            )
        if member.compress_type not in _KNOWN_METHODS:
            method = _OTHER_METHODS.get(member.compress_type, message("one of its own"))
            raise SourceError(
                message(
                    "{archive}: the member {member} is packed with method {number} ({method}), which cannot be"
                    " read"
                    " here. The file is not damaged: unpack it, zip it again with an ordinary program"
                    " (Deflate), and"
                    " hand that in.",
                    archive=archive.name,
                    member=_shown(member),
                    number=member.compress_type,
                    method=method,
                )
            )
    total = sum(member.file_size for member in members)
    packed = archive.stat().st_size
    if total > limits.total_bytes:
        raise SourceError(_too_big(archive, message("declares {bytes} bytes", bytes=total), limits))
    if total > limits.ratio_from_bytes and total > packed * limits.ratio:
        raise SourceError(
            _too_big(archive, message("declares {bytes} bytes in {packed}", bytes=total, packed=packed), limits)
        )


class _Writer:
    """Writes an archive's members, counting what really comes out: a directory can lie."""

    def __init__(
        self,
        archive: Path,
        limits: UnpackingLimits,
        declared: int,
        observe: Callable[[bytes], None] | None,
        progress: Progress,
    ) -> None:
        self._archive = archive
        self._packed = archive.stat().st_size
        self._limits = limits
        self._declared = declared  # bytes of all members
        self._observe = observe
        self._progress = progress
        self._done = 0

    def write(self, opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
        """Unpack one member."""
        before = self._done
        with opened.open(member) as reader, path.open("xb") as file:
            while piece := reader.read(_CHUNK):
                self._done += len(piece)
                if _is_bomb(self._done, self._packed, self._limits):
                    raise SourceError(
                        _too_big(
                            self._archive, message("gave {bytes} bytes and more", bytes=self._done), self._limits
                        )
                    )
                file.write(piece)
                if self._observe:
                    self._observe(piece)
                self._progress(f"unpack {self._archive.name}", self._done, self._declared, "bytes")
        if self._done - before != member.file_size:
            raise zipfile.BadZipFile(f"{self._done - before:,} bytes instead of {member.file_size:,}")


def _is_bomb(size: int, packed: int, limits: UnpackingLimits) -> bool:
    return size > limits.total_bytes or (size > limits.ratio_from_bytes and size > packed * limits.ratio)


def _too_big(archive: Path, what: str, limits: UnpackingLimits) -> str:
    return message(
        "{archive}: {what}, more than the {most} bytes or the {ratio} times its own size that are allowed."
        " Refused as"
        " a zip bomb; if the file is right, raise the limits.",
        archive=archive.name,
        what=what,
        most=limits.total_bytes,
        ratio=limits.ratio,
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
