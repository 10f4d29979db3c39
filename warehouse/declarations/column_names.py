"""What a published table's columns may be called and how many it may have: as PostgreSQL, below CKAN, has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from warehouse.declared import DeclarationError

# PostgreSQL cuts a longer name off, and two that begin alike are then one (NAMEDATALEN is 64, the end included).
_NAME_BYTES = 63
# A table of PostgreSQL has at most 1,600 columns; CKAN adds _id and _full_text to its own.
_COLUMNS = 1_598
# Columns that every table of PostgreSQL has; a name that begins with _ is none of ours anyway (CKAN's are).
_SYSTEM = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


def check_columns(names: Sequence[str], where: Path | str) -> None:
    """Make sure that a portal's table can have the columns of a dataset.

    Raises:
        DeclarationError: it cannot; the message says which, why and what to do.
    """
    if faults := list(_faults(names)):
        raise DeclarationError(f"{where}: fields: {'; '.join(faults)}")


def _faults(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if (size := len(name.encode())) > _NAME_BYTES:
            yield f"{name} has {size} bytes, and a portal's table cuts names at {_NAME_BYTES}; shorten it"
        if name in _SYSTEM:
            yield f"{name} is the name of a column that every table of PostgreSQL has; call it something else"
    if len(names) > _COLUMNS:
        yield (
            f"{len(names):,} columns, and a portal's table holds {_COLUMNS:,}; split the dataset, or have a row"
            " for each value"
        )
