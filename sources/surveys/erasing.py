"""Taking a person's response out of an export, so that every other byte stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sources import SourceError
from sources.erasing import IsMeant, Lighter, Searched, TakenOut
from sources.surveys.codebook import SUFFIX, read_codebook
from sources.surveys.export import ID, Record, delimiter_of, header_of, records


def without_people(paths: Sequence[Path], is_meant: IsMeant) -> Searched:
    """The exports among files, without the responses of those who are meant, by survey and response.

    A record that cannot be read (a quotation mark is missing) may have swallowed the next ones: one that holds a
    line of somebody who is meant goes as a whole. It was set aside anyway.
    """
    found, unread = {}, {}
    for path in paths:
        if path.name.endswith(".csv"):
            try:
                lighter = _without(path, is_meant)
            except SourceError as error:
                unread[path.name] = str(error)
                continue
            if lighter.taken_out:
                found[path.name] = lighter
    return Searched(found, unread)


def _without(path: Path, is_meant: IsMeant) -> Lighter:
    beside = path.with_name(path.name.removesuffix(".csv") + SUFFIX)
    if not beside.is_file():
        raise SourceError(f"It has no codebook: put {beside.name} beside it.")
    survey = read_codebook(beside).survey_id
    content = path.read_bytes()
    listed = records(path)
    first = next(listed, Record([], 0, 0))
    header = header_of(path, first.cells)
    delimiter = delimiter_of(content[first.start : first.end].decode(errors="replace"))
    kept, taken_out = [content[: first.end]], []
    for number, record in enumerate(listed, start=2):
        raw = content[record.start : record.end]
        ids = _ids(record, raw, header, delimiter)
        key = next(((survey, one) for one in ids if is_meant((survey, one))), None)
        if key is None:
            kept.append(raw)
        else:
            taken_out.append(TakenOut(key, number, tuple(cell.strip() for cell in record.cells)))
    return Lighter(b"".join(kept), tuple(taken_out))


def _ids(record: Record, raw: bytes, header: Sequence[str], delimiter: str) -> Iterator[str]:
    """Whose record it is; of one that is not as long as the header, whose it may be: by each of its lines."""
    place = header.index(ID)
    if len(record.cells) > place:
        yield record.cells[place].strip()
    if len(record.cells) not in (0, len(header)):
        for line in raw.decode(errors="replace").splitlines():
            cells = line.split(delimiter)
            if len(cells) > place:
                yield cells[place].strip().strip('"').strip()
