"""A release that was made again, compared file by file with what was released."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.archive import sha256_of

_SHOWN = 160  # characters of a line that differs
_BLOCK = 1 << 20
_BINARY = {".parquet", ".xlsx"}


@dataclass(frozen=True)
class ComparedFile:
    """A file of a release: its sum as it was released, and in words what is other now; empty if it is the same."""

    name: str
    sha256: str
    difference: str = ""

    @property
    def is_same(self) -> bool:
        """Byte for byte what was released."""
        return not self.difference


def compare(
    built: Path, sums: Mapping[str, str], texts: Mapping[str, str], standing: Path | None
) -> tuple[ComparedFile, ...]:
    """Compare a folder with what was released.

    Args:
        built: the release as it was made again.
        sums: by name, the SHA-256 of files as they were released.
        texts: by name, files whose text is known.
        standing: the folder of the release, if it is kept: only then the first difference is told.
    """
    expected = dict(sums) | {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    found = []
    for name in sorted({*expected, *(path.name for path in built.iterdir())}):
        path = built / name
        if name not in expected:
            found.append(ComparedFile(name, "", "it was not in the release"))
        elif not path.is_file():
            found.append(ComparedFile(name, expected[name], "it is not made any more"))
        elif (now := sha256_of(path)) == expected[name]:
            found.append(ComparedFile(name, now))
        else:
            other = standing / name if standing and (standing / name).is_file() else None
            told = f"; {_first_difference(other, path)}" if other else ""
            found.append(
                ComparedFile(name, expected[name], f"its SHA-256 is {now}, and was {expected[name]}{told}")
            )
    return tuple(found)


def _first_difference(then: Path, now: Path) -> str:
    """Where two files begin to differ: the byte, or of a text the line, as it was and as it is."""
    if then.suffix not in _BINARY:
        with (
            then.open(encoding="utf-8", errors="replace") as old,
            now.open(encoding="utf-8", errors="replace") as new,
        ):
            for number, line in enumerate(old, start=1):
                other = next(new, "")
                if line != other:
                    return f"line {number} was {line[:_SHOWN]!r} and is {other[:_SHOWN]!r}"
            return f"there is more in it: {next(new, '')[:_SHOWN]!r}"
    with then.open("rb") as first, now.open("rb") as second:
        place = 0
        while (one := first.read(_BLOCK)) == (two := second.read(_BLOCK)) and one:
            place += len(one)
        same = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
        return f"they differ from byte {place + same} on"
