"""Faults of whole files: the records of a CSV, encodings, what is no workbook at all, what is somebody else's."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from sources.workbooks.template import write_template
from tests.broken.checking import declared, workbook_sources
from tests.broken.drafts import Draft, Page, draft, written
from tests.broken.planting import FAULTS, C, E, Fault, I, Planted, W, Wanted, fault, one_of
from warehouse.messages import Language

Break = Callable[[list[Path], Draft], None]
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def _spoiled(
    name: str, done: str, expected: str, spoil: Break, *, rule: str = "unreadable", **given: object
) -> None:
    """Enter a fault that changes the files once they are written; it is found of the file as a whole."""

    def plant(made: Draft) -> Planted | None:
        if spoil is _other_workbook and made.source.name not in _UNLIKE:
            return None
        return Planted([Wanted(frozenset({rule}), C)])

    placements = int(str(given.pop("placements", 1)))
    FAULTS.append(Fault(name, done, expected, plant, {"kind": "xlsx", **given}, placements, spoil))


def _holds(data: bytes) -> Break:
    return lambda paths, _: (paths[0].write_bytes(data), None)[1]


def _text_as_workbook(paths: list[Path], _: Draft) -> None:
    paths[0].write_text("Dear desk,\nthe numbers will come next week.\n", encoding="utf-8")


def _cut_in_half(paths: list[Path], _: Draft) -> None:
    paths[0].write_bytes(paths[0].read_bytes()[: paths[0].stat().st_size // 2])


def _other_zip(paths: list[Path], _: Draft) -> None:
    with zipfile.ZipFile(paths[0], "w") as archive:
        archive.writestr("photo.txt", "no workbook")


def _without_a_part(paths: list[Path], _: Draft) -> None:
    with zipfile.ZipFile(paths[0]) as old:
        parts = {name: old.read(name) for name in old.namelist() if "sheet1.xml" not in name}
    with zipfile.ZipFile(paths[0], "w") as new:
        for name, data in parts.items():
            new.writestr(name, data)


def _broken_xml(paths: list[Path], _: Draft) -> None:
    with zipfile.ZipFile(paths[0]) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(paths[0], "w") as new:
        for name, data in parts.items():
            new.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)


def _open_quote(paths: list[Path], made: Draft) -> None:
    lines = paths[0].read_bytes().split(b"\r\n")
    lines[3] = b'"' + lines[3]
    paths[0].write_bytes(b"\r\n".join(lines))


_spoiled("letter", "a letter under a workbook's name", "unreadable", _text_as_workbook)
_spoiled("pdf", "a PDF under a workbook's name", "unreadable", _holds(b"%PDF-1.7\n%abc\n"))
_spoiled("old-excel", "an .xls file", "unreadable", _holds(_OLE))
_spoiled(
    "password",
    "a workbook with a password",
    "unreadable",
    _holds(_OLE + "EncryptedPackage".encode("utf-16-le") + b"\0" * 99),
)
_spoiled(
    "web-page", "a web page that a system calls .xls", "unreadable", _holds(b"<html><table><tr><td>1</table>")
)
_spoiled("empty", "a file of no bytes", "unreadable", _holds(b""))
_spoiled("blanks", "a file of blanks", "unreadable", _holds(b"\r\n  \r\n"))
_spoiled("picture", "a picture under a workbook's name", "unreadable", _holds(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
_spoiled("half-a-workbook", "a workbook that was cut off on its way", "unreadable", _cut_in_half, placements=2)
_spoiled("other-zip", "a zip of something else", "unreadable", _other_zip)
_spoiled("lost-part", "a workbook without one of its parts", "unreadable", _without_a_part)
_spoiled("broken-part", "a workbook with half a part", "unreadable", _broken_xml, placements=2)
_spoiled(
    "open-quote",
    "a CSV with one quotation mark",
    "unreadable",
    _open_quote,
    kind="csv",
    encoding="utf-8",
    placements=2,
)


def _another_source(draft_: Draft) -> str:
    return draft_.rng.choice([name for name in workbook_sources() if name != draft_.source.name])


def _other_template(paths: list[Path], made: Draft) -> None:
    write_template(declared().sources[_another_source(made)], Language.ENGLISH, paths[0])


# By headers alone a workbook is another source's only where few of its columns are this one's, as of these two.
_UNLIKE = {"agile_pilots": "future_fifty", "future_fifty": "agile_pilots"}


def _other_workbook(paths: list[Path], made: Draft) -> None:
    other = draft(declared().sources[_UNLIKE[made.source.name]], 7, kind="xlsx")
    other.name = paths[0].stem
    written(other, paths[0].parent)


def _own_template(paths: list[Path], made: Draft) -> None:
    write_template(made.source, Language.ENGLISH, paths[0])


_spoiled(
    "other-template",
    "the template of another source",
    "wrong-place",
    _other_template,
    rule="wrong-place",
    placements=2,
)
_spoiled(
    "other-workbook",
    "the workbook of another source",
    "wrong-place",
    _other_workbook,
    rule="wrong-place",
    placements=2,
)
_spoiled(
    "empty-template",
    "the template as it was given out",
    "empty-template",
    _own_template,
    rule="empty-template",
    placements=2,
)


@fault(
    "older-template",
    "a template of an older version, filled in",
    "older-template, for information",
    kind="xlsx",
    placements=2,
)
def _older(draft_: Draft) -> Planted:
    mark = f"{draft_.source.name} {'0' * 16} en"
    names = [[f"{page.table.name}.{one.name}"] for page in draft_.pages for one in page.table.fields[:-1]]
    lists = "opendistrict: lists for the drop-downs. Leave this sheet as it is."
    draft_.others.append(("Lists", [[lists], [mark], *names]))
    return Planted([Wanted(frozenset({"older-template"}), I)])


# --- the records of a CSV -------------------------------------------------------------------------------------


def _longest(draft_: Draft) -> Page:
    return max(draft_.pages, key=lambda page: len(page.records))


@fault(
    "comma-too-many",
    "a delimiter within a cell that is not quoted",
    "row-length at the row",
    kind="csv",
    placements=4,
)
def _long_record(draft_: Draft) -> Planted | None:
    page = _longest(draft_)
    line = draft_.rng.choice(page.records[3:])
    line.tail = ["too much"]
    return Planted([Wanted(frozenset({"row-length"}), E, page, line)])


@fault("comma-too-few", "a record with cells too few", "row-length at the row", kind="csv", placements=3)
def _short_record(draft_: Draft) -> Planted | None:
    page = _longest(draft_)
    for line in page.records:  # where trailing blanks are left off throughout, a short record is whole
        line.cells[page.columns[-1]] = line.cells[page.columns[-1]] or page.records[0].cells[page.columns[-1]]
    page.records[4].cells[page.columns[-1]] = None
    line = draft_.rng.choice(page.records[5:-1])
    line.length = len(page.columns) - 2
    return Planted([Wanted(frozenset({"row-length"}), E, page, line)])


def _cut(paths: list[Path], made: Draft) -> None:
    path = next(path for path in paths if path.name == made.file_of(_longest(made)))
    text = path.read_bytes().decode(made.encoding).removesuffix("\r\n")
    last = text.rsplit("\r\n", 1)[1]
    path.write_bytes(text[: len(text) - len(last) + len(last) // 2].rstrip(made.delimiter).encode(made.encoding))


def _plant_cut(draft_: Draft) -> Planted:
    page = _longest(draft_)
    return Planted([Wanted(frozenset({"row-length"}), E, page, page.lines[-1])])


FAULTS.append(
    Fault(
        "cut-file",
        "a CSV that ends within a record",
        "row-length at the last row",
        _plant_cut,
        {"kind": "csv"},
        3,
        _cut,
    )
)


@fault(
    "line-break",
    "a line break within a cell that is not quoted",
    "row-length at both pieces",
    kind="csv",
    placements=2,
)
def _line_break(draft_: Draft) -> Planted:
    page = _longest(draft_)
    place = draft_.rng.randrange(3, len(page.records) - 1)
    line = page.records[place]
    middle = len(page.columns) // 2
    rest = type(line)({}, is_record=False)
    rest.cells = dict(zip(page.columns, [line.cells[one] or "x" for one in page.columns[middle:]], strict=False))
    rest.length = len(page.columns) - middle
    line.length = middle + 1
    page.lines.insert(place + 1, rest)
    return Planted([Wanted(frozenset({"row-length"}), E, page, one) for one in (line, rest)])


_MARK = "Kävelyä"


def _one_byte(paths: list[Path], _: Draft) -> None:
    for path in paths:
        data = path.read_bytes()
        path.write_bytes(data.replace(_MARK.encode(), _MARK.encode("cp1252")))


def _plant_byte(draft_: Draft) -> Planted | None:
    target = one_of(
        draft_,
        lambda page, one: (
            one.type == "string"
            and not one.constraints.pattern
            and not one.constraints.code_list
            and one.name not in page.table.primary_key
            and not one.constraints.check
            and one.privacy.value == "public"
            and not any(one.name in key.fields for key in page.table.foreign_keys)
        ),
        filled=True,
    )
    if target is None:
        return None
    page, line, column, declared_ = target
    for other in page.records:
        if other is not line and isinstance(other.cells[column], str):
            other.cells[column] = "Jyväskylän näköala"
    line.cells[column] = _MARK
    return Planted([Wanted(frozenset({"type"}), declared_.severity, page, line, column)])


FAULTS.append(
    Fault(
        "one-wrong-byte",
        "one letter of another encoding in a CSV",
        "type at the cell",
        _plant_byte,
        {"kind": "csv", "encoding": "utf-8", "codes": "codes"},
        2,
        _one_byte,
    )
)


@fault(
    "windows-text",
    "a CSV in another encoding than UTF-8",
    "encoding of the file",
    kind="csv",
    encoding="cp1252",
    placements=2,
)
def _windows(draft_: Draft) -> Planted | None:
    if len(draft_.pages) > 1:
        return None
    page = _longest(draft_)
    free = [one for one in page.table.fields if one.type == "string" and one.name == "source_note"]
    if not free:
        return None
    page.records[0].cells[page.column(free[0].name)] = "Kävelyä yöllä"
    return Planted([Wanted(frozenset({"encoding"}), W)])
