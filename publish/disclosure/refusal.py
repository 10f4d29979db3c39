"""Default-deny for data about people: what is not protected does not leave.

A source's table says that it is about people (``about_people: true``). A dataset whose model reads such a table,
itself or through core models, is held back: it is not built, not released and not published, and nothing of it is
in a report. That is no failure. Counts of people leave by one door: the dataset's entry declares ``disclosure``, a
core model gives the people, and the dataset's model reads what is left of them in ``protected.<population>``.
"""

from __future__ import annotations

from collections.abc import Collection

from warehouse.declarations import DatasetDeclaration


def why_held_back(
    dataset: DatasetDeclaration, reads: Collection[tuple[str, str]], about_people: Collection[tuple[str, str]]
) -> str:
    """Why a dataset is held back, and what to write; empty if it may be released.

    Args:
        dataset: as declared.
        reads: the tables that its model reads unprotected, as (source, table).
        about_people: the tables that are about people. A table's history is too.
    """
    read = sorted(
        f"{source}.{table}"
        for source, table in about_people
        if (source, table) in reads or (source, f"{table}_history") in reads
    )
    if not read:
        return ""
    about = f"held back: it is about people ({', '.join(read)}), and"
    place, model = f"publish/catalogue/{dataset.stem}.yaml", f"warehouse/models/{dataset.stem}.sql"
    if dataset.entry.disclosure is None:
        return (
            f"{about} no disclosure control declared. To release it, give its people in a core model, a row a"
            f" person: warehouse/models/core/<population>.sql; say in {place} under `disclosure` which population,"
            f" period, dimensions and sensitivity it has; and let {model} read protected.<population> instead."
        )
    population = dataset.entry.disclosure.population
    return (
        f"{about} its model reads them beside the disclosure control that {place} declares. Let {model} read"
        f" protected.{population}, and leave the people to warehouse/models/core/{population}.sql."
    )
