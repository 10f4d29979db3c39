"""How the people whom a dataset is about are protected: for machines, and in words. All from its declaration.

The block is what ``publish.disclosure.verifying`` reads: whoever has a release's files needs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from publish.files.render import SUPPRESSED_WORD
from warehouse.declarations import (
    STATUS,
    SUPPRESSED,
    TOTAL,
    DatasetDeclaration,
    DisclosureDeclaration,
    FieldDeclaration,
    ProtectedAs,
    Translation,
)
from warehouse.messages import listed, message

# What an empty cell means, beside what a release's files say of empty cells anyway.
PROTECTION_NOTE = message(
    "Where {column} is {code}, counts and what comes of them are not published, to protect people: empty in CSV"
    " and Parquet, the word {word} in XLSX.",
    column=STATUS,
    code=SUPPRESSED,
    word=SUPPRESSED_WORD,
)


def protection_of(declaration: DatasetDeclaration) -> dict[str, Any] | None:
    """``disclosure`` of a release's ``datapackage.json``; None for a dataset that declares none."""
    disclosure = declaration.entry.disclosure
    if disclosure is None:
        return None
    protected = [field for field in declaration.table.fields if field.protected]
    block: dict[str, Any] = {
        "population": disclosure.population,
        "counts": disclosure.counts,
        "sensitivity": disclosure.sensitivity,
        "threshold": disclosure.protects_below,
        "period": list(disclosure.period),
        "samePeople": list(disclosure.same_people),
        "dimensions": [list(columns) for columns in disclosure.dimensions],
        "totalCode": TOTAL,
        "statusField": STATUS,
        "suppressedCode": SUPPRESSED,
        "protectedFields": [_protected(field, disclosure) for field in protected],
    }
    if disclosure.magnitudes:
        block["pPercent"] = disclosure.p_percent
    return block | {"text": list(protection_in_words(declaration))}


def _protected(field: FieldDeclaration, disclosure: DisclosureDeclaration) -> dict[str, Any]:
    """A protected field: what it is, of what, its decimals, and between which bounds one person's part lies."""
    what = field.protected
    content: dict[str, Any] = {"name": field.name, "kind": what.kind if what else "count"}
    if what and what.of:
        content["of"] = what.of
    if field.decimals is not None:
        content["decimals"] = field.decimals
    for magnitude in disclosure.magnitudes:
        if what and what.kind in ("sum", "mean") and what.of == magnitude.column:
            content |= {"minimum": magnitude.minimum, "maximum": magnitude.maximum}
    return content


def with_protection(field: FieldDeclaration, block: Mapping[str, Any]) -> FieldDeclaration:
    """A field as a release's ``disclosure`` describes it: a column of a dimension, protected, or neither."""
    columns = [column for dimension in block.get("dimensions", ()) for column in dimension]
    what = next((one for one in block.get("protectedFields", ()) if one["name"] == field.name), None)
    protected = ProtectedAs(what["kind"], what.get("of", "")) if what else None
    return field.of_protected_table(has_total=field.name in columns, protected=protected)


def protection_in_words(
    declaration: DatasetDeclaration, translation: Translation | None = None
) -> tuple[str, ...]:
    """What is published of people and what is not, how that was audited, and what that does not cover: paragraphs.

    Empty for a dataset that declares no disclosure control. Each is a message, with the dataset's own words in the
    language of ``translation``, where it has them.
    """
    disclosure = declaration.entry.disclosure
    if disclosure is None:
        return ()
    titles = translation.fields if translation else {}
    questions = [titles.get(name) or declaration.table.field(name).title for name in disclosure.same_people]
    counts = (translation.counts if translation else "") or disclosure.counts
    return tuple(_paragraphs(disclosure, counts, questions))


def _paragraphs(disclosure: DisclosureDeclaration, counts: str, questions: Sequence[str]) -> Iterator[str]:
    threshold = disclosure.protects_below
    yield message(
        "This dataset counts people: each is a {person}. A count of 1 to {most} is suppressed: its cell is"
        " empty, and {column} says {code}. That nobody is of a kind is published as 0.",
        person=counts,
        most=threshold - 1,
        column=STATUS,
        code=SUPPRESSED,
    )
    if disclosure.magnitudes:
        yield message(
            "So is what is added up over people, and its mean, where whoever contributed second most could tell"
            " what contributed most to within {percent} per cent (the p% rule).",
            percent=disclosure.p_percent,
        )
    yield message(
        "Further cells, zeros among them, are suppressed so that none of these follows from others, by subtraction"
        " or otherwise. Which cells are suppressed for their own sake is not said."
    )
    if questions:
        yield message(
            "The same people are counted at every {column}, so a group that is suppressed at one is suppressed"
            " at all.",
            column=listed(questions),
        )
    yield message(
        "Every count that is published is exact, and where its code is {code} (all) it includes those in"
        " suppressed cells. Means and shares are computed from published counts and sums only, and rounded.",
        code=TOTAL,
    )
    yield message(
        "Before anything was released, a program that does not know how the cells were chosen audited it. For"
        " every count of few it found two populations that agree with all that is published, now and before, and"
        " with what one person who is alone in a cell knows: in one nobody is in the cell, in the other at least"
        " {threshold} are. Without them nothing is released. Both are kept as long as people's own answers are.",
        threshold=threshold,
    )
    yield message(
        "What was suppressed once stays suppressed. The next update comes when enough changed: every count by"
        " nobody, or by {threshold} people or more. Until then the last release stands.",
        threshold=threshold,
    )
    yield message(
        "Not covered: what published zeros and extreme means say of a whole group (nobody in it answered yes), and"
        " what those can conclude who know more of the people than is published. Single answers are not published."
    )
    yield message(
        "Margins, rules, and what follows from the published counts by equations can be checked from these files"
        " alone: {command}.",
        command="opendistrict verify-disclosure FOLDER",
    )
