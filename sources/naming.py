"""What a file's name says: its date, which part of a whole it is, and which files make one snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from warehouse.addresses import is_url

_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_PART = re.compile(r"(?i)[-_. ]?part[-_ ]?(\d+)[-_ ]?(?:of)?[-_ ]?(\d+)")


@dataclass(frozen=True)
class Item:
    """One file of a snapshot: where it is (a path or an address) and the plain name it is kept under."""

    location: str
    name: str


def name_in(location: str) -> str:
    """The plain file name at the end of a path or an address; ``download`` where there is none."""
    name = re.sub(r"[^\w.\- ()+]", "_", called(location)).lstrip(".")
    return name[-150:] or "download"


def called(location: str) -> str:
    """What stands at the end of a path or an address, as it stands there."""
    path = location.partition("?")[0].partition("#")[0] if is_url(location) else location
    path = unquote(path.partition("://")[2].partition("/")[2]) if is_url(location) else path
    return re.split(r"[/\\]", path)[-1]


def date_in(name: str) -> date | None:
    """The ISO date in a file's name, if there is one that exists."""
    for text in _DATE.findall(name):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    return None


def part_in(name: str) -> tuple[int, int] | None:
    """``(2, 7)`` for a name with ``part2_7`` in it."""
    found = _PART.search(name)
    return (int(found[1]), int(found[2])) if found else None


def missing_parts(names: Iterable[str]) -> list[int]:
    """The numbers of the parts that are not among names such as ``...-part1_3.zip``; none if they are no parts."""
    parts = [part for name in names if (part := part_in(name)) is not None]
    count = max((count for _, count in parts), default=0)
    return sorted(set(range(1, count + 1)) - {number for number, _ in parts})


def file_sets(names: Iterable[str]) -> dict[date, list[str]]:
    """The names that make one snapshot, by the date in them: a file of its own, else the parts of one whole.

    A file of its own is preferred to parts of the same date (it is the same content in one piece), all parts to
    some of them; of several, the last by name. Parts that are not all there are a set too: ``missing_parts`` says
    which are not. Names without a date are left out.
    """
    found: dict[date, dict[tuple[int, str], list[str]]] = {}
    for name in set(names):
        plain = name_in(name)
        day, part = date_in(plain), part_in(plain)
        if day is None or (part and not 1 <= part[0] <= part[1]):
            continue
        frame = (0, plain) if part is None else (part[1], _PART.sub("", plain))
        found.setdefault(day, {}).setdefault(frame, []).append(name)

    def preference(frame: tuple[int, str], parts: Sequence[str]) -> tuple[int, int, str]:
        return (-len(missing_parts(map(name_in, parts))), -frame[0], frame[1])

    chosen = {}
    for day, frames in sorted(found.items()):
        best = max(frames, key=lambda frame: preference(frame, frames[frame]))
        by_part = {part_in(name_in(name)): name for name in sorted(frames[best])}
        chosen[day] = [by_part[part] for part in sorted(by_part, key=lambda part: part or (0, 0))]
    return chosen


def is_called(name: str, pattern: str) -> bool:
    """Whether a file's name has the form of a source's names."""
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None
