"""Faults of single cells: what stands in them is not what their column is for."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from tests.broken.drafts import Draft, Raw
from tests.broken.planting import Planted, Target, W, at, broken, fault, one_of, targets, write
from warehouse.declarations import FieldDeclaration, Privacy
from warehouse.identifiers import CANONICAL, slug


def _of_type(*types: str):
    """Columns of these types."""
    return lambda page, declared: declared.type in types


def _in_key(page, declared: FieldDeclaration) -> bool:
    in_foreign = any(declared.name in key.fields for key in page.table.foreign_keys)
    return declared.name in page.table.primary_key or in_foreign


def _is_plain_text(page, declared: FieldDeclaration) -> bool:
    limits = declared.constraints
    is_free = declared.type == "string" and not (limits.pattern or limits.code_list or limits.check)
    return is_free and not _in_key(page, declared) and declared.privacy is Privacy.PUBLIC


# --- missing, twice ------------------------------------------------------------------------------------------


@fault("missing-required", "a required cell is emptied", "required at the cell", placements=5)
def _missing(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: one.constraints.required or one.name in page.table.primary_key)
    return broken(target, draft.rng.choice([None, "  ", "–", "\u00a0"]), "required")


@fault("key-twice", "a row gets the key of another", "unique at the key of both rows", placements=5)
def _key_twice(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: one.name == page.table.primary_key[0])
    if target is None:
        return None
    page, line, column, declared = target
    other = draft.rng.choice(
        [
            one
            for _, one, c, _ in targets(draft, lambda p, f: p is page and f is declared)
            if one is not line and c is column
        ]
    )
    for name in page.table.primary_key:
        line.cells[page.column(name)] = other.cells[page.column(name)]
    return Planted([at(target, "unique"), at((page, other, column, declared), "unique")])


@fault("value-twice", "a value that is to be unique stands in two rows", "unique at both cells")
def _value_twice(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: one.constraints.unique)
    if target is None:
        return None
    page, line, column, declared = target
    other = draft.rng.choice([one for one in page.records if one is not line])
    line.cells[column] = other.cells[column] = line.cells[column] or other.cells[column] or "helsinki:a99"
    return Planted([at(target, "unique"), at((page, other, column, declared), "unique")])


def _own(target: Target) -> object:
    """What stands in the cell: what is said of it can then be mended without breaking what others say."""
    return target[1].cells[target[2]] or 5


# --- another type ---------------------------------------------------------------------------------------------


@fault("no-whole-number", "words or a fraction where a whole number belongs", "type at the cell")
def _no_integer(draft: Draft) -> Planted | None:
    return broken(
        one_of(draft, _of_type("integer")), draft.rng.choice(["twelve", "12.5", "many", "10-15", 12.5]), "type"
    )


@fault("no-number", "words where a number belongs", "type at the cell")
def _no_number(draft: Draft) -> Planted | None:
    return broken(one_of(draft, _of_type("number")), draft.rng.choice(["plenty", "1 2 3", "5,0,0", "x"]), "type")


@fault("about", "'n. 5000' where no column says how a number is meant", "type at the cell", placements=2)
def _about(draft: Draft) -> Planted | None:
    is_plain = one_of(draft, lambda _, one: one.type in ("integer", "number") and not one.qualifier_in)
    written = draft.rng.choice(["n. {}", "noin {}", "~{}", "about {}", "{}+"])
    return broken(is_plain, written.format(_own(is_plain)), "type") if is_plain else None


@fault("other-unit", "a number with the unit of another column", "type at the cell", placements=4)
def _other_unit(draft: Draft) -> Planted | None:
    target = one_of(draft, _of_type("integer", "number"))
    written = draft.rng.choice(["£{}", "{} SEK", "{} m²", "{} kpl mukana", "USD {}"])
    return broken(target, written.format(_own(target)), "type") if target else None


@fault("open-thousand", "'5.000' in a column that shows no decimal mark", "type at the cell", placements=2)
def _open_thousand(draft: Draft) -> Planted | None:
    return broken(one_of(draft, lambda _, one: one.type == "number"), draft.rng.choice(["5.000", "5,000"]), "type")


@fault(
    "too-many-decimals", "more decimals than the column keeps", "rounded at the cell", kind="xlsx", placements=2
)
def _decimals(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda _, one: one.type == "number" and one.decimals is not None)
    if target is None:
        return None
    write(target, 5000.12345)
    return Planted([at(target, "rounded", severity=W)])


@fault(
    "no-date", "words, a wrong day or a year of two digits where a day belongs", "type at the cell", placements=5
)
def _no_date(draft: Draft) -> Planted | None:
    texts = ["early spring", "31.2.2016", "1.3.16", "2016-13-01", "32.1.2016", "kevät"]
    return broken(one_of(draft, _of_type("date", "datetime")), draft.rng.choice(texts), "type")


@fault("ambiguous-date", "'3/4/2016' where nothing shows which is the month", "type at the cell", dates="iso")
def _ambiguous_date(draft: Draft) -> Planted | None:
    """The day that stood there, so that it can be mended in one of the two ways."""
    open_ones = [
        target
        for target in targets(draft, _of_type("date", "datetime"))
        if isinstance(day := target[1].cells[target[2]], date) and day.day <= 12 and day.day != day.month
    ]
    if not open_ones:
        return None
    target = draft.rng.choice(open_ones)
    day = target[1].cells[target[2]]
    return broken(target, f"{day.day}/{day.month}/{day.year}", "type")


@fault("month-for-a-day", "a month where no column says how exact a day is", "type at the cell", placements=1)
def _month(draft: Draft) -> Planted | None:
    return broken(one_of(draft, lambda _, one: one.type == "date" and not one.precision_in), "12/2019", "type")


@fault("no-year", "words or two digits where a year belongs", "type at the cell", placements=4)
def _no_year(draft: Draft) -> Planted | None:
    return broken(one_of(draft, _of_type("year")), draft.rng.choice(["'16", "last year", "2016-17", 16]), "type")


@fault("date-in-text", "a spreadsheet made a day of a text", "type at the cell", kind="xlsx", dates="cells")
def _date_in_text(draft: Draft) -> Planted | None:
    return broken(one_of(draft, _is_plain_text, filled=True), date(2026, 3, 4), "type")


@fault("error-value", "a formula's error stands in a cell", "type at the cell", kind="xlsx", placements=4)
def _error(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: not _in_key(page, one))
    return broken(target, Raw(draft.rng.choice(["#N/A", "#REF!", "#DIV/0!", "#NAME?"])), "type")


@fault("error-word", "a program's word for an error stands in a cell as text", "type at the cell")
def _error_word(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: not _in_key(page, one))
    return broken(target, draft.rng.choice(["#N/A", "#PUUTTUU!", "Err:508", "Loading...", "NULL"]), "type")


@fault("no-result", "a formula whose result was never stored", "type at the cell", kind="xlsx")
def _no_result(draft: Draft) -> Planted | None:
    target = one_of(draft, _of_type("integer", "number"), filled=True)
    return broken(target, Raw(f"={target[1].cells[target[2]]}+0"), "type") if target else None


@fault("ditto", "a mark that says 'as above'", "type at the cell", placements=4)
def _ditto(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: not one.constraints.code_list and not _in_key(page, one))
    return broken(target, draft.rng.choice(['"', "-”-", "〃", "sama", "ditto"]), "type")


@fault(
    "ditto-for-a-code", "a mark that says 'as above' in place of a code", "type or code at the cell", placements=2
)
def _ditto_code(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: bool(one.constraints.code_list) and not _in_key(page, one))
    return broken(target, '"', "type", "code")


@fault("scrambled", "letters were taken for others on the way", "type at the cell")
def _scrambled(draft: Draft) -> Planted | None:
    return broken(
        one_of(draft, _is_plain_text, filled=True),
        draft.rng.choice(["KÃ¤velijÃ¤t", "MyllypurÃ¶", "Caf\ufffd"]),
        "type",
    )


@fault("merged-number", "a number is merged over two rows", "type at both rows", kind="xlsx")
def _merged(draft: Draft) -> Planted | None:
    target = one_of(draft, _of_type("integer", "number"))
    if target is None:
        return None
    page, line, column, declared = target
    place = page.records.index(line)
    first, second = page.records[place - 1 : place + 1] if place else page.records[:2]
    second.cells[column] = None
    first.cells[column] = first.cells[column] or 12
    page.merges.append((first, second, column))
    return Planted([at((page, one, column, declared), "type") for one in (first, second)])


# --- off the list, out of bounds, of another form ------------------------------------------------------------


@fault("off-the-list", "a word that is on no list", "code at the cell", placements=4)
def _off_list(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda _, one: bool(one.constraints.code_list or one.constraints.enum))
    return broken(target, draft.rng.choice(["blockchain", "muu juttu", "??", "A"]), "code")


@fault("misspelt-code", "a code with a letter too few", "code at the cell", placements=4)
def _misspelt(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda _, one: bool(one.constraints.code_list or one.constraints.enum))
    if target is None:
        return None
    text = next((str(line.cells[target[2]]) for line in target[0].records if line.cells[target[2]]), "mobility")
    return broken(target, text[:2] + text[3:] if len(text) > 4 else text + "xq", "code")


def _bounded(side: str):
    def suits(_, one: FieldDeclaration) -> bool:
        return getattr(one.constraints, side) is not None and one.type in ("integer", "number", "year", "date")

    return suits


@fault("too-small", "a value below its column's least", "range at the cell", placements=4)
def _too_small(draft: Draft) -> Planted | None:
    target = one_of(draft, _bounded("minimum"))
    if target is None:
        return None
    least = target[3].constraints.minimum
    value = least - timedelta(days=400) if isinstance(least, date) else int(least) - 5
    return broken(target, value, "range")


@fault("too-large", "a value above its column's greatest", "range at the cell", placements=4)
def _too_large(draft: Draft) -> Planted | None:
    target = one_of(draft, _bounded("maximum"))
    if target is None:
        return None
    most = target[3].constraints.maximum
    value = most + timedelta(days=400) if isinstance(most, date) else int(most) + 7
    return broken(target, value, "range")


@fault("other-form", "a text that has not its column's form", "pattern at the cell", placements=4)
def _other_form(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: one.constraints.pattern is not None)
    if target is None:
        return None
    limits = target[3].constraints
    for text in draft.rng.sample(["Ä b!", "www example org", "no. 7", "x y z", "12 34"], 5):
        meant = (CANONICAL[limits.check](text) if limits.check else None) or slug(text)
        if not re.fullmatch(limits.pattern, text) and not re.fullmatch(limits.pattern, meant):
            return broken(target, text, "pattern", reference=_DANGLES)
    return None


_DANGLES = "an id of another form is on no other sheet either"


@fault("too-long", "a text longer than its column takes", "length at the cell")
def _too_long(draft: Draft) -> Planted | None:
    target = one_of(
        draft, lambda page, one: _is_plain_text(page, one) and one.constraints.max_length is not None, filled=True
    )
    return broken(target, "a " * target[3].constraints.max_length + "b", "length") if target else None


@fault("check-digit", "an identifier that is nobody's", "check-digit at the cell", placements=5)
def _check_digit(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda _, one: one.constraints.check is not None)
    if target is None:
        return None
    wrong = {"business_id_fi": "2170029-3", "company_number_uk": "ZZ123456", "org_id": "XX-NONE-1"}
    return broken(target, wrong[target[3].constraints.check], "check-digit")


@fault("dangling", "a row refers to one that is not there", "reference at the cell", placements=4)
def _dangling(draft: Draft) -> Planted | None:
    target = one_of(draft, lambda page, one: any(one.name == key.fields[0] for key in page.table.foreign_keys))
    if target is None:
        return None
    return broken(target, "no-such-row", "reference")


@fault("personal", "somebody's address, number or code in public text", "personal-data at the cell", placements=5)
def _personal(draft: Draft) -> Planted | None:
    # made up, but of the right form
    texts = ["Ask jane.doe@example.org", "Soita 040 123 4567", "Call +44 20 7946 0958", "Hetu 131052-308T"]
    return broken(
        one_of(draft, lambda page, one: _is_plain_text(page, one) and one.screen, filled=True),
        draft.rng.choice(texts),
        "personal-data",
    )


@fault("stamp-in-a-year", "a day where a year belongs", "type at the cell", kind="xlsx", placements=2)
def _stamp_in_year(draft: Draft) -> Planted | None:
    return broken(one_of(draft, _of_type("year")), datetime(2016, 5, 1), "type")


@fault("two-orders", "of two days one has the month first", "mixed-dates at the column", dates="iso", placements=2)
def _two_orders(draft: Draft) -> Planted | None:
    target = one_of(draft, _of_type("date"))
    if target is None:
        return None
    page, line, column, _ = target
    other = next(one for one in page.records if one is not line)
    days = [one.cells[column] for one in (line, other)]
    if not all(isinstance(day, date) for day in days):
        return None
    line.cells[column] = f"{20 + days[0].day % 8}/{days[0].month}/{days[0].year}"
    other.cells[column] = f"{days[1].month}/{20 + days[1].day % 8}/{days[1].year}"
    order = "the days moved within their months"
    return Planted([at((page, None, column, target[3]), "mixed-dates", severity=W)], {"ends-after-start": order})
