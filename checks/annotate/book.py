"""The workbook part: our sheet before all others, and whatever counts sheets by their place counted anew."""

from __future__ import annotations

from collections.abc import Collection

from checks.annotate.editing import Node, SurgeryError, escaped, strange
from checks.annotate.styles import put
from checks.annotate.surgery import KIND_SPACES, Relation, Surgery
from warehouse.messages import Message, marked
from warehouse.sheets.xlsx import part_key

_ORDER = (
    "fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups",
    "externalReferences", "definedNames", "calcPr", "oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr",
    "smartTagTypes", "webPublishing", "fileRecoveryPr", "webPublishObjects", "extLst",
)  # fmt: skip
_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
# A template opens as a new workbook, and not under the name of one.
_OPENED_AS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    ),
    "application/vnd.ms-excel.template.macroEnabled.main+xml": _MACROS,
}
_REFUSED = {
    "revisionHeaders": marked("it is a shared workbook that keeps track of changes"),
    "origin": marked("it is signed, and whatever is put into it would break the signature"),
}


class Workbook:
    """The workbook part of a package.

    ``suffix`` is what its file's name must end in to be opened.

    Raises:
        SurgeryError: it is signed, or keeps track of changes.
    """

    def __init__(self, surgery: Surgery) -> None:
        self._surgery = surgery
        self.document = surgery.document(surgery.root)
        for relations in surgery.all_relations().values():
            for one in relations:
                if one.kind in _REFUSED:
                    raise SurgeryError(Message(_REFUSED[one.kind], {}))
        sheets = self.document.root.first("sheets")
        if sheets is None:
            raise strange(surgery.root)
        self._sheets = sheets
        by_id = {one.identity: one for one in surgery.relations(surgery.root)}
        self.listed: list[tuple[Node, Relation | None]] = [
            (node, by_id.get(node.get("id"))) for node in sheets.all("sheet")
        ]
        content_type = surgery.content_type(surgery.root)
        if content_type in _OPENED_AS:
            content_type = _OPENED_AS[content_type]
            surgery.set_content_type(surgery.root, content_type)
        self.suffix = ".xlsm" if content_type == _MACROS else ".xlsx"

    def names(self, without: Collection[str]) -> set[str]:
        """What its sheets are called, for comparison, but for those whose parts' keys are given."""
        return {
            node.get("name").casefold()
            for node, one in self.listed
            if one is None or part_key(one.target) not in without
        }

    def put_first(self, name: str, part: str, without: Collection[str], titles: str) -> None:
        """Put a sheet before all others, open it, and take others out.

        Args:
            name: what it is called.
            part: its part.
            without: the parts of the sheets that go, by their keys.
            titles: the rows that are printed on every page, e.g. ``$9:$9``.
        """
        moved: dict[int, int | None] = {}
        for place, (node, one) in enumerate(self.listed):
            is_out = one is not None and part_key(one.target) in without
            moved[place] = None if is_out else 1 + sum(1 for other in moved.values() if other is not None)
            if is_out and one is not None:
                self.document.remove(node)
                self._surgery.unrelate(self._surgery.root, one.identity)
                self._surgery.drop(one.target)
        self._move_names(moved, name, titles)
        self._open_first()
        self._list(name, self._surgery.relate(self._surgery.root, "worksheet", part))
        out = [node.get("name") for place, (node, _) in enumerate(self.listed) if moved[place] is None]
        self._retitle(name, out)

    def _list(self, name: str, identity: str) -> None:
        numbers = [int(node.get("sheetId")) for node, _ in self.listed if node.get("sheetId").isdigit()]
        prefix = self.document.prefix_of(*KIND_SPACES)
        declared = "" if prefix else f' xmlns:r="{self._surgery.kinds}"'
        xml = (
            f'<{self.document.prefix}sheet name="'.encode()
            + escaped(name)
            + f'" sheetId="{max(numbers, default=0) + 1}"{declared} {prefix or "r:"}id="{identity}"/>'.encode()
        )
        self.document.change(self._sheets, first=xml)

    def _open_first(self) -> None:
        views = list(self.document.root.all("bookViews", "workbookView"))
        for view in views:
            self.document.change(view, {"activeTab": None, "firstSheet": None})
        if not views and self.document.root.first("bookViews") is None:  # which a sheet's view refers to
            prefix = self.document.prefix
            whole = f"<{prefix}bookViews><{prefix}workbookView/></{prefix}bookViews>".encode()
            put(self.document, "bookViews", _ORDER, whole)

    def _move_names(self, moved: dict[int, int | None], name: str, titles: str) -> None:
        """Names that belong to a sheet say to which by its place."""
        prefix = self.document.prefix
        quoted = name.replace("'", "''")
        ours = (
            f'<{prefix}definedName name="_xlnm.Print_Titles" localSheetId="0">'.encode()
            + escaped(f"'{quoted}'!{titles}")
            + f"</{prefix}definedName>".encode()
        )
        names = self.document.root.first("definedNames")
        for node in names.all("definedName") if names is not None else ():
            place = node.get("localSheetId")
            if not place.isdigit():
                continue
            new = moved.get(int(place))
            if new is None:
                self.document.remove(node)
            else:
                self.document.change(node, {"localSheetId": str(new)})
        if names is not None:
            self.document.change(names, last=ours)
        else:
            whole = f"<{prefix}definedNames>".encode() + ours + f"</{prefix}definedNames>".encode()
            put(self.document, "definedNames", _ORDER, whole)

    def _retitle(self, name: str, out: list[str]) -> None:
        """The list of sheets that a file manager shows, where there is one that says what we expect."""
        part = next((one.target for one in self._surgery.related("", "extended-properties")), None)
        part = part or next((one.target for one in self._surgery.related("", "extendedProperties")), None)
        if part is None:
            return
        document = self._surgery.document(part)
        count = document.root.first("HeadingPairs", "vector", "variant", "i4")
        vector = document.root.first("TitlesOfParts", "vector")
        if count is None or vector is None or not vector.children:
            return
        titles = vector.children
        sheets = document.content(count).strip()
        if not sheets.isdigit() or not 0 < int(sheets) <= len(titles):
            return
        gone = [node for node in titles[: int(sheets)] if document.content(node) in {escaped(one) for one in out}]
        for node in gone:
            document.remove(node)
        more = 1 - len(gone)
        document.replace(count.inner, count.inner_end, str(int(sheets) + more).encode())
        tag = titles[0].name
        document.change(
            vector,
            {"size": str(len(titles) + more)},
            first=f"<{tag}>".encode() + escaped(name) + f"</{tag}>".encode(),
        )
