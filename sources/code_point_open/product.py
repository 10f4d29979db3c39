"""What the product says of itself: which files are of a postcode area, and ``metadata.txt`` with date and counts.

The text of August 2014 has a line ``COPYRIGHT DATE: 20140729`` and one for each area, as ``EC``, a tab, ``4240``.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path, PurePosixPath

from sources.unpacking import is_zip

METADATA = "metadata.txt"
_MOST_BYTES = 64 << 10
_AREA = re.compile(r"([a-z]{1,2})(?:-\d{4}-\d{2}-\d{2})?\.csv", re.IGNORECASE)
_DAY = re.compile(r"^COPYRIGHT DATE:\s*(\d{8})\s*$", re.MULTILINE)
_COUNT = re.compile(r"^\s*([A-Z]{1,2})\t(\d{1,7})\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Metadata:
    """The day of the data, and by postcode area how many records its file has."""

    day: date | None = None
    records: Mapping[str, int] = field(default_factory=dict)


def area_in(name: str) -> str | None:
    """The postcode area of a file by its name, in capitals: ``EC`` of ``ec.csv``; None if it is of none."""
    found = _AREA.fullmatch(name)
    return found[1].upper() if found else None


def is_metadata(name: str) -> bool:
    """Whether a file is the product's description, also under a name with a date."""
    return re.fullmatch(r"metadata(-\d{4}-\d{2}-\d{2})?\.txt", name, re.IGNORECASE) is not None


def metadata_beside(path: Path) -> Path | None:
    """The description of an unpacked product: beside a CSV, or in ``Doc`` beside ``Data``."""
    places = [path.parent / METADATA, path.parent.parent.parent / "Doc" / METADATA]
    return next((place for place in places if place.is_file()), None)


def metadata_in(path: Path) -> Metadata:
    """What the description says, whatever its file is called."""
    with path.open("rb") as file:
        return _parsed(file.read(_MOST_BYTES))


def metadata_of(path: Path) -> Metadata | None:
    """What the description says: of a zip the one in it, else the file itself if it is one; None if there is none.

    A damaged zip has none here: whoever unpacks it says what is wrong.
    """
    if is_metadata(path.name):
        return metadata_in(path)
    if not is_zip(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if is_metadata(PurePosixPath(member.filename).name):
                    with archive.open(member) as opened:
                        return _parsed(opened.read(_MOST_BYTES))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
        return None
    return None


def _parsed(content: bytes) -> Metadata:
    text = content.decode("latin-1").replace("\r", "")
    day = None
    if found := _DAY.search(text):
        try:
            day = datetime.strptime(found[1], "%Y%m%d").date()
        except ValueError:
            day = None
    return Metadata(day, {area: int(count) for area, count in _COUNT.findall(text)})
