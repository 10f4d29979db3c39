"""Faults of the form: columns, headers, sheets, rows that are no records, what nobody sees."""

from __future__ import annotations

from tests.broken.drafts import Column, Draft, Line, Page
from tests.broken.planting import C, E, I, Planted, W, Wanted, fault
from warehouse.declarations import FieldDeclaration

_ALSO_UNKNOWN = {"unknown-column": "what a column is called that has an unknown name is a second thing to know"}


def _page(draft: Draft) -> Page:
    """Any sheet that has to be there."""
    return draft.rng.choice([page for page in draft.pages if page.table.presence == "mandatory"])


def _mandatory(draft: Draft, page: Page) -> FieldDeclaration:
    """A column that has to be there and that no other sheet refers to."""
    referred = {
        name
        for other in draft.pages
        for key in other.table.foreign_keys
        if key.table == page.table.name
        for name in key.references
    }
    return draft.rng.choice(
        [one for one in page.table.fields if one.presence == "mandatory" and one.name not in referred]
    )


def _at_column(page: Page, column: Column, rule: str, severity=C, *, in_header: bool = True) -> Wanted:
    return Wanted(frozenset({rule}), severity, page, None, column, in_header)


# --- columns -------------------------------------------------------------------------------------------------


@fault(
    "missing-column", "a column that has to be there is taken out", "missing-column at the column", placements=5
)
def _missing_column(draft: Draft) -> Planted:
    page = _page(draft)
    column = page.column(_mandatory(draft, page).name)
    page.columns.remove(column)
    return Planted([Wanted(frozenset({"missing-column"}), C, page, None, column)])


@fault("misspelt-header", "a header has a letter too few", "renamed-column at the misspelt header", placements=5)
def _misspelt_header(draft: Draft) -> Planted | None:
    page = _page(draft)
    declared = _mandatory(draft, page)
    column = page.column(declared.name)
    if len(column.heading) < 6:
        return None
    column.heading = column.heading[:2] + column.heading[3:]
    return Planted([_at_column(page, column, "renamed-column")])


@fault(
    "strange-header", "a column has a name that nobody knows", "missing-column, or renamed-column at the header"
)
def _strange_header(draft: Draft) -> Planted:
    """What stands below a header may give away which one it is."""
    page = _page(draft)
    column = page.column(_mandatory(draft, page).name)
    column.heading = "Xyzzy"
    wanted = Wanted(frozenset({"missing-column", "renamed-column"}), C, page, None, column, at_any_row=True)
    return Planted([wanted], _ALSO_UNKNOWN)


@fault("column-twice", "a column is there twice, both filled in", "duplicate-column at the header", placements=3)
def _column_twice(draft: Draft) -> Planted:
    page = _page(draft)
    first = page.column(_mandatory(draft, page).name)
    second = Column(first.name, first.heading)
    page.columns.append(second)
    for line, other in zip(page.records, page.records[1:] + page.records[:1], strict=True):
        line.cells[second] = other.cells[first]
    page.records[0].cells |= {first: page.records[0].cells[first] or "a", second: "b"}  # they say two things
    return Planted([_at_column(page, first, "duplicate-column")])


@fault(
    "empty-column-twice",
    "a header stands twice, once over nothing",
    "duplicate-column at the header",
    placements=2,
)
def _empty_twice(draft: Draft) -> Planted:
    page = _page(draft)
    first = page.column(_mandatory(draft, page).name)
    page.columns.append(Column(first.name, first.heading))
    return Planted([_at_column(page, first, "duplicate-column", W)])


@fault("unknown-column", "a column that nobody declared", "unknown-column at its header", placements=3)
def _unknown_column(draft: Draft) -> Planted:
    page = _page(draft)
    column = Column("", draft.rng.choice(["Desk memo", "Muistiinpano pöydälle", "Zzz"]))
    page.columns.insert(draft.rng.randint(1, len(page.columns)), column)
    if page.groups:
        page.groups[-1] = (page.groups[-1][0], page.groups[-1][1] + 1)
    page.records[1].cells[column] = "ask for a photo"
    return Planted([_at_column(page, column, "unknown-column", W)])


@fault("no-header-above", "a column of values without a header", "unknown-column at it", kind="xlsx", placements=3)
def _nameless(draft: Draft) -> Planted:
    page = _page(draft)
    column = Column("", None)
    page.columns.append(column)
    page.records[2].cells[column] = "ask for a photo"
    return Planted([_at_column(page, column, "unknown-column", W)])


@fault(
    "swapped-columns",
    "two columns have changed their headers",
    "what cannot be in them, at each cell",
    placements=3,
)
def _swapped(draft: Draft) -> Planted | None:
    page = _page(draft)
    codes = [one for one in page.table.fields if one.constraints.code_list and one.constraints.required]
    days = [one for one in page.table.fields if one.type in ("date", "year")]
    if not codes or not days:
        return None
    code, day = page.column(draft.rng.choice(codes).name), page.column(draft.rng.choice(days).name)
    code.heading, day.heading = day.heading, code.heading
    code.name, day.name = day.name, code.name
    wanted = []
    for line in page.records:
        for column in (code, day):
            if line.cells[column] is not None:
                wanted.append(Wanted(frozenset({"type", "code"}), E, page, line, column))
            elif column.name in {one.name for one in codes}:
                wanted.append(Wanted(frozenset({"required"}), E, page, line, column))
    return Planted(
        wanted,
        {
            "mostly-refused": "every row is wrong: that the table is held is said once",
            "dated": "no year of a row can be read",
            **_OF_WHOLE,
        },
    )


_OF_WHOLE = {"mostly-unreadable": "that a column as a whole is not what it seems is said once, at the column"}


# --- headers and sheets --------------------------------------------------------------------------------------


@fault("no-header", "the header row is taken out", "missing-header at the sheet", kind="xlsx", placements=4)
def _no_header(draft: Draft) -> Planted:
    page = _page(draft)
    page.has_header, page.groups = False, []
    return Planted([Wanted(frozenset({"missing-header"}), C, page)])


@fault(
    "no-sheet", "a sheet that has to be there is taken out", "missing-table of the file", kind="xlsx", placements=4
)
def _no_sheet(draft: Draft) -> Planted | None:
    page = _page(draft)
    if len(draft.pages) == 1:
        return None
    draft.pages.remove(page)
    return Planted([Wanted(frozenset({"missing-table"}), C)])


@fault("no-file", "the CSV file of a table is not handed in", "missing-table", kind="csv", placements=2)
def _no_file(draft: Draft) -> Planted | None:
    return _no_sheet(draft)


@fault(
    "sheet-of-other-name",
    "a sheet has another name",
    "sheet-by-header, for information",
    kind="xlsx",
    placements=2,
)
def _other_name(draft: Draft) -> Planted:
    page = _page(draft)
    page.name = "Sheet1"
    return Planted([Wanted(frozenset({"sheet-by-header"}), I, page)])


@fault(
    "two-sheets", "two sheets have the name of a table", "duplicate-sheet of the file", kind="xlsx", placements=3
)
def _two_sheets(draft: Draft) -> Planted:
    page = _page(draft)
    twin = Page(page.table, f"{page.name} ", page.columns, page.lines[:5])
    draft.pages.append(twin)
    return Planted([Wanted(frozenset({"duplicate-sheet"}), C)])


@fault(
    "copy-of-a-sheet", "an old copy of a sheet stands beside it", "unknown-sheet at it", kind="xlsx", placements=2
)
def _copy(draft: Draft) -> Planted:
    page = _page(draft)
    twin = Page(page.table, f"{page.name[:20]} 2019", page.columns, page.lines[:5])
    draft.pages.append(twin)
    return Planted([Wanted(frozenset({"unknown-sheet"}), W, twin)])


@fault("another-sheet", "a sheet of something else", "unknown-sheet, for information", kind="xlsx", placements=2)
def _another_sheet(draft: Draft) -> Planted:
    draft.others.append(("Scratch", [["nothing", "of", "interest"]]))
    return Planted([Wanted(frozenset({"unknown-sheet"}), I)])


# --- rows ----------------------------------------------------------------------------------------------------


def _is_in_key(page: Page, column: Column) -> bool:
    return column.name in page.table.primary_key


def _insert(page: Page, line: Line, place: int) -> None:
    page.lines.insert(place, line)


@fault("totals-in-the-middle", "a row of totals between the records", "skipped-row, for information", placements=4)
def _totals(draft: Draft) -> Planted:
    page = _page(draft)
    word = draft.rng.choice(["Total", "Yhteensä", "Summa", "Subtotal"])
    first, *others = [
        column for column in page.columns if column is page.columns[0] or not _is_in_key(page, column)
    ]
    line = Line({first: word, others[-1]: 123}, is_record=False)
    _insert(page, line, draft.rng.randint(2, 5))
    return Planted([Wanted(frozenset({"skipped-row"}), I, page, line)])


@fault("note-in-the-middle", "a note between the records", "skipped-row, for information", placements=2)
def _note(draft: Draft) -> Planted | None:
    page = _page(draft)
    free = [column for column in page.columns if column.name not in page.table.primary_key]
    line = Line({draft.rng.choice(free): "from here on of last year"}, is_record=False)
    _insert(page, line, draft.rng.randint(2, 5))
    return Planted([Wanted(frozenset({"skipped-row"}), I, page, line)])


@fault("nothing-but-a-key", "a row that is not filled in yet", "skipped-row, for information", placements=2)
def _only_key(draft: Draft) -> Planted:
    page = _page(draft)
    line = Line({page.column(name): "to-come-1" for name in page.table.primary_key}, is_record=False)
    _insert(page, line, len(page.records))
    return Planted([Wanted(frozenset({"skipped-row"}), I, page, line)])


@fault("header-again", "the header stands again between the records", "nothing", placements=2)
def _header_again(draft: Draft) -> Planted:
    page = _page(draft)
    _insert(page, Line({column: column.heading for column in page.columns}, is_record=False), 4)
    return Planted([])


@fault("empty-rows", "empty rows between the records", "nothing", placements=2)
def _empty_rows(draft: Draft) -> Planted:
    page = _page(draft)
    for _ in range(3):
        _insert(page, Line({}, is_record=False), 3)
    return Planted([])


@fault("unseen-characters", "spaces and marks that nobody sees around values", "nothing", placements=3)
def _unseen(draft: Draft) -> Planted:
    page = _page(draft)
    for line in page.records[::2]:
        for column, value in line.cells.items():
            if isinstance(value, str) and draft.rng.random() < 0.5:
                line.cells[column] = f"\u00a0{value}\u200b "
    return Planted([])


@fault("footnote-in-a-header", "a footnote's mark behind a header", "nothing", placements=2)
def _footnote(draft: Draft) -> Planted:
    page = _page(draft)
    column = draft.rng.choice(page.columns)
    column.heading += draft.rng.choice([" ¹", "*", " [a]"])
    return Planted([])


# --- what nobody sees ------------------------------------------------------------------------------------------


@fault("hidden-rows", "rows are hidden by a filter", "hidden-rows at the sheet", kind="xlsx", placements=3)
def _hidden_rows(draft: Draft) -> Planted:
    page = _page(draft)
    for line in page.records[2:4]:
        line.is_hidden = True
    return Planted([Wanted(frozenset({"hidden-rows"}), W, page)])


@fault("hidden-column", "a column is hidden", "hidden-columns at the sheet", kind="xlsx", placements=2)
def _hidden_column(draft: Draft) -> Planted:
    page = _page(draft)
    draft.rng.choice(page.columns).is_hidden = True
    return Planted([Wanted(frozenset({"hidden-columns"}), W, page)])


@fault("hidden-sheet", "a sheet that was read is hidden", "hidden-sheet at the sheet", kind="xlsx", placements=2)
def _hidden_sheet(draft: Draft) -> Planted | None:
    page = _page(draft)
    if len(draft.pages) == 1:
        draft.others.append(("Read me", [["Ask the desk"]]))
    page.is_hidden = True
    return Planted([Wanted(frozenset({"hidden-sheet"}), W, page)])
