"""Who was erased is in no staging file: those who came all the same are left out, and it is said how many were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import duckdb

from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration, quote
from warehouse.erasures import Erasure, tables_of_people
from warehouse.findings import Finding
from warehouse.messages import counted, message


def leave_out_erased(
    connection: duckdb.DuckDBPyConnection,
    declaration: SourceDeclaration,
    snapshot: Snapshot,
    listed: Sequence[Erasure],
) -> Iterator[Finding]:
    """Delete erased people's rows from the loaded tables; a finding a table and day of request, with how many.

    Their records were taken out of the files already (``sources.erasing``): here are those whom the files still
    hold, as after a backup of the archive was put back.
    """
    for table in tables_of_people(declaration):
        asked = Counter(day for file in snapshot.files if file.lacking for day in file.lacking.asked)
        relation = f"staged.{quote(table.name)}"
        for one in listed:
            condition = one.matches(table.person_key)
            (rows,) = connection.execute(f"SELECT count(*) FROM {relation} WHERE {condition}").fetchone() or (0,)
            if rows:
                connection.execute(f"DELETE FROM {relation} WHERE {condition}")
                asked[one.day] += 1
        for day, count in sorted(asked.items()):
            yield Finding(
                rule="erased",
                severity=Severity.INFO,
                message=counted(
                    "{count} record left out: erased on request on {day}.",
                    "{count} records left out: erased on request on {day}.",
                    count=count,
                    day=day,
                ),
                help=message("Delete what was erased where the files come from, too."),
                table_name=table.name,
                value=day,
            )
