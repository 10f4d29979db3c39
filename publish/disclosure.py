"""Default-deny for data about people: what is not protected does not leave.

A source's table says that it is about people (``about_people: true``). A dataset whose model reads such a table,
itself or through core models, needs disclosure control: counts of few people are people. Its catalogue entry says
which (``disclosure``), and where that is missing, or is none that this house can carry out, the dataset is held
back: it is not built, not released and not published, and nothing of it is in a report. That is no failure.
"""

from __future__ import annotations

from collections.abc import Collection

from warehouse.declarations import DatasetDeclaration

# The methods of disclosure control that can be carried out. There are none yet.
METHODS: frozenset[str] = frozenset()


def why_held_back(
    dataset: DatasetDeclaration, reads: Collection[tuple[str, str]], about_people: Collection[tuple[str, str]]
) -> str:
    """Why a dataset is held back, and what is missing; empty if it may be released.

    Args:
        dataset: as declared.
        reads: the tables that its model reads, as (source, table).
        about_people: the tables that are about people. A table's history is too.
    """
    read = sorted(
        f"{source}.{table}"
        for source, table in about_people
        if (source, table) in reads or (source, f"{table}_history") in reads
    )
    if not read or (dataset.entry.disclosure and dataset.entry.disclosure.method in METHODS):
        return ""
    about = f"held back: it is about people ({', '.join(read)}), and"
    place = f"publish/catalogue/{dataset.stem}.yaml"
    if dataset.entry.disclosure is None:
        return (
            f"{about} no disclosure control declared. It is released once {place} says under `disclosure` how the"
            " people in it are protected, by a method that can be carried out; so far there is none."
        )
    return (
        f"{about} the disclosure control that {place} declares ({dataset.entry.disclosure.method}) is none that"
        " can be carried out yet."
    )
